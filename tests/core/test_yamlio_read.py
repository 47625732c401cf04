"""What a definition or a log means when it is read."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from coolrun.errors import DefinitionError, Place
from coolrun.plain import Marked
from coolrun.yamlio import DEFINITION, DELETE, LOG, Merge, read, read_all

_WORDS = ("parse", "await", "solve")


def _value(text: str, **options: Any) -> Any:
    (document,) = read(text.encode(), path="e.yaml", **{"words": _WORDS, **options})
    return document.value


def _refusal(text: str | bytes, **options: Any) -> DefinitionError:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(DefinitionError) as caught:
        list(read(data, path="e.yaml", **{"words": _WORDS, "definition": True, **options}))
    error = caught.value
    assert error.place is not None
    assert f"line {error.place.line}" in error.message
    assert error.cure
    return error


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1e-3", 0.001), ("1e3", 1000.0), ("+1e-3", 0.001), (".5", 0.5), ("5.", 5.0)),
        *(("12", 12), ("012", 12), ("0o17", 15), ("0x1F", 31), ("-3", -3), ("+3", 3)),
        *(("-.inf", float("-inf")), ("1e400", "1e400"), ("695e0514", "695e0514")),
        *(("~", None), ("", None), ("null", None), ("nULL", "nULL"), ("TRUE", True)),
        *(("yes", "yes"), ("on", "on"), ("n", "n"), ("12:30:45", "12:30:45"), ("=", "=")),
        *(("2021-09-20", "2021-09-20"), ("1_000", "1_000"), ("-0o7", "-0o7"), ("nan", "nan")),
        *(("(32, 32, 3)", (32, 32, 3)), ("(3,)", (3,)), ("()", ()), ("(3)", "(3)")),
        *(("((1, 2), ('a', None))", ((1, 2), ("a", None))), ("(a, b)", "(a, b)")),
        *(("(1, 2) x", "(1, 2) x"), ("(1,, 2)", "(1,, 2)"), ("(1e-3, -2)", (0.001, -2))),
        *(("'(1, 2)'", "(1, 2)"), (r"('a\x41', 1)", ("aA", 1)), ("([1], 2)", ([1], 2))),
        *(("!!str 1", "1"), ("!!float 1", 1.0), ("!!int '7'", 7), ("!!null ''", None)),
        *(("!text 12", "12"), ("!text", ""), ("!!seq [1]", [1]), ("!!map {a: 1}", {"a": 1})),
    ],
)
def test_a_scalar_is_what_yaml_1_2_says_and_a_tuple_what_python_says(text: str, value: Any) -> None:
    result = _value(f"a: {text}")["a"]
    assert result == value
    assert type(result) is type(value)


def test_nan_and_negative_zero_keep_their_kind() -> None:
    result = _value("a: .nan\nb: -0.0")
    assert repr(result) == "{'a': nan, 'b': -0.0}"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("parse 1 + 1", "1 + 1"),
        ("'parse 1'", "1"),
        ('"solve a.b"', "a.b"),
        ("|\n  parse\n  1 + 1\n", "1 + 1"),
        (">\n  parse 1 +\n  1\n", "1 +\n1"),
        ("!!str parse 1", "1"),
    ],
)
def test_a_word_white_space_and_something_is_an_expression(text: str, expression: str) -> None:
    result = _value(f"a: {text}")["a"]
    assert type(result) is Marked
    assert result.expression.replace("\n", " ") == expression.replace("\n", " ")
    assert result == _value(f"a: {text}", words=())["a"]


@pytest.mark.parametrize(
    "text",
    ["parse", "parse(1)", "parser x", "Parse 1", "' parse 1'", "!text 'parse 1'", "'parse '"],
)
def test_whatever_else_begins_like_a_word_is_text(text: str) -> None:
    assert type(_value(f"a: {text}")["a"]) is str


def test_expressions_stand_in_lists_but_not_in_keys() -> None:
    result = _value("parse 1: a\nx: [parse a + 1, {b: parse 2}]")
    assert [type(key) for key in result] == [str, str]
    assert type(result["x"][0]) is Marked
    assert type(result["x"][1]["b"]) is Marked


def test_an_alias_is_a_copy_of_its_own() -> None:
    result = _value("a: &a {x: [1]}\nb: *a\nc: &n 5\nd: *n")
    assert result["b"] == result["a"]
    assert result["b"] is not result["a"]
    assert result["b"]["x"] is not result["a"]["x"]
    assert result["d"] == 5


def test_own_keys_win_over_merged_ones_and_the_first_of_these_wins() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {y: 0, <<: *a}"
    result = _value(text)
    assert result["c"] == {"x": 1, "y": 1, "z": 3}
    assert list(result["c"]) == ["x", "y", "z"]
    assert result["d"] == {"y": 0, "x": 1}


def test_a_definition_knows_merge_and_delete() -> None:
    result = _value("a: !merge {b: !delete , c: !merge {d: 1}}\ne: !delete", definition=True)
    assert result == {"a": Merge({"b": DELETE, "c": Merge({"d": 1})}), "e": DELETE}


@pytest.mark.parametrize("tag", ["!merge {a: 1}", "!delete"])
def test_a_log_knows_neither_merge_nor_delete(tag: str) -> None:
    assert "tag" in _refusal(f"a: {tag}", definition=False).message


@pytest.mark.parametrize(
    "text",
    [
        "a: [!delete ]",
        "a: [{b: !merge {}}]",
        "!merge {a: 1}",
        "a: !merge [1]",
        "a: !delete 1",
        "a: &x !delete\nb: *x",
    ],
)
def test_merge_and_delete_stand_only_where_they_mean_something(text: str) -> None:
    _refusal(text)


def test_documents_know_their_bytes_and_lines() -> None:
    data = "# é\na: 1\n---\n---  # c\n\nb: 2\n".encode()
    documents = list(read(data, path="e.yaml", definition=True))
    assert [document.value for document in documents] == [{"a": 1}, None, {"b": 2}]
    assert [data[document.start : document.end] for document in documents] == [
        "# é\na: 1\n".encode(), b"---\n", b"---  # c\n\nb: 2\n"
    ]  # fmt: skip
    assert [document.line for document in documents] == [2, 3, 6]


def test_lines_are_counted_from_where_the_part_begins() -> None:
    (document,) = read(b"---\na: 1\n", path="log", limits=LOG, first_line=100)
    assert document.line == 101
    error = _refusal("a: 1\na: 2", first_line=100)
    assert error.place == Place("e.yaml", 101, 1)
    assert "first given on line 100" in error.message


def test_a_version_line_and_a_byte_order_mark_are_accepted() -> None:
    assert _value("\ufeff%YAML 1.2\n---\na: 1") == {"a": 1}
    assert "%YAML" in _refusal("%YAML 1.1\n---\na: 1").message
    _refusal("%TAG ! tag:yaml.org,2002:\n---\na: 1")


@pytest.mark.parametrize(
    ("text", "place", "words", "cure"),
    [
        ("a: parse {'a': 1}", (1, 14), "mapping values", "a: \"parse {'a': 1}\""),
        ("a: 1\nb:\n  c: 1\n  c: 2", (4, 3), "first given on line 3", "remove one"),
        ("x: {1: a, 1.0: b}", (1, 11), "duplicate key 1.0", "remove one"),
        ("x: {true: a, 1: b}", (1, 14), "duplicate", "remove one"),
        ("a:1\nb: 2", (2, 2), "the line before", "a: 1"),
        ("a\nb: 1", (2, 2), "the line before", "colon"),
        ("a: 1\n b: 2", (2, 3), "already has a value", "indent"),
        ("a: [1, 2", (2, 1), "brackets", "close it"),
        ("a: {b: 1", (2, 1), "braces", "close it"),
        ("a: 'x\n", (2, 1), "begun on line 1", "close it"),
        ("a:\n\tb: 1", (2, 1), "tab", "spaces"),
        ("a: @x", (1, 4), "'@'", "quotes"),
        ("a: *.py", (1, 5), "references", "quote"),
        ("a: *x", (1, 4), "alias", "quote"),
        ("a: &x [*x]", (1, 8), "holds itself", "remove"),
        ("a: !foo 1", (1, 4), "'!foo'", "quote"),
        ("a: !!int x", (1, 4), "!!int", "quotes"),
        ("- a", (1, 1), "no mapping", "key: value"),
        ("just text", (1, 1), "no mapping", "space after the colon"),
        ("a: - 1", (1, 4), "list cannot begin", "next line"),
        ('a: "x\\q"', (1, 6), "escape", "single quotes"),
        ("a: 'x' y", (1, 8), "neither", "indent"),
        ("a: |x\n y", (1, 5), "block of text", "next line"),
        ("? [a]: b", (1, 3), "collection", "quotes"),
        ("~: 1", (1, 1), "null", "quotes"),
        ("1: a", (1, 1), "no text", "quotes"),
        ("b: {__x: 1}", (1, 5), "underscores", "rename"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: {}", (4, 3), "'<<'", "[*first, *second]"),
        ("a: {<<: 5}", (1, 9), "mappings", "quote"),
        ('a: "x\\0"', (1, 4), "NUL", "remove"),
        ("a: " + "9" * 4301, (1, 4), "digits", "quotes"),
        ("a: x\x07y", (1, 5), "\\x07", "escape"),
        ("a: 1\nb: é\u2028", (2, 5), "\\u2028", "escape"),
        ("a: 1\n...\nb: 1", (3, 1), "continue", "---"),
    ],
)
def test_an_error_says_where_what_and_what_to_do(
    text: str, place: tuple[int, int], words: str, cure: str
) -> None:
    error = _refusal(text)
    assert error.place == Place("e.yaml", *place)
    assert words in error.message
    assert error.cure is not None
    assert cure in error.cure


def test_an_error_names_the_key() -> None:
    assert _refusal("a:\n  - b: {c: !x 1}").key == "a[0].b.c"


def test_bytes_that_are_not_utf_8_are_refused_with_their_place() -> None:
    assert _refusal(b"a: 1\nb: \xc0\xaf").place == Place("e.yaml", 2, 4)
    assert _refusal("a: é".encode("utf-16")).place == Place("e.yaml", 1, 1)


def test_every_control_character_but_nul_may_be_escaped_and_in_logs_nul_too() -> None:
    assert _value('a: "\\e[0m\\x07"', definition=True) == {"a": "\x1b[0m\x07"}
    assert _value('a: "\\0"') == {"a": "\0"}


@pytest.mark.parametrize(
    ("text", "bounds", "words"),
    [
        ("a: 1234567", {"size": 5}, "larger than 5 bytes"),
        ("a: 1\n---\na: 2", {"documents": 1}, "more than 1 documents"),
        ("a: " + "x" * 71, {"scalar": 70}, "more than 70 characters"),
        ("a: '" + "x" * 71 + "'", {"scalar": 70}, "more than 70 characters"),
        ("? " + "x" * 71, {"scalar": 70}, "more than 70 characters"),
        ("a: [[[1]]]", {"depth": 3}, "more than 3 levels"),
        ("a: ((1, 2), 3)", {"depth": 2}, "too deep"),
        ("a: [1, 2, 3]", {"values": 2}, "more than 2 values"),
        ("a: &a 1\nb: [*a, *a]", {"aliases": 1}, "more than 1 aliases"),
        ("a: &a [1, 2]\nb: [*a, *a]", {"copies": 5}, "more than 5 values"),
        ("a: &a [[1]]\nb: [[*a]]", {"depth": 4}, "more than 4 levels"),
        ("a: {" + ", ".join(f"{10**30 + n}: 1" for n in range(1001)) + "}", {}, "large numbers"),
    ],
)
def test_each_bound_has_a_clear_error(text: str, bounds: dict[str, int], words: str) -> None:
    limits = DEFINITION._replace(**bounds)  # type: ignore[arg-type]
    assert words in _refusal(text, limits=limits).message


def test_a_log_is_bounded_by_the_document_and_may_be_of_any_length() -> None:
    limits = LOG._replace(size=12, values=4, aliases=1)
    data = b"---\na: [1]\n" * 50
    assert len(list(read(data, path="log", limits=limits))) == 50
    assert (
        "the document is larger" in _refusal(b"---\na: 1\n---\na: 1234567", limits=limits).message
    )


def test_deep_nesting_ends_at_once() -> None:
    assert "levels deep" in _refusal("[" * 32_000).message
    assert "levels deep" in _refusal("a:\n " + "- " * 5000 + "1").message


def test_unbalanced_parentheses_between_brackets_are_warned_of_once_per_item() -> None:
    told: list[tuple[str, Place]] = []
    text = "a: [(3, 3), (5, 5)]\nb: smile (\nc: {lr:0.1}"
    result = _value(text, warn=lambda message, place: told.append((message, place)))
    assert result["a"] == ["(3", "3)", "(5", "5)"]
    assert [place.line for _, place in told] == [1, 1, 3]
    assert "quote the item" in told[0][0]
    assert "'lr:0.1' has no value" in told[2][0]


def test_text_that_was_shared_is_still_looked_at_by_its_style() -> None:
    assert _value("a: ['1', 1, '1', 1]\nb: {'1': a, 1: b, x: '~', y: ~}") == {
        "a": ["1", 1, "1", 1],
        "b": {"1": "a", 1: "b", "x": "~", "y": None},
    }


def test_reading_all_leaves_the_collection_of_garbage_as_it_was() -> None:
    assert gc.isenabled()
    assert [document.value for document in read_all(b"a: 1", path="e.yaml")] == [{"a": 1}]
    assert gc.isenabled()
