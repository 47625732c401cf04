"""What plugins give to runs: open files that outlive the runner, notes, findings of their own."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

LOCKING = """
    import fcntl, os
    from coolrun import Lease, hookimpl

    @hookimpl
    def coolrun_pre_launch(run, config):
        number = os.open(config.cwd / "lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)

        def release():
            os.close(number)
            return {"PEAK": 7}

        note = {"locking": [run.attempt, 0.5]}
        record = {"PLACE": 1}
        return Lease(descriptors=(number,), note=note, record=record, release=release)

    @hookimpl
    def coolrun_session_start(session):
        (session.config.cwd / "notes").write_text(repr([dict(run.note) for run in session.running]))
        for run in session.running:
            session.lease(run.token, Lease(release=lambda: {"ADOPTED": True}))
"""
WAIT = """
    import pathlib, time

    def main(exp):
        pathlib.Path("ready").touch()
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
"""
SCRIPT = "touch ready; while ! test -e go; do sleep 0.02; done"
WAYS = {
    "a function": "Module: modules.wait",
    "an interpreter of its own": "Global: {isolate: spawn}\nModule: modules.wait",
    "a program": f"Command: '{SCRIPT}'",
    "a program in a folder of its own": f"Cwd: run\nCommand: 'cd $COOLRUN_CWD; {SCRIPT}'",
}


@pytest.fixture(params=WAYS)
def runner(
    request: pytest.FixtureRequest, project: Project
) -> Iterator[tuple[Project, subprocess.Popen[bytes]]]:
    """A session whose only run waits, and holds the lock."""
    text = f"Name: x\n{WAYS[request.param]}\n---\nName: y\n"
    project({"locking.py": LOCKING, "modules/wait.py": WAIT, "a.yaml": text})
    # Also in the environment of the runner that takes the session up.
    command, environment, _ = project.command(
        "--exp", "a.yaml", "-p", "locking", env={"PYTHONPATH": str(project.path)}
    )
    process = subprocess.Popen(
        command,
        cwd=project.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for((project.path / "ready").exists)
    yield project, process
    (project.path / "go").touch()
    process.wait(30)


def is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def resume(project: Project) -> list[dict[str, object]]:
    arguments = ("--resume", "-p", "locking")
    outcome = project.run(*arguments, env={"PYTHONPATH": str(project.path)})
    assert outcome, outcome
    return list(outcome.records)


def test_a_lock_of_a_run_is_held_until_the_run_ends_whatever_becomes_of_the_runner(
    runner: tuple[Project, subprocess.Popen[bytes]],
) -> None:
    project, process = runner
    lock = project.path / "lock"
    assert is_held(lock)
    process.kill()
    process.wait(30)
    assert is_held(lock)
    (project.path / "go").touch()
    wait_for(lambda: not is_held(lock))
    resume(project)


def test_a_resumed_session_finds_the_notes_of_what_it_adopts(
    runner: tuple[Project, subprocess.Popen[bytes]],
) -> None:
    project, process = runner
    process.kill()
    process.wait(30)
    command, environment, _ = project.command(
        "--resume", "-p", "locking", env={"PYTHONPATH": str(project.path)}
    )
    notes = project.path / "notes"
    notes.unlink()
    second = subprocess.Popen(
        command,
        cwd=project.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: notes.exists() and notes.read_text())
    assert notes.read_text() == "[{'locking': [1, 0.5]}]"
    (project.path / "go").touch()
    assert second.wait(30) == 0
    (log,) = (project.path).glob("**/log.yaml")
    assert "ADOPTED: true" in log.read_text()


def test_the_keeper_does_not_keep_what_it_passes_on(
    runner: tuple[Project, subprocess.Popen[bytes]],
) -> None:
    project, process = runner
    lock = project.path / "lock"
    os.kill(process.pid, signal.SIGSTOP)  # it would give back its own
    (project.path / "go").touch()
    os.kill(process.pid, signal.SIGCONT)
    wait_for(lambda: not is_held(lock))
    assert process.wait(30) == 0


def test_what_a_lease_has_found_out_is_in_the_record(project: Project) -> None:
    project({"locking.py": LOCKING, "a.yaml": "Name: x\n---\nCommand: 'true'\n"})
    outcome = project.run("--exp", "a.yaml", "-p", "locking", env={"PYTHONPATH": str(project.path)})
    assert outcome.records[0]["PEAK"] == 7


def test_a_result_of_the_name_of_a_leases_key_is_told_of(project: Project) -> None:
    module = "def main(exp):\n    exp['PLACE'] = 2\n"
    project({"locking.py": LOCKING, "a.yaml": "Name: x\nModule: mod\n---\n{}\n", "mod.py": module})
    outcome = project.run("--exp", "a.yaml", "-p", "locking", env={"PYTHONPATH": str(project.path)})
    assert outcome.records[0]["PLACE"] == 1
    assert "result 'PLACE' is not recorded: the runner writes this key itself" in " ".join(
        outcome.out.split()
    )
