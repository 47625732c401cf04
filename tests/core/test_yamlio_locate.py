"""Places that are found by reading once more."""

from __future__ import annotations

from typing import Any

import pytest

from coolrun.errors import Place
from coolrun.yamlio import locate, split

_DATA = """\
# defaults
a: 1
b:
  c: [1, {d: x}]
  2: y
---
---
é: {f: g}
"<<": *a
""".encode()


@pytest.mark.parametrize(
    ("document", "path", "key", "line", "column"),
    [
        (0, [], False, 2, 1),
        (0, ["a"], False, 2, 4),
        (0, ["a"], True, 2, 1),
        (0, ["b", "c", 1, "d"], False, 4, 14),
        (0, ["b", "c", 1, "d"], True, 4, 11),
        (0, ["b", 2], False, 5, 6),
        (0, ["b", "nowhere", 3], False, 4, 3),
        (0, ["b", "c", 7], False, 4, 6),
        (0, ["nowhere"], True, 2, 1),
        (2, ["é", "f"], False, 8, 8),
        (2, ["<<"], True, 9, 1),
    ],
)
def test_a_path_leads_to_its_place_or_to_the_nearest_parent(
    document: int, path: list[Any], key: bool, line: int, column: int
) -> None:
    assert locate(_DATA, document, path, file="e.yaml", key=key) == Place("e.yaml", line, column)


def test_the_first_of_two_equal_keys_is_found() -> None:
    data = b"x:\n  1: a\n  1.0: b\n  true: c\n"
    assert locate(data, 0, ["x", True], file="e", key=True) == Place("e", 2, 3)


def test_what_is_broken_or_absent_has_the_nearest_place_before_it() -> None:
    assert locate(b"a:\n  b: [1,\nc: }", 0, ["a", "b", 5], file="e") == Place("e", 2, 6)
    assert locate(b"a: 1", 7, ["a"], file="e") == Place("e")
    assert locate(b"", 0, ["a"], file="e") == Place("e")


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", []),
        (b"# nothing\n", []),
        (b"a: 1\n", [b"a: 1\n"]),
        (b"---\na: 1\n---\nb: 2", [b"---\na: 1\n", b"---\nb: 2"]),
        (b"# c\n%YAML 1.2\n---\na: 1\n", [b"# c\n%YAML 1.2\n---\na: 1\n"]),
        (b"a: 1\r---\rb: 2\r\n--- {}", [b"a: 1\r", b"---\rb: 2\r\n", b"--- {}"]),
        (b"\xef\xbb\xbf---\na: 1", [b"\xef\xbb\xbf---\na: 1"]),
        (b"a: |\n  ---\n---x: 1\n", [b"a: |\n  ---\n---x: 1\n"]),
        (b"a: 'torn\n---\nb: 2\n", [b"a: 'torn\n", b"---\nb: 2\n"]),
    ],
)
def test_a_log_is_cut_where_documents_begin(data: bytes, parts: list[bytes]) -> None:
    assert [data[start:end] for start, end in split(data)] == parts
