"""An experiment is an ordered mapping that knows where its values were written."""

from __future__ import annotations

from typing import Any

import pytest

from coolrun.errors import CoolrunError, Place
from coolrun.experiment import Experiment, Source, dotted
from coolrun.journal import Attempt

TEXT = b"lr: 1\nsize: 2\n---\nName: a\nlr: 3\nopt: {x: [1, 2]}\n"


def experiment(**changes: Any) -> Experiment:
    arguments: dict[str, Any] = {
        "own": {"Name": "a", "lr": 3, "opt": {"x": [1, 2]}},
        "defaults": {"lr": 1, "size": 2},
        "given": {"NUMBER": 7},
        "document": 1,
        "source": Source("a.yaml", TEXT),
    }
    return Experiment(**{**arguments, **changes})


def test_own_keys_come_first_then_the_remaining_defaults_then_what_is_given() -> None:
    assert list(experiment()) == ["Name", "lr", "opt", "size", "NUMBER"]
    assert experiment()["lr"] == 3
    assert len(experiment()) == 5
    assert "size" in experiment()
    assert "nothing" not in experiment()


def test_what_the_runner_gives_never_replaces_what_is_written() -> None:
    assert experiment(own={"NUMBER": 1})["NUMBER"] == 1


def test_parameters_are_what_a_person_defined() -> None:
    assert list(experiment().parameters) == ["Name", "lr", "opt", "size"]
    assert "NUMBER" in experiment(own={"NUMBER": 1}).parameters


def test_final_values_keep_their_order_and_what_is_given() -> None:
    made = experiment()
    made.settle({"lr": 9, "Name": "a"})
    assert dict(made) == {"lr": 9, "Name": "a", "NUMBER": 7}


def test_a_null_value_replaces_the_default() -> None:
    assert experiment(own={"lr": None})["lr"] is None


def test_a_sibling_shares_defaults_and_takes_other_values() -> None:
    made = experiment(series=2)
    sibling = made.derive(own={"lr": 4}, REP=1)
    assert (sibling["lr"], sibling["REP"], sibling["NUMBER"]) == (4, 1, 7)
    assert (sibling.series, sibling.document, sibling.source) == (2, 1, made.source)
    sibling.own["lr"] = 5
    assert made["lr"] == 3
    assert "REP" not in made


def test_a_copy_without_other_keys_has_keys_of_its_own() -> None:
    made = experiment()
    made.derive().own["lr"] = 5
    assert made.own["lr"] == 3


@pytest.mark.parametrize(
    ("position", "name", "label"),
    [
        (-1, "a", "an experiment 'a'"),
        (3, "a", "experiment 3 'a'"),
        (3, None, "experiment 3"),
        (3, 12, "experiment 3 '12'"),
    ],
)
def test_messages_name_it_by_number_and_name(position: int, name: Any, label: str) -> None:
    assert experiment(own={"Name": name}, position=position).label == label


@pytest.mark.parametrize(
    ("path", "place", "key"),
    [
        ((), "a.yaml:4:1", None),
        (("lr",), "a.yaml:5:5", "lr"),
        (("size",), "a.yaml:2:7", "size"),
        (("opt", "x", 1), "a.yaml:6:14", "opt.x[1]"),
    ],
)
def test_an_error_is_told_with_place_experiment_and_key(
    path: tuple[object, ...], place: str, key: str | None
) -> None:
    error = experiment(position=0).blame(CoolrunError("wrong"), path)
    assert str(error.place) == place
    assert (error.experiment, error.key) == ("experiment 0 'a'", key)


def test_what_is_known_already_stays() -> None:
    error = CoolrunError("wrong", place=Place("b.yaml", 7), key="x")
    assert str(experiment().blame(error, ("lr",)).place) == "b.yaml:7"
    assert error.key == "x"


def test_without_a_source_there_is_no_place() -> None:
    error = experiment(source=None).blame(CoolrunError("wrong"), ("lr",))
    assert error.place is None
    assert error.key == "lr"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a", "b"), "a.b"),
        (("a", 0, "b"), "a[0].b"),
        ((1,), "1"),
        (("a", True), "a.True"),
    ],
)
def test_paths_are_written_as_people_do(path: tuple[object, ...], text: str) -> None:
    assert dotted(path) == text


def test_a_value_that_was_moved_is_blamed_where_it_was_written() -> None:
    source = Source("a.yaml", b"{}\n---\nsweep:\n  o.x: [1, {y: 2}]\n")
    written: dict[tuple[object, ...], tuple[object, ...]] = {("o", "x"): ("sweep", "o.x", 1)}
    experiment = Experiment({"o": {"x": {"y": 2}}}, document=1, source=source, written=written)
    error = experiment.derive().blame(CoolrunError("wrong"), ("o", "x", "y"))
    assert (error.place, error.key) == (Place("a.yaml", 4, 16), "o.x.y")


def test_an_experiment_and_an_attempt_at_it_are_small() -> None:
    """There are as many as runs: neither has a dictionary of its own."""
    attempt = Attempt(0, 1, "token")
    assert not hasattr(experiment(), "__dict__")
    assert not hasattr(attempt, "__dict__")
    assert attempt.more is Attempt(1, 1, "other").more
