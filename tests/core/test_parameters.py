from __future__ import annotations

import copy
import json
import pickle
import string
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from coolrun.experiment import Experiment
from coolrun.parameters import Parameters, ReadOnlyError, replace, results, unread

GIVEN: dict[str, Any] = {
    "lr": 0.1,
    "optimizer": {"name": "sgd", "momentum": 0.9},
    "layers": [1, {"size": 2}],
    "shape": (3, 4),
}
# Names of methods, and names that the machinery inside may be tempted to use.
METHODS: dict[str, Any] = {
    **dict.fromkeys(["get", "update", "pop", "popitem", "setdefault", "copy", "clear"], 1),
    **dict.fromkeys(["unread", "results", "_state", "on_result", "fromkeys", "path", "read"], 2),
    "items": [3],
    "keys": "k",
    "values": {"items": 4, "keys": 5},
}


def unpacked(**keywords: Any) -> dict[str, Any]:
    return keywords


@pytest.fixture
def exp() -> Parameters:
    return Parameters(GIVEN)


def test_keys_are_items_and_attributes(exp: Parameters) -> None:
    assert exp.lr == exp["lr"] == exp.get("lr") == 0.1
    assert exp.optimizer.momentum == exp["optimizer"]["momentum"] == 0.9
    assert exp.layers[1].size == 2
    assert exp.get("none") is None
    assert exp.get("none", 3) == 3
    assert "lr" in exp
    assert "none" not in exp
    assert len(exp) == 4
    assert list(exp) == list(GIVEN)
    assert list(reversed(exp)) == list(reversed(GIVEN))
    assert exp == GIVEN
    assert exp != {}
    assert {"lr", "optimizer", "items"} <= set(dir(exp))
    assert isinstance(exp.optimizer, Parameters)
    assert isinstance(exp, dict)


def test_it_unpacks_and_copies_as_a_mapping(exp: Parameters) -> None:
    assert unpacked(**exp) == {**exp} == dict(exp) == exp | {} == {} | exp == GIVEN
    assert type(dict(exp)) is dict


@pytest.mark.parametrize("name", METHODS)
def test_a_key_wins_over_a_method_of_its_name(name: str) -> None:
    exp = Parameters({"a": {name: METHODS[name]}, name: METHODS[name]})
    assert getattr(exp, name) == exp[name] == METHODS[name]
    assert getattr(exp.a, name) == METHODS[name]


def every_use(exp: Parameters, expected: dict[str, Any]) -> None:
    assert dict(exp) == unpacked(**exp) == {**exp} == expected
    assert [*exp] == [*expected]
    assert json.loads(json.dumps(exp)) == expected
    assert json.loads(json.dumps(exp, indent=1, sort_keys=True)) == expected
    for dumper in (yaml.SafeDumper, yaml.Dumper, yaml.CSafeDumper, yaml.CDumper):
        text = yaml.dump({"exp": exp}, Dumper=dumper, sort_keys=False)
        assert yaml.safe_load(text) == {"exp": expected}
    assert copy.copy(exp) == copy.deepcopy(exp) == expected
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(exp, protocol))
        assert again == expected
        assert isinstance(again, Parameters)
    assert results(exp) == {}
    assert unread(exp) == []
    assert string.Formatter().format("{0[a]}", exp) == "1"


def test_every_use_works_whatever_the_keys_are_called() -> None:
    values = {"a": 1, **METHODS}
    every_use(Parameters(values), values)
    for name, value in METHODS.items():
        every_use(Parameters({"a": 1, name: value}), {"a": 1, name: value})


@pytest.mark.parametrize("name", METHODS)
def test_results_may_have_any_name(name: str) -> None:
    told: list[tuple[str, object]] = []
    exp = Parameters({"a": 1}, lambda key, value: told.append((key, value)))
    setattr(exp, name, 7)
    exp.AFTER = 8
    exp["values"] = 9
    assert results(exp) == {name: 7, "AFTER": 8, "values": 9} | {"values": 9}
    assert dict(exp) == unpacked(**exp) == {"a": 1, **results(exp)}
    assert told == [(name, 7), ("AFTER", 8), ("values", 9)]


def test_new_keys_are_told_at_once() -> None:
    told: list[tuple[str, object]] = []
    exp = Parameters(GIVEN, lambda key, value: told.append((key, value)))
    exp.A = 1
    exp["B"] = 2
    exp.update(C=3)
    exp.update({"D": 4})
    exp.update([("E", 5)])
    assert exp.setdefault("F", 6) == 6
    assert exp.setdefault("F", 7) == 6
    assert exp.setdefault("lr", 7) == 0.1
    exp |= {"G": 7}
    exp.A = 8
    assert told == [("A", 1), ("B", 2), ("C", 3), ("D", 4), ("E", 5), ("F", 6), ("G", 7), ("A", 8)]
    assert results(exp) == exp.results() == dict(zip("ABCDEFG", [8, 2, 3, 4, 5, 6, 7], strict=True))
    assert isinstance(exp, Parameters)


def test_results_are_the_modules_own_objects() -> None:
    exp = Parameters(GIVEN)
    log: dict[str, Any] = {"loss": []}
    exp.LOG = log
    exp.LOG["loss"].append(0.5)
    assert exp.LOG is log
    assert results(exp) == {"LOG": {"loss": [0.5]}}


def test_results_can_be_deleted(exp: Parameters) -> None:
    exp.update(A=1, B=2, C=3, D=4)
    del exp.A
    del exp["B"]
    assert exp.pop("C") == 3
    assert exp.pop("none", None) is None
    assert exp.popitem() == ("D", 4)
    exp.E = 5
    exp.clear()
    assert exp == GIVEN
    with pytest.raises(AttributeError, match="no key 'A'"):
        del exp.A
    with pytest.raises(KeyError, match="no key 'A'"):
        del exp["A"]
    with pytest.raises(KeyError):
        exp.pop("A")


def test_number_keys_become_text_in_the_record(exp: Parameters) -> None:
    told: list[str] = []
    exp = Parameters({}, lambda key, _: told.append(key))
    exp[3] = 0.5
    assert exp[3] == 0.5
    assert results(exp) == {"3": 0.5}
    assert told == ["3"]


CHANGES: list[Callable[[Any], object]] = [
    lambda exp: setattr(exp, "lr", 1),
    lambda exp: exp.__setitem__("lr", 1),
    lambda exp: exp.__setitem__("lr", True),
    lambda exp: exp.update(lr=1),
    lambda exp: exp.__ior__({"lr": 1}),
    lambda exp: delattr(exp, "lr"),
    lambda exp: exp.__delitem__("lr"),
    lambda exp: exp.pop("lr"),
    lambda exp: exp.popitem(),
    lambda exp: exp.__setitem__("layers", [1, {"size": 2}]),
]


@pytest.mark.parametrize("change", CHANGES)
def test_given_values_cannot_be_changed(change: Callable[[Any], object], exp: Parameters) -> None:
    with pytest.raises(ReadOnlyError, match="is given by the experiment and cannot be changed"):
        change(exp)
    assert exp == GIVEN
    with pytest.raises(TypeError):
        change(exp)


@pytest.mark.parametrize("change", CHANGES[:8])
def test_nested_values_cannot_be_changed(change: Callable[[Any], object]) -> None:
    exp = Parameters({"a": {"b": [{"lr": 1.5}]}})
    with pytest.raises(ReadOnlyError, match=r"'a.b\[0\].lr' is given by the experiment"):
        change(exp.a.b[0])


def test_nested_mappings_take_no_results(exp: Parameters) -> None:
    with pytest.raises(ReadOnlyError) as caught:
        exp.optimizer.STEPS = 3
    assert "'optimizer.STEPS' cannot be set: 'optimizer' is given" in str(caught.value)
    assert "exp['STEPS']" in str(caught.value)


def test_the_error_says_which_key_to_use(exp: Parameters) -> None:
    with pytest.raises(ReadOnlyError, match=r"exp\['LR'\]"):
        exp.lr = 3
    with pytest.raises(ReadOnlyError, match=r"exp\['NEW_BATCH'\]"):
        Parameters({"BATCH": 1}).BATCH = 3


def test_an_update_keeps_all_results_before_it_refuses(exp: Parameters) -> None:
    with pytest.raises(ReadOnlyError):
        exp.update({"lr": 3, "ACC": 0.9})
    assert results(exp) == {"ACC": 0.9}


def test_setting_a_given_value_to_itself_changes_nothing(exp: Parameters) -> None:
    told: list[str] = []
    exp = Parameters(GIVEN, lambda key, _: told.append(key))
    exp.lr = 0.1
    exp.update(exp)
    exp |= {**exp}
    assert results(exp) == {}
    assert told == []


def test_lists_are_copies(exp: Parameters) -> None:
    exp.layers.append(3)
    assert exp.layers[-1] == 3
    assert GIVEN["layers"] == [1, {"size": 2}]


def test_a_missing_key_is_told_with_the_nearest(exp: Parameters) -> None:
    with pytest.raises(AttributeError) as attribute:
        _ = exp.optimiser
    assert str(attribute.value) == (
        "the experiment has no key 'optimiser'; did you mean 'optimizer'?"
    )
    with pytest.raises(KeyError) as item:
        exp["optimiser"]
    assert str(item.value) == str(attribute.value)
    assert item.value.args[0] == "optimiser"
    with pytest.raises(AttributeError, match=r"'optimizer' has no key 'x'$"):
        _ = exp.optimizer.x
    assert not hasattr(exp, "x")
    assert str(pickle.loads(pickle.dumps(item.value))) == str(item.value)


def test_a_dunder_is_pythons_own_and_never_a_key_by_attribute(exp: Parameters) -> None:
    exp["__class__"] = 3
    exp["__own__"] = 4
    assert exp.__class__ is Parameters
    assert exp.__own__ == 4
    assert results(exp) == {"__class__": 3, "__own__": 4}
    with pytest.raises(AttributeError):
        exp.__array_interface__ = 5
    with pytest.raises(TypeError, match="unhashable"):
        hash(exp)


READS: list[Callable[[Any], object]] = [
    lambda exp: exp.lr,
    lambda exp: exp["lr"],
    lambda exp: exp.get("lr"),
    lambda exp: "lr" in exp,
    lambda exp: hasattr(exp, "lr"),
    lambda exp: list(exp.items()),
    lambda exp: list(exp.values()),
    lambda exp: unpacked(**exp),
    lambda exp: {**exp},
    lambda exp: dict(exp),
    lambda exp: {}.update(exp),
    lambda exp: exp | {},
    lambda exp: {} | exp,
    lambda exp: exp == {},
    lambda exp: copy.copy(exp),
    lambda exp: copy.deepcopy(exp),
    lambda exp: exp.copy(),
    lambda exp: pickle.dumps(exp),
    lambda exp: json.dumps(exp),
    lambda exp: yaml.safe_dump(exp),
    lambda exp: exp.setdefault("lr", 3),
    lambda exp: "{lr}".format(**exp),
    lambda exp: "{lr}".format_map(exp),
    lambda exp: "%(lr)s".__mod__(exp),
]


@pytest.mark.parametrize("read", READS)
def test_every_way_of_reading_counts(read: Callable[[Any], object]) -> None:
    exp = Parameters({"lr": 1})
    assert unread(exp) == ["lr"]
    read(exp)
    assert unread(exp) == exp.unread() == []


@pytest.mark.parametrize("look", [repr, len, list, bool, dir, lambda exp: exp.keys()])
def test_looking_at_it_is_not_reading(look: Callable[[Any], object]) -> None:
    exp = Parameters({"lr": 1, "momentum": 2})
    look(exp)
    assert unread(exp) == ["lr", "momentum"]


def test_unread_names_are_dotted_where_single_keys_were_read() -> None:
    exp = Parameters({"a": {"x": 1, "y": {"z": 2, "w": 3}, "_h": 4}, "b": {"x": 1}, "_c": 3})
    assert unread(exp) == ["a", "b"]
    assert exp.b is not None
    assert exp.a.y.z == 2
    assert unread(exp) == ["a.x", "a.y.w"]


def test_a_copy_belongs_to_who_made_it(exp: Parameters) -> None:
    for mine in (copy.deepcopy(exp), pickle.loads(pickle.dumps(exp)), exp.copy(), copy.copy(exp)):
        mine.lr = 3
        del mine["shape"]
        mine.NEW = 1
        assert mine.NEW == 1
        assert results(mine) == {}
        assert unread(mine) == []
    deep = copy.deepcopy(exp)
    deep.optimizer.momentum = 3
    deep.layers[1].size = 9
    assert exp == GIVEN
    assert results(exp) == {}


def test_a_cycle_of_results_can_be_copied(exp: Parameters) -> None:
    exp.SELF = exp
    assert copy.deepcopy(exp)["SELF"].lr == 0.1
    assert pickle.loads(pickle.dumps(exp))["SELF"].lr == 0.1


def test_an_object_can_take_the_place_of_a_value() -> None:
    exp = Parameters({"a": "text", "b": {"c": [1, ({"d": "text"}, "text")]}})
    replace(exp, ("a",), len)
    replace(exp, ("b", "c", 1, 0, "d"), max)
    replace(exp, ("b", "c", 1, 1), min)
    replace(exp, ("b", "c", 0), {"plain": 1})
    assert unread(exp) == ["a", "b"]
    assert exp.a is len
    assert exp.b.c == [{"plain": 1}, ({"d": max}, min)]
    assert results(exp) == {}
    with pytest.raises(LookupError):
        replace(exp, ("b", "none", 0), 1)


def test_the_values_given_may_be_any_mapping_and_are_not_touched() -> None:
    outer = Parameters({"a": {"b": 1}, "items": 2})
    inner = Parameters(outer)
    assert inner.a.b == 1
    assert unread(outer) == ["a", "items"]


@pytest.mark.parametrize("name", ["keys", "items"])
def test_a_failing_listener_does_not_lose_the_result(name: str) -> None:
    def fail(key: str, value: object) -> None:
        raise OSError

    exp = Parameters({"a": 1}, fail)
    with pytest.raises(OSError):
        exp[name] = 1
    assert results(exp) == {name: 1}
    assert dict(exp) == {"a": 1, name: 1}


def test_keys_of_the_runner_may_be_set_and_are_no_results() -> None:
    told: list[tuple[str, object]] = []
    experiment = Experiment(own={"lr": 1, "RND_IDX": 7}, given={"REP": 0, "RND_IDX": 7})
    exp = Parameters(experiment, lambda key, value: told.append((key, value)))
    assert dict(exp) == {"lr": 1, "RND_IDX": 7, "REP": 0}
    exp.REP = 5
    exp.RND_IDX = 6
    exp.ACC = 1
    assert told == [("REP", 5), ("RND_IDX", 6), ("ACC", 1)]
    assert results(exp) == {"ACC": 1}
    exp.clear()
    assert set(exp) == {"lr", "RND_IDX", "REP"}
    assert experiment["REP"] == 0
    assert unread(Parameters(experiment)) == ["lr"]
