"""Whatever is plain data is read back as it was written, by us and by PyYAML; nothing crashes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coolrun.errors import CoolrunError, DefinitionError
from coolrun.plain import Marked
from coolrun.yamlio import DEFINITION, LOG, dump, locate, read, split

_WORDS = ("parse", "await", "solve")

_tricky = st.sampled_from(
    [
        *("", " ", "~", "null", "Null", "no", "NO", "yes", "on", "y", "N", "true", "False"),
        *("1", "1.0", "1e-3", "-1", "+1", "0x1F", "0o17", "017", "1_000", ".5", "5.", ".inf"),
        *("12:30", "12:30:45", "2021-09-20", "2021-09-20 10:00:00", "190:20:30.15", "695e0514"),
        *("=", "<<", "-", "?", ":", "- a", "? a", "a: b", "a:", "a #b", "#a", "a: ", ": a"),
        *("[a", "{a", "]", "}", ",", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'", '"'),
        *("---", "--- a", "...", "--", "a\n", "a\nb", "a\n\nb\n", "a\n b", " a\nb", "\na", "\n"),
        *("a\n\n", "a\nb ", "a\tb", "\ta", "a\n\tb", "a\r\nb", "a\rb", "a\x85b", "a\u2028b"),
        *("\0", "\x1b[0m", "\x7f", "\ufeff", "\ufeffa", "\ufffe", "\xa0", "a\xa0", "\U0001f600"),
        *("(1, 2)", "(1,)", "()", "(a", "parse 1", "parse", "parse\n1", " parse 1", "await x"),
        *("a\n---\nb", "a\n...\nb", "# a\n# b", "a\n  \nb", "a \nb", "x" * 2000, "x\n" * 100),
        *("C:\\new", "\\", "a'b\"c", "http://x/y?z#w", "./a", "../a", ".", "..", "/a b", "a  b"),
    ]
)
_text = st.one_of(
    _tricky,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.text("ab \n\t-:#'\"|>\\", max_size=12),
)
_floats = st.floats()
_integers = st.one_of(st.integers(), st.integers(-(10**40), 10**40))
_scalars = st.one_of(st.none(), st.booleans(), _integers, _floats, _text)
_keys = st.one_of(
    _text, st.booleans(), _integers, st.floats(allow_nan=False), st.just(float("nan"))
)


def _collections(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(_keys, inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
    )


_plain = st.recursive(_scalars, _collections, max_leaves=15)


def _shape(value: Any, *, tuples: bool = True) -> Any:
    """A form in which 1, 1.0 and True differ, as do 0.0 and -0.0, and nan equals nan."""
    kind = type(value)
    if kind is dict:
        pairs = [
            (_shape(key, tuples=tuples), _shape(item, tuples=tuples)) for key, item in value.items()
        ]
        return ("dict", pairs)
    if kind is list or kind is tuple:
        name = "tuple" if kind is tuple and tuples else "list"
        return (name, [_shape(item, tuples=tuples) for item in value])
    if kind is float:
        return ("float", math.copysign(1, value) if value == 0 else 0, repr(value))
    return (kind.__name__, value)


def _only(text: str, **options: Any) -> Any:
    (document,) = read(text.encode(), path="x.yaml", **options)
    assert text.encode()[document.start : document.end] == text.encode()
    return document.value


@settings(deadline=None)
@given(_plain)
def test_what_is_written_for_people_is_read_back(value: Any) -> None:
    assert _shape(_only(dump(value), limits=LOG)) == _shape(value, tuples=False)


@settings(deadline=None)
@given(_plain)
def test_pyyaml_reads_the_same(value: Any) -> None:
    expected = _shape(value, tuples=False)
    text = dump(value)
    assert _shape(yaml.load(text, Loader=yaml.SafeLoader)) == expected
    assert _shape(yaml.load(text, Loader=yaml.cyaml.CSafeLoader)) == expected


@settings(deadline=None)
@given(_plain)
def test_own_files_keep_tuples_and_never_turn_text_into_expressions(value: Any) -> None:
    text = dump(value, own=True, words=_WORDS)
    assert _shape(_only(text, limits=LOG, words=_WORDS)) == _shape(value)


@settings(deadline=None)
@given(st.dictionaries(_text, _scalars, max_size=5), st.sampled_from(_WORDS), _text)
def test_marked_text_stays_marked_in_own_files(
    value: dict[Any, Any], word: str, expression: str
) -> None:
    stripped = expression.strip()
    if not stripped:
        return
    value["m"] = [Marked(word, stripped), {"n": Marked(word, stripped)}]
    result = _only(dump(value, own=True, words=_WORDS), limits=LOG, words=_WORDS)
    assert _shape(result) == _shape(value)
    assert result["m"][0].expression == stripped
    assert result["m"][1]["n"].word == word


@settings(deadline=None)
@given(st.lists(_plain, max_size=5))
def test_documents_of_a_log_are_cut_where_they_are_read(values: list[Any]) -> None:
    data = "".join(f"---\n{dump(value)}" for value in values).encode()
    documents = list(read(data, path="log.yaml", limits=LOG))
    assert [_shape(document.value) for document in documents] == [
        _shape(value, tuples=False) for value in values
    ]
    assert [(document.start, document.end) for document in documents] == split(data)
    for start, end in split(data):
        assert len(list(read(data[start:end], path="log.yaml", limits=LOG))) == 1


_alphabet = st.text("ab01.:-,[]{}()#&*!|>'\"%@`~<=\\?\n \t\r_x\x85\u2028\ufeff\0é", max_size=60)
_pieces = st.lists(
    st.sampled_from(
        [
            *("a: ", "b: ", "- ", "? ", "---\n", "...\n", "\n", "\n  ", "  ", "&a ", "*a", "<<: "),
            *("[", "]", "{", "}", ", ", ": ", "!merge ", "!delete ", "!text ", "!!int ", "!!x "),
            *("'", '"', "|\n", ">-\n", "# c\n", "1", "x", "1e400", "(1, 2)", "(3", "parse a", "\t"),
            *(
                "%YAML 1.2\n",
                "%TAG ! x\n",
                "__k__: 1\n",
                "\\0",
                "\\ud800",
                "9" * 5000,
                "~",
                "=",
                "",
            ),
        ]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(_alphabet, _pieces).map(str.encode) | st.binary(max_size=40), st.booleans())
@example(b"a: &a [*a]", True)
@example(b"[" * 40000, False)
@example(b"\xff\xfea\0", False)
def test_nothing_but_a_user_error_with_a_place_leaves_the_reader(
    data: bytes, definition: bool
) -> None:
    told: list[str] = []
    refused: DefinitionError | None = None
    try:
        for document in read(
            data,
            path="fuzz.yaml",
            limits=DEFINITION if definition else LOG,
            words=_WORDS,
            definition=definition,
            warn=lambda message, place: told.append(f"{place}: {message}"),
        ):
            if not definition:
                again = _only(dump(document.value, own=True, words=_WORDS), words=_WORDS)
                assert _shape(again) == _shape(document.value)
    except DefinitionError as error:
        refused = error
    if refused is not None:
        assert refused.place is not None
        assert refused.place.line >= 1
        assert "line" in refused.message
        str(refused).encode()
    split(data)
    assert locate(data, 0, ["a", 0, "b"], file="fuzz.yaml").path == "fuzz.yaml"


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a\udc80"], ("\udc80",)])
def test_half_a_surrogate_pair_is_refused_when_written(value: Any) -> None:
    with pytest.raises(CoolrunError, match="half of a character"):
        dump(value, own=True)
