"""How plain data looks as YAML."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from coolrun.errors import CoolrunError
from coolrun.plain import Marked
from coolrun.yamlio import LOG, dump, read


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": 1.0, "c": None, "d": True}, "a: 1\nb: 1.0\nc: null\nd: true\n"),
        ({"a": 1e-05, "b": 1e16, "c": float("-inf")}, "a: 1.0e-05\nb: 1.0e+16\nc: -.inf\n"),
        ({"a": {"b": {}}, "c": []}, "a:\n  b: {}\nc: []\n"),
        ({"a": [1, "x", None]}, "a: [1, x, null]\n"),
        ({"a": (32, 32, 3)}, "a: [32, 32, 3]\n"),
        ({"a": [{"b": 1, "c": 2}, [1, {}]]}, "a:\n  - b: 1\n    c: 2\n  - - 1\n    - {}\n"),
        ({"a": "x\ny\n"}, "a: |\n  x\n  y\n"),
        ({"a": ["x\n\ny"]}, "a:\n  - |-\n    x\n\n    y\n"),
        ({"no": "no", "1": "1e-3"}, "'no': 'no'\n'1': '1e-3'\n"),
        ({2: "a", 1.5: "b", True: "c"}, "2: a\n1.5: b\ntrue: c\n"),
        ({"a": "it's: # a"}, "a: 'it''s: # a'\n"),
        ({"a": "\x1b[0m\0\x85"}, 'a: "\\x1b[0m\\0\\x85"\n'),
        ({"a": "modules.train:main", "b": "runs/1 x"}, "a: modules.train:main\nb: runs/1 x\n"),
        ({"k" * 1000: 1}, f"? '{'k' * 1000}'\n: 1\n"),
        ("x", "x\n"),
        ([], "[]\n"),
        ("a\nb", "|-\n  a\n  b\n"),
    ],
)
def test_data_is_written_as_people_would_write_it(value: Any, text: str) -> None:
    assert dump(value) == text


@pytest.mark.parametrize("text", ["12:30", "2021-09-20", "0o17", "1_000", "=", "<<", "~", "(1, 2)"])
def test_text_that_another_reader_would_change_is_quoted(text: str) -> None:
    assert dump({"a": text}) == f"a: '{text}'\n"
    assert yaml.safe_load(dump([text, {text: text}])) == [text, {text: text}]


def test_lists_that_are_long_go_below_their_key() -> None:
    assert dump({"a": list(range(50))}).startswith("a:\n  - 0\n  - 1\n")
    assert dump({"a": ["x" * 50, "y" * 50]}).startswith("a:\n  - xxx")


def test_expressions_are_written_as_their_text_and_text_is_kept_apart_in_own_files() -> None:
    value = {"a": Marked("parse", "1 + 1"), "b": "parse 1", "c": "parser", "d": ["parse 2"]}
    assert dump(value) == "a: parse 1 + 1\nb: parse 1\nc: parser\nd: [parse 2]\n"
    assert dump(value, own=True, words=["parse"]) == (
        "a: parse 1 + 1\nb: !text parse 1\nc: parser\nd:\n  - !text parse 2\n"
    )


def test_own_files_keep_tuples_on_one_line() -> None:
    value = {"a": (1, (2.0, "x: #y\n"), {"k": [None, True]}, float("inf"))}
    text = dump(value, own=True)
    assert text.count("\n") == 1
    assert "'" not in text[:4]
    (document,) = read(text.encode(), path="own", limits=LOG)
    assert document.value == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": {1, 2}}, "not plain data: set"),
        ({None: 1}, "a key cannot be null"),
        ({(1, 2): 1}, "a key cannot be a tuple"),
        ({"a": "\ud800"}, "half of a character"),
        ({"a": 10**4300}, "4,300 digits"),
        (({1},), "not plain data: set"),
    ],
)
def test_what_no_reader_would_take_back_is_refused(value: Any, words: str) -> None:
    with pytest.raises(CoolrunError, match=words):
        dump(value, own=True)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"k": v}, lambda v: (v, 1)])
def test_data_is_written_exactly_as_deep_as_it_is_read(wrap: Any, own: bool) -> None:
    value: Any = 1
    for _ in range(50):
        value = wrap(value)
    (document,) = read(dump(value, own=own).encode(), path="own", limits=LOG)
    assert type(document.value) is (tuple if own and type(value) is tuple else type(document.value))
    with pytest.raises(CoolrunError, match="deep"):
        dump(wrap(value), own=own)
