"""The plan on the disk, looked at line by line."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from coolrun.errors import SessionError
from coolrun.experiment import Experiment, Source
from coolrun.outline import Outline
from coolrun.store import SessionFolder

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def planned(cwd: Path, *experiments: Experiment) -> SessionFolder:
    folder = SessionFolder.create(cwd, NOW)
    for position, experiment in enumerate(experiments):
        experiment.position = position
    source = Source("a.yaml", b"x: 1\n")
    folder.write_definition(source)
    folder.write_plan(experiments, {}, source)
    return folder


def test_what_is_skipped_and_who_waits_is_known_without_reading_values(tmp_path: Path) -> None:
    folder = planned(
        tmp_path,
        Experiment({"x": 1}),
        Experiment({"x": 2}, skipped='its "name", or \\ so'),
        Experiment({"x": 3}, after=frozenset({0, 1})),
    )
    outline = Outline(folder)
    assert len(outline) == 3
    assert outline.skipped == {1: 'its "name", or \\ so'}
    assert outline.after == {2: frozenset({0, 1})}
    assert list(outline.chosen) == [0, 2]


def test_an_experiment_is_the_same_as_in_the_whole_plan(tmp_path: Path) -> None:
    own: dict[Any, Any] = {"x": (1, 2), 3: float("inf")}
    first = Experiment(own, {"lr": 0.1}, swept=("x",))
    folder = planned(tmp_path, first, Experiment({"y": 1}))
    read, whole = Outline(folder).experiment(0), folder.read_plan()[0][0]
    assert dict(read) == dict(whole) == {**own, "lr": 0.1}
    assert (read.swept, read.position) == (whole.swept, whole.position)


def test_experiments_are_found_by_name(tmp_path: Path) -> None:
    names = ["a", "b", "a", 'odd "ä" one', 7, None]
    outline = Outline(planned(tmp_path, *(Experiment({"Name": n, "of": "b"}) for n in names)))
    assert outline.named("a") == [0, 2]
    assert outline.named("b") == [1]
    assert outline.named('odd "ä" one') == [3]
    assert outline.named("7") == [4]
    assert outline.named("none") == []


def test_a_plan_that_has_grown_or_changed_is_seen_as_it_is_now(tmp_path: Path) -> None:
    folder = planned(tmp_path, Experiment({"x": 1}, skipped="why"), Experiment({"x": 2}))
    folder.extend_plan([Experiment({"x": 10}, position=0), Experiment({"x": 3}, position=2)])
    outline = Outline(folder)
    assert [outline.experiment(n)["x"] for n in range(len(outline))] == [10, 2, 3]
    assert outline.skipped == {}


def test_a_torn_line_beyond_the_plan_says_nothing(tmp_path: Path) -> None:
    folder = planned(tmp_path, Experiment({"x": 1}))
    whole = folder.plan.read_bytes()
    folder.extend_plan([Experiment({"x": 3}, position=1)])
    grown = folder.plan.read_bytes()
    for length in range(len(whole), len(grown)):
        folder.plan.write_bytes(grown[:length])
        outline = Outline(folder)
        assert len(outline) in {1, 2}
        assert [dict(outline.experiment(n)) for n in range(len(outline))] == [
            dict(e) for e in folder.read_plan()[0]
        ]


@pytest.mark.parametrize("plan", [None, b"", b'{"format":1,"count":2}\n', b"nonsense\n", b"[]\n"])
def test_a_folder_without_a_whole_plan_is_an_error(tmp_path: Path, plan: bytes | None) -> None:
    folder = planned(tmp_path, Experiment({}))
    folder.plan.unlink()
    if plan is not None:
        folder.plan.write_bytes(plan)
    with pytest.raises(SessionError, match="holds no whole plan"):
        Outline(folder)
