"""Plain data and the codec of our own files."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.plain import Marked, decode, encode

keys = st.text() | st.integers() | st.floats() | st.booleans()
atoms = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text()
plain = st.recursive(
    atoms | st.builds(Marked, st.just("parse"), st.text(min_size=1)),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        pairs = zip(a.items(), b.items(), strict=True)
        return len(a) == len(b) and all(
            same(x, y) for p, q in pairs for x, y in zip(p, q, strict=True)
        )
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return repr(a) == repr(b)
    return bool(a == b)


@given(plain)
def test_what_is_encoded_is_decoded_with_its_types(value: Any) -> None:
    text = encode(value)
    assert "\n" not in text
    assert same(decode(text), value)


@pytest.mark.parametrize("value", [{"~tuple": [1]}, {"~dict": 1, "a": 2}, {"~": math.inf}])
def test_a_mapping_that_looks_like_our_wrappers_stays_a_mapping(value: Any) -> None:
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), [object()], 1j])
def test_what_is_not_plain_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="not plain data"):
        encode(value)


def test_marked_text_is_text_and_knows_its_parts() -> None:
    marked = Marked("solve", "a.b", "solve   a.b")
    assert marked == "solve   a.b"
    assert (marked.word, marked.expression) == ("solve", "a.b")


@pytest.mark.parametrize(
    "same_again", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_marked_text_stays_marked_when_copied(same_again: Any) -> None:
    copied = same_again(Marked("parse", "1 + 1"))
    assert type(copied) is Marked
    assert (copied.word, copied.expression, str(copied)) == ("parse", "1 + 1", "parse 1 + 1")


@pytest.mark.parametrize("torn", ["", "{", '{"a": 1', '"abc'])
def test_torn_text_is_a_value_error(torn: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(torn)
