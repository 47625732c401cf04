"""`coolrun clean` and `coolrun keep`: nothing goes that runs, is kept, or was not asked for."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

STUDY = """
    import os, time

    def main(exp):
        print("x" * 100_000)
        open("began", "w").close()
        while os.path.exists("wait"):
            time.sleep(0.01)
        if exp.REP == 1:
            raise ValueError("no luck")
"""


@pytest.fixture
def study(project: Project) -> Project:
    definition = "Module: study\nYamlLog: log.yaml\n---\nRepeat: 2\n"
    return project({"study.py": STUDY, "experiment.yaml": definition})


def sessions(project: Project) -> list[Path]:
    return sorted((project.path / ".coolrun" / "sessions").iterdir())


def test_it_only_tells_what_it_would_remove(study: Project) -> None:
    study.run()
    outcome = study.run("clean")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert re.fullmatch(
        rf" +\d+ kB  .coolrun/sessions/{sessions(study)[0].name}  \(finished\)", lines[0]
    )
    assert re.fullmatch(r" +\d+ kB  in 1 folder would be removed", lines[1])
    assert lines[2] == "add --yes to remove them"
    assert len(sessions(study)) == 1


def test_sessions_that_are_over_are_removed_and_logs_elsewhere_stay(study: Project) -> None:
    study.run()
    assert study.run("clean", "--yes").code == 0
    assert sessions(study) == []
    assert (study.path / "log.yaml").exists()
    assert "there is nothing to remove" in study.run("clean").out


def test_only_the_folders_of_failed_runs_are_removed_where_asked_for(study: Project) -> None:
    study.run()
    study.run("clean", "--failed", "--yes")
    (session,) = sessions(study)
    assert [folder.name for folder in (session / "runs").iterdir()] == ["0000"]


def test_a_run_that_is_kept_stays_and_with_it_what_tells_of_it(study: Project) -> None:
    study.run()
    (session,) = sessions(study)
    assert "runs/0001 is kept" in study.run("keep", f"{session.name}.1.1").out
    study.run("clean", "--failed", "--yes")
    study.run("clean", "--yes")
    assert [folder.name for folder in (session / "runs").iterdir()] == ["0001"]
    assert (session / "plan.jsonl").exists()


@pytest.mark.parametrize("name", ["1", "{}.1", "{}.1.1"])
def test_a_run_is_named_in_several_ways(study: Project, name: str) -> None:
    study.run()
    (session,) = sessions(study)
    assert study.run("keep", name.format(session.name)).code == 0
    assert (session / "runs" / "0001" / "kept").exists()


@pytest.mark.parametrize("name", ["7", "nothing", "{}.7", "{}.x.1", "nothing.1"])
def test_a_run_that_is_not_there_cannot_be_kept(study: Project, name: str) -> None:
    study.run()
    outcome = study.run("keep", name.format(sessions(study)[0].name))
    assert outcome.code == 4
    assert outcome.err.startswith("error: ")


@pytest.mark.parametrize("number", [0, signal.SIGKILL])
def test_what_runs_is_never_touched(study: Project, number: int) -> None:
    """Neither a session that runs, nor one whose runs go on without it."""
    (study.path / "wait").touch()
    command, environment, _ = study.command()
    runner = subprocess.Popen(command, cwd=study.path, env=environment, stdout=subprocess.DEVNULL)
    wait_for((study.path / "began").exists)
    runner.send_signal(number)
    if number:
        runner.wait(10)
    try:
        assert "there is nothing to remove" in study.run("clean", "--yes").out
    finally:
        (study.path / "wait").unlink()
        runner.wait(30)
    results = sessions(study)[0] / "runs" / "0000" / "results.jsonl"
    wait_for(lambda: '"exit"' in results.read_text())


def test_a_session_without_a_plan_is_removed(study: Project) -> None:
    study.run()
    (sessions(study)[0] / "plan.jsonl").unlink()
    assert "it ended before it had a plan" in study.run("clean", "--yes").out
    assert sessions(study) == []
