"""A plan grows while its session goes on, and is read back whole."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from coolrun.experiment import Experiment, Source
from coolrun.store import SessionFolder

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
SOURCE = Source("a.yaml", b"lr: 1\n---\nlr: 2\n")


def make(cwd: Path) -> SessionFolder:
    folder = SessionFolder.create(cwd, STARTED)
    folder.write_definition(SOURCE)
    return folder


def test_a_plan_grows_and_what_has_a_known_position_takes_its_place(tmp_path: Path) -> None:
    folder = make(tmp_path)
    folder.write_plan([Experiment({"a": 1}, position=0)], {}, SOURCE)
    folder.extend_plan([Experiment({"a": 2}, position=1), Experiment({"a": 9}, position=0)])
    folder.extend_plan([Experiment({"a": 3}, position=2)])
    assert [dict(e.own) for e in folder.read_plan()[0]] == [{"a": 9}, {"a": 2}, {"a": 3}]


def test_what_was_torn_while_a_plan_grew_says_nothing(tmp_path: Path) -> None:
    folder = make(tmp_path)
    folder.write_plan([Experiment({"a": 1}, position=0)], {}, SOURCE)
    plan = folder.path / "plan.jsonl"
    whole = plan.stat().st_size
    folder.extend_plan([Experiment({"a": 2}, position=1)])
    grown = plan.read_bytes()
    for size in range(whole, len(grown) - 1):
        plan.write_bytes(grown[:size])
        assert len(folder.read_plan()[0]) == 1
        folder.extend_plan([Experiment({"a": 3}, position=1)])
        assert [dict(e.own) for e in folder.read_plan()[0]] == [{"a": 1}, {"a": 3}]


def test_a_session_that_is_locked_already_is_not_locked_twice(tmp_path: Path) -> None:
    folder = make(tmp_path)
    assert folder.lock()
    assert folder.lock()
    folder.unlock()
    assert SessionFolder(folder.path).lock()
