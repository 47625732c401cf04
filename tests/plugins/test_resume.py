"""`--resume`: what was not recorded is, what still runs is adopted, the rest is run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for
from coolrun.yamlio import LOG, read

STUDY = """
    import os, sys, time

    def main(exp):
        exp.ARGUMENTS = sys.argv[1:]
        exp.RESUME = os.environ["COOLRUN_RESUME"]
        open(f"began.{exp.REP}", "a").write("x")
        while os.path.exists("wait") and exp.REP == exp.waits:
            time.sleep(0.01)
        if os.path.exists("fail") and exp.REP == 0:
            raise ValueError("no luck")
"""
DEFINITION = """
    Module: study
    YamlLog: log.yaml
    waits: 1
    draw: parse RND_IDX + 1
    ---
    Repeat: 3
"""


@pytest.fixture
def study(project: Project) -> Project:
    return project({"study.py": STUDY, "experiment.yaml": DEFINITION})


def records(project: Project) -> list[dict[str, Any]]:
    log = project.path / "log.yaml"
    return [d.value for d in read(log.read_bytes(), path="log", limits=LOG)]


def session(project: Project) -> Path:
    (folder,) = (project.path / ".coolrun" / "sessions").iterdir()
    return folder


def interrupted(
    project: Project, *arguments: str, number: int = signal.SIGKILL
) -> dict[int, dict[str, Any]]:
    """Run until experiment 1 waits, and end the runner; what was planned, by position."""
    (project.path / "wait").touch()
    command, environment, _ = project.command(*arguments)
    runner = subprocess.Popen(
        command,
        cwd=project.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for((project.path / "began.1").exists, within=10)
    runner.send_signal(number)
    runner.wait(30)
    return {record["REP"]: record for record in records(project)}


def finals(project: Project) -> dict[int, dict[str, Any]]:
    found = [r for r in records(project) if r["STATUS"] in {"done", "failed"}]
    assert len({r["REP"] for r in found}) == len(found)
    return {record["REP"]: record for record in found}


def test_a_run_that_outlived_its_runner_is_adopted(study: Project) -> None:
    before = interrupted(study)
    assert list(before) == [0]
    command, environment, _ = study.command("--resume")
    resumed = subprocess.Popen(command, cwd=study.path, env=environment, stdout=subprocess.DEVNULL)
    journal = session(study) / "journal.jsonl"
    wait_for(lambda: journal.read_text().count('"begin"') == 2)
    (study.path / "wait").unlink()
    assert resumed.wait(30) == 0
    after = finals(study)
    assert after[0] == before[0]
    assert (study.path / "began.1").read_text() == "x"
    assert [after[rep].get("ATTEMPT") for rep in range(3)] == [None] * 3
    assert {r["RND_IDX"] for r in after.values()} == {before[0]["RND_IDX"]}


def test_a_run_that_ended_without_its_runner_is_recorded(study: Project) -> None:
    interrupted(study)
    (study.path / "wait").unlink()
    results = session(study) / "runs" / "0001" / "results.jsonl"
    wait_for(lambda: '"exit"' in results.read_text())
    outcome = study.run("--resume")
    assert outcome.code == 0
    assert "done        1 experiment" in outcome.out
    assert (study.path / "began.1").read_text() == "x"
    assert sorted(finals(study)) == [0, 1, 2]


def test_what_was_aborted_is_run_again_with_a_higher_attempt(study: Project) -> None:
    interrupted(study, number=signal.SIGTERM)
    (study.path / "wait").unlink()
    outcome = study.run("--resume")
    assert outcome.code == 0
    assert [(r["REP"], r["STATUS"], r.get("ATTEMPT")) for r in records(study)] == [
        (0, "done", None),
        (1, "aborted", None),
        (1, "done", 2),
        (2, "done", None),
    ]
    assert [r["RESUME"] for r in finals(study).values()] == ["0", "1", "0"]


def test_the_plan_and_the_arguments_are_those_of_the_beginning(study: Project) -> None:
    interrupted(study, "-j", "1", "--lr", "7", number=signal.SIGTERM)
    (study.path / "wait").unlink()
    (study.path / "experiment.yaml").write_text("Module: other\n---\n{}\n")
    outcome = study.run("--resume")
    assert outcome.code == 0
    assert "'experiment.yaml' has changed since session" in outcome.err
    assert {tuple(r["ARGUMENTS"]) for r in finals(study).values()} == {("-j", "1", "--lr", "7")}
    assert len({str(r["draw"]) for r in records(study) if r["REP"] == 1}) == 1


def test_how_many_run_at_once_is_remembered_and_can_be_changed(study: Project) -> None:
    interrupted(study, "-j", "2", number=signal.SIGTERM)
    (study.path / "wait").unlink()
    assert study.run("--resume").code == 0
    journal = (session(study) / "journal.jsonl").read_text()
    begins = [line for line in journal.splitlines() if line.startswith('["begin"')]
    assert [line.split(",")[1] for line in begins] == ["2", "2"]


def test_the_end_and_the_next_beginning_say_how_to_go_on(study: Project) -> None:
    (study.path / "wait").touch()
    command, environment, _ = study.command()
    with subprocess.Popen(
        command, cwd=study.path, env=environment, stderr=subprocess.PIPE, text=True
    ) as runner:
        wait_for(lambda: (study.path / "began.1").exists())
        runner.terminate()
        err = runner.communicate()[1]
    name = session(study).name
    assert "2 experiments of 3 have no final record" in err
    assert f"coolrun --resume {name}" in err
    (study.path / "wait").unlink()
    outcome = study.run()
    assert f"coolrun --resume {name}" in outcome.err
    assert f"2 experiments of session {name} of the same definition" in outcome.err


def test_nothing_is_said_where_nothing_is_left(study: Project) -> None:
    assert "--resume" not in study.run().err
    assert "--resume" not in study.run().err


def test_what_failed_is_run_again_where_asked_for(study: Project) -> None:
    (study.path / "fail").touch()
    assert study.run().code == 1
    (study.path / "fail").unlink()
    assert study.run("--resume").code == 5
    assert study.run("--resume", "--retry-failed").code == 0
    assert [(r["REP"], r["STATUS"]) for r in records(study)][3:] == [(0, "done")]
    assert study.run("--resume", "--retry-failed").code == 5


def test_everything_is_run_again_with_force(study: Project) -> None:
    assert study.run().code == 0
    assert study.run("--resume", "--force").code == 0
    assert [(r["REP"], r.get("ATTEMPT")) for r in records(study)][3:] == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--resume"], 5, "there is no session that could go on"),
        (["--resume"], 5, "go to the folder in which it was started"),
        (["--resume", "none"], 4, "there is no session in"),
        (["--retry-failed"], 4, "--retry-failed goes with --resume"),
        (["--force"], 4, "--force goes with --resume"),
        (["--resume", "--exp", "none.yaml"], 4, "there is no file 'none.yaml'"),
        (["--resume", "+lr=1"], 4, "'+lr=1' cannot change a session that has begun"),
        (["--resume", "--pick", "1"], 4, "'--pick' cannot change a session that has begun"),
    ],
)
def test_what_cannot_be_meant_is_told(
    study: Project, arguments: list[str], code: int, message: str
) -> None:
    outcome = study.run(*arguments)
    assert (outcome.code, message in outcome.err) == (code, True), outcome


def test_a_session_is_named_by_a_unique_part(study: Project) -> None:
    study.run()
    study.run()
    names = sorted(folder.name for folder in (study.path / ".coolrun" / "sessions").iterdir())
    outcome = study.run("--resume", names[0][-4:], "--force")
    assert outcome.code == 0
    assert {r["RUN_ID"].split(".")[0] for r in records(study)[6:]} == {names[0]}
    outcome = study.run("--resume", names[0][:8])
    assert outcome.code == 4
    assert "2 sessions have" in outcome.err
    assert "no session has 'nothing'" in study.run("--resume", "nothing").err


def test_the_newest_session_of_the_definition_that_is_named_goes_on(study: Project) -> None:
    study({"other.yaml": DEFINITION.replace("log.yaml", "other.log")})
    interrupted(study, number=signal.SIGTERM)
    (study.path / "wait").unlink()
    assert study.run("--exp", "other.yaml").code == 0
    assert study.run("--resume", "--exp", "other.yaml").code == 5
    assert study.run("--resume", "--exp", "experiment.yaml").code == 0
    assert sorted(finals(study)) == [0, 1, 2]


def test_a_session_that_runs_cannot_be_resumed(study: Project) -> None:
    (study.path / "wait").touch()
    command, environment, _ = study.command()
    runner = subprocess.Popen(command, cwd=study.path, env=environment, stdout=subprocess.DEVNULL)
    wait_for(lambda: (study.path / "began.1").exists())
    for arguments in (["--resume"], ["--resume", session(study).name]):
        outcome = study.run(*arguments)
        assert (outcome.code, "is running" in outcome.err) == (3, True), outcome
    (study.path / "wait").unlink()
    assert runner.wait(30) == 0


def test_records_are_not_doubled_where_only_the_journal_missed_them(
    study: Project, remove: Callable[[Path, str], None]
) -> None:
    assert study.run().code == 0
    before = records(study)
    journal = session(study) / "journal.jsonl"
    for word in ("recorded", "finish"):
        remove(journal, word)
    outcome = study.run("--resume")
    assert outcome.code == 0
    assert records(study) == before
    assert "3 done" in outcome.out


def test_records_that_the_log_has_lost_are_written_again(
    study: Project, remove: Callable[[Path, str], None]
) -> None:
    assert study.run().code == 0
    before = records(study)
    remove(session(study) / "journal.jsonl", "finish")
    (study.path / "log.yaml").unlink()
    study.run("--resume")
    assert records(study) == before


@pytest.fixture
def remove() -> Callable[[Path, str], None]:
    def remove(path: Path, word: str) -> None:
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if f'"{word}"' not in line))

    return remove


def test_the_hook_that_asks_for_records_is_called_after_a_crash_alone(study: Project) -> None:
    (study.path / "fail").touch()
    assert study.run().code == 1
    assert "coolrun_recorded" not in study.run("--resume", "--force").hooks
    (session(study) / "journal.jsonl").write_bytes(
        (session(study) / "journal.jsonl").read_bytes().rpartition(b'["finish"')[0]
    )
    assert "coolrun_recorded" in study.run("--resume").hooks
    assert os.path.exists(study.path / "log.yaml")
