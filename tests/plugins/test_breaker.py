"""A queue that is held after quick failures of one cause."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from coolrun.control import send_order
from coolrun.experiment import Experiment
from coolrun.run import Exit, Record, Run, Status
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for
from coolrun_plugins.breaker import Breaker, cause_of

WORK = """
    def main(exp):
        if exp.get("fails", True):
            raise ValueError(f"no file /data/{exp.RND_IDX}.npy")
    """


class Session:
    """What the breaker needs of one."""

    def __init__(self, waiting: int = 9) -> None:
        self.waiting = [0] * waiting
        self.paused: list[str] = []

    def pause(self, reason: str) -> None:
        self.paused.append(reason)


def record(failure: str | None, elapsed: float = 1.0, status: Status = Status.FAILED) -> Record:
    run = Run("s", Experiment({}, position=0), 1, "t", Path("folder"))
    return Record(run, Exit("t", failure, "", elapsed), status if failure else Status.DONE)


def told(breaker: Breaker, session: Session, *records: Record) -> list[str]:
    for one in records:
        breaker.coolrun_post_run(one.run, one, session)  # type: ignore[arg-type]
    return session.paused


def test_so_many_failures_of_one_cause_in_a_row_hold_the_queue() -> None:
    session, breaker = Session(), Breaker(3)
    assert told(breaker, session, record("no place 1"), record("no place 2")) == []
    assert told(breaker, session, record("no place 3")) == [
        "3 runs in a row failed soon after the start: no place 3"
    ]


def test_another_cause_a_success_or_a_late_failure_begin_anew() -> None:
    for between in (record("other"), record(None), record("no", elapsed=99.0)):
        session = Session()
        assert told(Breaker(2), session, record("no"), between, record("no")) == []


def test_nothing_is_held_when_nothing_waits() -> None:
    assert told(Breaker(1), Session(waiting=0), record("no")) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'a'", "KeyError: 'b'"),
        ("no file /data/a.npy", "no file /tmp/x/y"),
        ("at 0x7f10", "at 0xffff"),
        ("epoch 3: loss 1.5", "epoch 12: loss 7"),
    ],
)
def test_a_cause_is_what_does_not_differ_from_run_to_run(one: str, other: str) -> None:
    assert cause_of(record(one)) == cause_of(record(other)) != ""


def test_what_a_person_or_a_limit_stopped_is_no_cause() -> None:
    assert cause_of(record("x", status=Status.INTERRUPTED)) == ""
    assert cause_of(record("x", status=Status.TIMEOUT)) == ""


def test_a_held_session_says_so_and_goes_on_when_it_is_told(project: Project) -> None:
    files = {
        "work.py": WORK,
        "experiment.yaml": """
            Global: {pause_after: 2, jobs: 2}
            Module: work
            ---
            {Repeat: 2}
            ---
            {fails: false, Repeat: 3}
            """,
    }
    command, environment, _ = project(files).command()
    log = project.path.parent / "printed"
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=project.path, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        wait_for(
            lambda: "paused: 2 runs in a row failed" in log.read_text(),
            diagnosis=lambda: log.read_text(),
        )
        (control,) = project.path.glob(".coolrun/sessions/*/control")
        assert send_order(control, ["continue"])
        assert process.wait(timeout=60) == 1
    finally:
        process.kill()
        process.wait()
    assert "3 done" in log.read_text()


def test_without_the_setting_nothing_is_ever_held(project: Project) -> None:
    files = {"work.py": WORK, "experiment.yaml": "Module: work\n" + "---\n{}\n" * 6}
    done = project(files).run()
    assert [r["STATUS"] for r in done.records] == ["failed"] * 6
