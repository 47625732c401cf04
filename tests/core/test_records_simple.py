"""The fast way through simple documents never says anything that the full reader does not."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from coolrun.errors import DefinitionError
from coolrun.records import SimpleReader
from coolrun.yamlio import LOG, dump, read_all

CHARACTERS = "ab01_ -+.:,#'\"[]{}()&*!|>%@~?=\\/<^éß\t"


def fully(text: str) -> Any:
    """What the full reader makes of a document; an exception where it refuses."""
    (document,) = read_all(text.encode(), path="log", limits=LOG)
    return document.value


def same(one: Any, other: Any) -> bool:
    """Equal with types, and with the same order of keys."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(map(repr, one)) == list(map(repr, other)) and all(
            same(one[key], value) for key, value in zip(one, other.values(), strict=True)
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def agrees(text: str) -> None:
    quick = SimpleReader().read(text)
    if quick is not None:
        assert same(quick, fully(text)), text


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=CHARACTERS + "\n", max_size=12)
    | st.sampled_from(
        ["true", "no", "1e5", "0x1f", "1_000", "2021-01-01", "12:30", "=", "...", "-"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(alphabet="abc_1.-", max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
records = st.dictionaries(
    st.text(alphabet="abcXYZ_1.-", min_size=1, max_size=5), values, min_size=1
)


@given(records)
def test_what_is_written_here_is_read_as_the_full_reader_reads_it(record: Any) -> None:
    agrees(f"---\n{dump(record)}")


@given(records, st.sampled_from([None, False, True]))
def test_what_pyyaml_writes_is_read_as_the_full_reader_reads_it(
    record: Any, flow: bool | None
) -> None:
    text = yaml.dump(record, Dumper=yaml.SafeDumper, allow_unicode=True, default_flow_style=flow)
    try:
        fully(f"---\n{text}")
    except DefinitionError:
        return  # PyYAML writes some things that YAML 1.2 does not know
    agrees(f"---\n{text}")


line = st.builds(
    lambda indent, dash, key, value: f"{indent}{dash}{key}{value}",
    st.sampled_from(["", "", "", "  ", "    ", " "]),
    st.sampled_from(["", "", "", "- ", "-"]),
    st.sampled_from(["a: ", "b: ", "a:", "key: ", "", "true: ", "1: ", "x y: "]),
    st.text(alphabet=CHARACTERS, max_size=8)
    | st.sampled_from(["1", "0.5", "'it''s'", '"a b"', "[1, a]", "[a, b: 1]", "word", "{}", "-5"]),
)


@given(st.lists(line, min_size=1, max_size=6))
@example(["a: - b"])
@example(["a: 1", "  b: 2"])
@example(["a:", "- 1", "b: 2"])
@example(["a:", "  - b: 1", "    c: 2", "  - d"])
@example(["a: word", "  more words"])
@example(["- 1", "a: 2"])
@example(["a: 1", "a: 2"])
@example(["a: [1, 2", "b: 3]"])
@example(["a: 'x", "b: y'"])
@example(["a: 9" + "9" * 5000])
def test_odd_lines_are_read_alike_or_left_to_the_full_reader(lines: list[str]) -> None:
    text = "---\n" + "\n".join(lines) + "\n"
    quick = SimpleReader().read(text)
    if quick is None:
        return
    assert same(quick, fully(text)), text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: 0.5\nc: text\n", {"a": 1, "b": 0.5, "c": "text"}),
        ("a: 'it''s'\nb: \"c d\"\n", {"a": "it's", "b": "c d"}),
        ("a: [32, x, 'y z']\nb: []\n", {"a": [32, "x", "y z"], "b": []}),
        (
            "a:\n  b:\n    c: 1\n  d:\n  - 1\n  - 2\ne: {}\n",
            {"a": {"b": {"c": 1}, "d": [1, 2]}, "e": {}},
        ),
        ("a:\n- x: 1\n  y: 2\n- 3\nb:\n", {"a": [{"x": 1, "y": 2}, 3], "b": None}),
        ("a: 1", {"a": 1}),
    ],
)
def test_usual_records_take_the_fast_way(text: str, value: Any) -> None:
    assert SimpleReader().read(f"---\n{text}") == value


@pytest.mark.parametrize(
    "text",
    ["a: 1 # one\n", "a: &x 1\n", "a: |\n  text\n", "- 1\n", "a: *x\n", "? a\n: 1\n", "", "a\n"],
)
def test_what_is_not_simple_is_left_to_the_full_reader(text: str) -> None:
    assert SimpleReader().read(f"---\n{text}") is None


def test_lists_that_are_remembered_are_not_shared() -> None:
    reader = SimpleReader()
    first = reader.read("---\na: [1, 2]\nb: {}\n")
    assert first is not None
    first["a"].append(3)
    first["b"]["x"] = 1
    assert reader.read("---\na: [1, 2]\nb: {}\n") == {"a": [1, 2], "b": {}}
