"""A session that stops starting runs in time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coolrun.cli import configure
from coolrun.experiment import Experiment
from coolrun.run import Exit, Halt, Record, Run, Status
from coolrun.testing import Project
from coolrun_plugins.budget import Budget, _moment, _next

FILES = {
    "work.py": """
        import os

        def main(exp):
            exp.END = os.environ.get("COOLRUN_ENDBY")
            if exp.get("fails"):
                1 / 0
        """,
    "experiment.yaml": "Module: work\n" + "---\n{}\n" * 5,
}
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def a_run(number: int, name: str = "a") -> Run:
    experiment = Experiment({"Name": name}, position=number)
    return Run("s", experiment, 1, f"t{number}", Path("folder"))


def begun(*args: str) -> tuple[Budget, Any]:
    config: Any = configure(args)
    config.clock = Clock()
    budget = Budget(config)
    budget.coolrun_session_start(SimpleNamespace(started=NOON))  # type: ignore[arg-type]
    return budget, config.clock


def perform(budget: Budget, run: Run, clock: Any, seconds: float) -> None:
    budget.coolrun_pre_launch(run)
    budget.coolrun_run_start(run)
    clock.seconds += seconds
    exited = Exit(run.token, None, "", seconds)
    budget.coolrun_post_run(run, Record(run, exited, Status.DONE))


def test_at_most_so_many_runs_are_started_and_the_rest_is_named(project: Project) -> None:
    done = project(FILES).run("--max-runs", "2", "-j", "2")
    assert [record["STATUS"] for record in done.records] == ["done", "done"]
    assert done.code == 0
    assert "--max-runs 2: as many were started" in done.err
    assert "not run: 2-4" in done.out
    assert "next: coolrun" in done.out


def test_a_retry_counts_as_a_run_and_the_failure_is_not_forgotten(project: Project) -> None:
    text = "Module: work\n---\n{fails: true, Retries: 3}\n---\n{}\n"
    done = project({**FILES, "experiment.yaml": text}).run("--max-runs", "2")
    assert len(done.records) == 2
    assert done.code == 1


def test_a_run_that_could_not_start_in_the_end_does_not_count() -> None:
    budget, _ = begun("--max-runs", "1")
    lease = budget.coolrun_pre_launch(a_run(0))
    with pytest.raises(Halt):
        budget.coolrun_pre_launch(a_run(1))
    assert lease.release is not None
    lease.release()
    budget.coolrun_pre_launch(a_run(1))


def test_a_run_is_told_when_the_session_ends(project: Project) -> None:
    done = project(FILES).run("--for", "2h")
    end = datetime.fromisoformat(done.records[0]["END"])
    assert timedelta(hours=1.9) < end - datetime.now(timezone.utc) < timedelta(hours=2.1)
    assert len({record["END"] for record in done.records}) == 1
    assert project(FILES).run("--pick", "0").records[0]["END"] is None


def test_nothing_is_started_when_the_time_is_up(project: Project) -> None:
    done = project(FILES).run("--for", "0")
    assert not done.records
    assert "the time is up" in done.err
    assert "not run: 0-4" in done.out


def test_what_took_longer_before_than_is_left_is_not_started() -> None:
    budget, clock = begun("--for", "1h")
    perform(budget, a_run(0), clock, 1500)
    perform(budget, a_run(1), clock, 1500)
    with pytest.raises(Halt, match="experiment 2 'a' takes about 25:00, and 10:00 are left"):
        budget.coolrun_pre_launch(a_run(2))


def test_runs_of_the_same_name_tell_more_than_others() -> None:
    budget, clock = begun("--for", "1h")
    perform(budget, a_run(0, "short"), clock, 10)
    perform(budget, a_run(1, "long"), clock, 3000)
    budget.coolrun_pre_launch(a_run(2, "short"))
    with pytest.raises(Halt):
        budget.coolrun_pre_launch(a_run(3, "long"))
    with pytest.raises(Halt, match="takes about 25:05"):
        budget.coolrun_pre_launch(a_run(4, "new"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:30", "2026-03-01T12:30"),
        ("8:00", "2026-03-02T08:00"),
        ("11:59:30", "2026-03-02T11:59:30"),
        ("2026-04-01T08:00", "2026-04-01T08:00"),
    ],
)
def test_a_time_of_day_is_the_next_one(text: str, expected: str) -> None:
    local = datetime(2026, 3, 1, 12).astimezone()
    assert _next(_moment(text), local) == datetime.fromisoformat(expected).astimezone()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--max-runs", "0"], "invalid number '0'"),
        (["--for", "soon"], "invalid time 'soon'"),
        (["--until", "25:00"], "invalid moment '25:00'"),
        (["--until", "late"], "invalid moment 'late'"),
        (["--until", "2020-01-01"], "--until 2020-01-01T00:00 is over"),
    ],
)
def test_what_makes_no_sense_is_refused(project: Project, args: list[str], words: str) -> None:
    done = project(FILES).run(*args)
    assert done.code == 4
    assert words in done.err
