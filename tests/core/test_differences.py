"""What tells experiments apart."""

from __future__ import annotations

import math

from coolrun.differences import common, differences
from coolrun.experiment import Experiment


def test_only_what_is_not_the_same_in_all_is_told() -> None:
    one = Experiment({"Name": "a", "lr": 0.1}, {"epochs": 3, "opt": {"kind": "adam", "beta": 0.9}})
    two = Experiment({"Name": "b", "lr": 0.2}, {"epochs": 3, "opt": {"kind": "sgd", "beta": 0.9}})
    assert differences([one, two]) == [
        {"lr": 0.1, "opt.kind": "adam"},
        {"lr": 0.2, "opt.kind": "sgd"},
    ]


def test_what_only_one_of_them_has_differs() -> None:
    assert differences([Experiment({"a": 1}), Experiment({})]) == [{"a": 1}, {}]


def test_of_a_single_experiment_its_own_values_are_told() -> None:
    one = Experiment({"Name": "a", "opt": {"lr": 1}}, {"epochs": 3})
    assert differences([one]) == [{"opt.lr": 1}]


def test_what_is_ignored_or_hidden_tells_nothing() -> None:
    one = Experiment({"_dir": 1, "Ours": 1, "x": 1}, given={"REP": 0, "N": 1})
    two = Experiment({"_dir": 2, "Ours": 2, "x": 1}, given={"REP": 1, "N": 2})
    assert differences([one, two], ["Ours", "N"]) == [{"REP": 0}, {"REP": 1}]


def test_the_kind_of_a_value_counts_and_not_a_number_is_itself() -> None:
    one, two = Experiment({"a": 1, "b": math.nan}), Experiment({"a": True, "b": math.nan})
    assert differences([one, two]) == [{"a": 1}, {"a": True}]


def test_what_is_the_same_in_all_is_what_they_have_in_common() -> None:
    some = [
        Experiment({"Name": "a", "x": n, "y": {"z": 1, "w": n}, "t": True}, {"nan": float("nan")})
        for n in range(3)
    ]
    assert list(common(some)) == ["y.z", "t", "nan"]
    assert common([*some, Experiment({"t": 1})]) == {}
