from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from coolrun.parameters import Parameters, ReadOnlyError, results, to_plain, unread
from coolrun.plain import decode, encode

# Names that mean something to a dict, beside any other.
names = st.sampled_from(
    ["keys", "items", "values", "get", "update", "pop", "a", "_b"]
) | st.from_regex(r"[abc]{1,2}_?|_[abc]", fullmatch=True)
atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
plain = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)
experiments = st.dictionaries(names, plain, max_size=6)


def unpacked(**keywords: Any) -> dict[str, Any]:
    return keywords


@given(experiments)
def test_every_view_shows_what_was_given(values: dict[str, Any]) -> None:
    exp = Parameters(values)
    assert dict(exp) == unpacked(**exp) == {**exp} == values
    assert list(exp) == list(values)
    assert json.loads(json.dumps(exp)) == values
    assert {key: getattr(exp, key) for key in values} == values
    assert pickle.loads(pickle.dumps(exp)) == copy.deepcopy(exp) == values
    assert to_plain(exp) == (values, None)


@settings(max_examples=30)
@given(experiments)
def test_yaml_shows_what_was_given(values: dict[str, Any]) -> None:
    dumped = yaml.safe_dump(Parameters(values), sort_keys=False)
    assert dumped == yaml.safe_dump(copy.deepcopy(values), sort_keys=False)


@given(experiments, st.lists(st.tuples(names, atoms, st.integers(0, 4)), max_size=12))
def test_results_follow_a_plain_dict_and_given_values_stay(
    values: dict[str, Any], steps: list[tuple[str, Any, int]]
) -> None:
    told: dict[str, object] = {}
    exp, model = Parameters(values, told.__setitem__), dict[str, Any]()
    for key, value, how in steps:
        refused = False
        try:
            if how == 0:
                setattr(exp, key, value)
            elif how == 1:
                exp[key] = value
            elif how == 2:
                exp |= {key: value}
            elif how == 3:
                Parameters.update(exp, {key: value})
            elif key in model:
                del exp[key]
        except ReadOnlyError:
            refused = True
        if key in values:
            same = type(values[key]) is type(value) and values[key] == value
            assert refused is (how < 4 and not same)
        elif how < 4:
            model[key] = value
            assert told[key] == value
        else:
            model.pop(key, None)
        assert results(exp) == model
        assert dict(exp) == unpacked(**exp) == {**values, **model}


@given(experiments, st.sets(names))
def test_unread_is_what_was_not_read(values: dict[str, Any], read: set[str]) -> None:
    exp = Parameters(values)
    for key in read:
        exp.__contains__(key)
    expected = [key for key in values if key not in read and not key.startswith("_")]
    assert unread(exp) == ([] if "keys" in values else expected)


@given(
    st.recursive(
        atoms | st.binary(max_size=4) | st.floats() | st.complex_numbers() | st.dates(),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(st.one_of(atoms, st.tuples(atoms), st.floats()), inner)
            | st.frozensets(st.text() | st.integers() | st.binary())
        ),
        max_leaves=20,
    )
)
def test_whatever_is_set_can_be_written_and_read_again(value: Any) -> None:
    result, _ = to_plain(value)
    assert encode(decode(encode(result))) == encode(result)
    again, warning = to_plain(result)
    assert encode(again) == encode(result)
    assert warning is None


@given(st.text(st.characters(categories=["Cs", "L"])))
def test_every_text_can_be_encoded(text: str) -> None:
    result, warning = to_plain(text)
    assert result.encode().decode() == result
    assert (warning is None) is (result == text)
