"""`--detach` survives the end of its terminal; `coolrun attach` follows it again."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

STUDY = """
    import os, time

    def main(exp):
        print("working", exp.REP, flush=True)
        while os.path.exists("wait"):
            time.sleep(0.01)
        if os.path.exists("fail"):
            raise ValueError("no luck")
"""


@pytest.fixture
def study(project: Project) -> Project:
    (project.path / "wait").touch()
    return project(
        {"study.py": STUDY, "experiment.yaml": "Module: study\nYamlLog: log.yaml\n---\nRepeat: 2\n"}
    )


def session(project: Project) -> Path:
    (folder,) = (project.path / ".coolrun" / "sessions").iterdir()
    return folder


def ended(project: Project) -> bool:
    return '["finish"' in (session(project) / "journal.jsonl").read_text()


def test_it_goes_on_when_its_terminal_is_closed(study: Project) -> None:
    ours, theirs = pty.openpty()
    command, environment, _ = study.command("--detach")
    done = subprocess.run(
        command,
        cwd=study.path,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        timeout=30,
        check=False,
        start_new_session=True,
    )
    os.close(theirs)
    text = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert f"coolrun attach {session(study).name}" in text
    (study.path / "wait").unlink()
    wait_for(lambda: "2 done" in (session(study) / "printed.log").read_text())
    assert (study.path / "log.yaml").read_text().count("STATUS: done") == 2


@pytest.mark.parametrize("fail", [False, True])
def test_attach_shows_everything_and_ends_as_the_session(study: Project, fail: bool) -> None:
    if fail:
        (study.path / "fail").touch()
    assert study.run("--detach").code == 0
    command, environment, _ = study.command("attach")
    with subprocess.Popen(
        command, cwd=study.path, env=environment, stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        assert "started     0 experiment" in follower.stdout.readline()
        (study.path / "wait").unlink()
        rest = follower.stdout.read()
    assert ("2 failed" if fail else "2 done") in rest
    assert follower.returncode == (1 if fail else 0)


def test_ctrl_c_ends_the_showing_alone(study: Project) -> None:
    assert study.run("--detach").code == 0
    command, environment, _ = study.command("attach")
    with subprocess.Popen(
        command, cwd=study.path, env=environment, stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        assert "goes on: coolrun attach" in follower.stdout.read()
    assert follower.returncode == 0
    assert not ended(study)
    (study.path / "wait").unlink()
    wait_for(lambda: ended(study))


def test_what_is_wrong_is_told_before_it_leaves(study: Project) -> None:
    outcome = study.run("--detach", "--exp", "none.yaml")
    assert (outcome.code, "there is no file 'none.yaml'" in outcome.err) == (4, True)


def test_a_place_that_cannot_be_written_is_told_as_ever(study: Project) -> None:
    study({".coolrun": "in the way"})
    outcome = study.run("--detach")
    assert outcome.code == 3
    folder = str(study.path / ".coolrun")
    assert outcome.err.splitlines() == [
        f"error: cannot write in {folder!r}: File exists",
        "  start coolrun in a folder of yours: sessions and logs are kept there",
    ]


def test_a_session_with_a_terminal_cannot_be_followed(study: Project) -> None:
    command, environment, _ = study.command()
    runner = subprocess.Popen(command, cwd=study.path, env=environment, stdout=subprocess.DEVNULL)
    wait_for(lambda: any(study.path.glob(".coolrun/sessions/*/runs/*/output.log")))
    outcome = study.run("attach")
    assert (outcome.code, "in the terminal in which it was started" in outcome.err) == (4, True)
    (study.path / "wait").unlink()
    assert runner.wait(30) == 0


def test_a_resumed_session_can_leave_as_well(study: Project) -> None:
    (study.path / "fail").touch()
    (study.path / "wait").unlink()
    assert study.run().code == 1
    (study.path / "fail").unlink()
    assert study.run("--resume", "--retry-failed", "--detach").code == 0
    wait_for(lambda: (study.path / "log.yaml").read_text().count("STATUS: done") == 2)
    wait_for(lambda: (session(study) / "journal.jsonl").read_text().count('["finish"') == 2)
