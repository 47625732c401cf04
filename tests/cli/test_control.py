"""Sessions that are looked at and steered from another terminal while they run."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coolrun.journal import read_journal
from coolrun.store import SessionFolder
from coolrun.testing import Outcome, Project
from coolrun.testing.waiting import wait_for

MODULE = """
import os, pathlib, signal, subprocess, sys, time

DEAF = "import signal, time; " + "".join(
    f"signal.signal(signal.SIG{name}, signal.SIG_IGN); " for name in ("INT", "TERM")
) + "time.sleep(1000)"

def main(exp):
    print("begun", exp.Name, flush=True)
    if exp.get("deaf"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if exp.get("child"):
        child = subprocess.Popen([sys.executable, "-c", DEAF], start_new_session=True)
        pathlib.Path(f"child-{exp.Name}").write_text(str(child.pid))
    pathlib.Path(f"pid-{exp.Name}").write_text(str(os.getpid()))
    if exp.get("fails") and not pathlib.Path("mended").exists():
        raise ValueError(f"no luck with '{exp.Name}'")
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    print("ended", exp.Name, flush=True)
"""

Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def study(project: Project) -> Project:
    return project({"mod.py": MODULE})


def definition(*documents: str) -> str:
    return "\n---\n".join(["Module: mod\nYamlLog: log.yaml", *documents]) + "\n"


@pytest.fixture
def begin(study: Project) -> Iterator[Begin]:
    """Start a session in the background, and wait until its first runs have begun."""
    started: list[subprocess.Popen[str]] = []

    def start(text: str, *names: str, jobs: int = 2) -> subprocess.Popen[str]:
        study({"experiment.yaml": text})
        command, env, _ = study.command("-j", str(jobs))
        process = subprocess.Popen(
            command,
            cwd=study.path,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        for name in names:
            wait_for((study.path / f"pid-{name}").exists)
        return process

    yield start
    (study.path / "go").touch()
    for process in started:
        process.communicate(timeout=60)
    wait_for(lambda: not [pid for pid in pids(study) if is_there(pid)])


def pids(study: Project) -> list[int]:
    return [int(f.read_text() or 0) for f in study.path.glob("*-*") if f.name[:3] in {"pid", "chi"}]


def is_there(pid: int) -> bool:
    """Whether it runs; one that has ended and was not waited for does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def session(study: Project) -> SessionFolder:
    return SessionFolder.all(study.path)[-1]


def told(study: Project) -> dict[str, Any]:
    (only,) = json.loads(study.run("status", "--json").out)
    return dict(only)


def statuses(study: Project) -> list[str]:
    last = read_journal(session(study).journal).last_attempts()
    return [str(last[position].status) for position in sorted(last)]


THREE = definition("Name: a", "Name: b", "Name: c")


# Pause, continue, stop


def test_a_paused_session_starts_nothing_until_it_is_continued(
    study: Project, begin: Begin
) -> None:
    process = begin(THREE, "a", jobs=1)
    name = session(study).name
    assert study.run("pause").out.splitlines() == [
        f"session {name} is paused: 1 run goes on (0), 2 wait",
        "next: coolrun continue",
    ]
    assert (told(study)["state"], told(study)["reason"]) == ("paused", "from another terminal")
    assert "is paused already: from another terminal" in study.run("pause").out
    (study.path / "go").touch()
    wait_for(lambda: statuses(study) == ["done"])
    assert told(study)["counts"] == {"waiting": 2, "done": 1}
    assert study.run("continue", name[-4:]).out.startswith(f"session {name} goes on: ")
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert statuses(study) == ["done"] * 3
    assert told(study)["state"] == "finished"


def test_continuing_what_is_not_paused_is_said(study: Project, begin: Begin) -> None:
    begin(THREE, "a", "b")
    assert "is not paused: 2 runs go on (0-1)" in study.run("continue").out


def test_a_stopped_session_lets_its_runs_finish_and_ends(study: Project, begin: Begin) -> None:
    process = begin(THREE, "a", "b")
    outcome = study.run("stop")
    assert outcome.code == 0
    assert "starts nothing more: 1 will not be run" in outcome.out
    assert told(study)["state"] == "stopping"
    assert "is stopping and cannot be paused" in study.run("pause").err
    assert study.run("continue").code == 4
    (study.path / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 2
    assert statuses(study) == ["done", "done"]
    assert told(study)["state"] == "ended"
    assert told(study)["next"] == f"coolrun --resume {session(study).name}"


@pytest.mark.parametrize("command", ["pause", "continue", "stop", "abort"])
def test_where_no_session_runs_it_is_said(study: Project, command: str) -> None:
    outcome = study.run(command)
    assert outcome.code == 4
    assert "no session runs in" in outcome.err


def test_a_runner_that_does_not_answer_is_told_within_seconds(study: Project, begin: Begin) -> None:
    process = begin(THREE, "a", "b")
    process.send_signal(signal.SIGSTOP)
    try:
        outcome = study.run("pause", timeout=30)
    finally:
        process.send_signal(signal.SIGCONT)
    # The order has reached it all the same.
    wait_for(lambda: told(study)["state"] == "paused")
    assert study.run("continue").code == 0
    assert outcome.code == 3
    assert "does not answer" in outcome.err
    assert str(process.pid) in outcome.err


# Abort


CHILDREN = definition("Name: a\nchild: true", "Name: b\ndeaf: true", "Name: c")


def abort(study: Project, *args: str) -> Outcome:
    outcome = study.run("abort", "-y", *args, timeout=90)
    wait_for(
        lambda: not [pid for pid in pids(study) if is_there(pid)],
        within=1,
        diagnosis=lambda: pids(study),
    )
    return outcome


def test_an_aborted_session_leaves_no_process_and_records_all_runs(
    study: Project, begin: Begin
) -> None:
    process = begin(CHILDREN, "a", "b")
    outcome = abort(study, "--kill")
    assert outcome.code == 0
    name = session(study).name
    lines = outcome.out.splitlines()
    assert lines[:3] == [f"session {name}: 2 running, 1 waiting", "  0  a", "  1  b"]
    assert lines[-2:] == [
        "ended: 2 aborted; 3 of 3 left",
        f"next: coolrun --resume {name}",
    ]
    process.communicate(timeout=30)
    assert process.returncode == 2
    log = (study.path / "log.yaml").read_text()
    assert log.count("STATUS: aborted") == 2


def test_runs_that_listen_are_asked_and_not_killed(study: Project, begin: Begin) -> None:
    begin(THREE, "a", "b")
    abort(study)
    log = (study.path / "log.yaml").read_text()
    assert log.count("FAILURE: KeyboardInterrupt") == 2


@pytest.mark.parametrize("victims", ["runner", "runner and keeper"])
def test_runs_of_a_runner_that_has_gone_are_ended_too(
    study: Project, begin: Begin, victims: str
) -> None:
    process = begin(CHILDREN, "a", "b")
    if victims == "runner and keeper":
        (keeper,) = map(
            int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        )
        process.kill()
        os.kill(keeper, signal.SIGKILL)
    else:
        process.kill()
    process.wait(30)
    report = told(study)
    assert (report["state"], report["left_behind"]) == ("ended", True)
    assert report["next"] == f"coolrun --resume {session(study).name}"
    outcome = abort(study, "--kill")
    assert outcome.code == 0
    assert "the process that ran the session has gone" in outcome.out
    assert statuses(study) == ["aborted", "aborted"]
    assert (study.path / "log.yaml").read_text().count("STATUS: aborted") == 2
    assert not told(study)["left_behind"]


def test_a_runner_that_does_not_answer_is_killed_and_its_runs_ended(
    study: Project, begin: Begin
) -> None:
    process = begin(CHILDREN, "a", "b")
    process.send_signal(signal.SIGSTOP)
    outcome = abort(study, "--kill")
    assert outcome.code == 0
    assert "does not answer: its process is killed" in outcome.out
    assert process.wait(30) == -signal.SIGKILL
    assert statuses(study) == ["aborted", "aborted"]


def test_what_a_run_that_has_gone_left_behind_is_found_by_its_token(
    study: Project, begin: Begin
) -> None:
    process = begin(CHILDREN, "a", "b")
    (keeper,) = map(
        int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    )
    for victim in (
        process.pid,
        keeper,
        *(int((study.path / f"pid-{n}").read_text()) for n in "ab"),
    ):
        os.kill(victim, signal.SIGKILL)
    process.wait(30)
    child = int((study.path / "child-a").read_text())
    assert is_there(child)
    outcome = abort(study, "--kill")
    assert outcome.code == 0
    assert not is_there(child)
    assert statuses(study) == ["lost", "lost"]


def test_abort_asks_and_does_nothing_where_nobody_answers(study: Project, begin: Begin) -> None:
    begin(THREE, "a", "b")
    outcome = study.run("abort")
    assert outcome.code == 4
    assert "nobody is there to be asked\n  say -y" in outcome.err
    assert told(study)["state"] == "running"


@pytest.mark.parametrize(("answer", "code", "state"), [(b"\n", 2, "running"), (b"y\n", 0, "ended")])
def test_abort_does_what_is_answered(
    study: Project, begin: Begin, answer: bytes, code: int, state: str
) -> None:
    begin(THREE, "a", "b")
    ours, theirs = pty.openpty()
    command, env, _ = study.command("abort")
    try:
        os.write(ours, answer)
        done = subprocess.run(
            command,
            cwd=study.path,
            env=env,
            stdin=theirs,
            stdout=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == code
    assert b"stop it? [y/N]" in done.stdout
    assert told(study)["state"] == state


def test_several_sessions_are_listed_and_one_is_named(study: Project, begin: Begin) -> None:
    begin(definition("Name: a"), "a")
    first = session(study).name
    begin(definition("Name: b"), "b")
    outcome = study.run("abort", "-y")
    assert outcome.code == 4
    assert "2 sessions run: " in outcome.err
    assert first in outcome.err
    assert study.run("abort", "-y", first).code == 0
    assert is_there(int((study.path / "pid-b").read_text()))
    assert not is_there(int((study.path / "pid-a").read_text()))


# Following


def test_a_log_is_followed_until_its_run_ends(study: Project, begin: Begin) -> None:
    begin(definition("Name: a", "Name: b"), "a", jobs=1)
    command, env, _ = study.command("logs", "-f", "b")
    with subprocess.Popen(
        command, cwd=study.path, env=env, stdout=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout is not None
        (study.path / "go").touch()
        assert following.stdout.read() == "begun b\nended b\n"
        assert following.wait(30) == 0


def test_watching_ends_with_the_session(study: Project, begin: Begin) -> None:
    begin(THREE, "a", "b")
    command, env, _ = study.command("status", "--watch")
    with subprocess.Popen(
        command, cwd=study.path, env=env, stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        assert "running   2 running, 1 waiting" in watching.stdout.readline()
        (study.path / "go").touch()
        rest = watching.stdout.read()
        assert watching.wait(30) == 0
    assert "finished  3 done" in rest
    assert "\x1b" not in rest


@pytest.mark.parametrize("args", [("status", "--watch"), ("logs", "-f", "a")])
def test_ctrl_c_ends_looking_and_not_the_session(
    study: Project, begin: Begin, args: tuple[str, ...]
) -> None:
    begin(THREE, "a", "b")
    command, env, _ = study.command(*args)
    with subprocess.Popen(
        command, cwd=study.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as looking:
        assert looking.stdout is not None
        assert looking.stderr is not None
        looking.stdout.readline()
        looking.send_signal(signal.SIGINT)
        assert looking.wait(30) == 0
        assert looking.stderr.read() == ""
    assert told(study)["state"] == "running"


# Retrying


FAILING = definition("Name: a\nfails: true", "Name: b\nfails: true", "Name: c")


def test_a_group_is_run_again_in_the_session_that_runs(study: Project, begin: Begin) -> None:
    process = begin(FAILING, "c", jobs=1)
    wait_for(lambda: statuses(study) == ["failed", "failed", "None"])
    (study.path / "mended").touch()
    outcome = study.run("retry", "--group", "1")
    assert outcome.code == 0
    assert "2 are run again: ValueError: no luck with '...'" in outcome.out
    assert told(study)["counts"] == {"running": 1, "waiting": 2}
    assert study.run("retry", "--group", "1").code == 4, "it is being run again already"
    (study.path / "go").touch()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert statuses(study) == ["done"] * 3


def test_a_group_is_run_again_in_a_session_that_has_ended(study: Project, begin: Begin) -> None:
    process = begin(FAILING, "c", jobs=1)
    (study.path / "go").touch()
    process.communicate(timeout=60)
    assert statuses(study) == ["failed", "failed", "done"]
    name = session(study).name
    (study.path / "mended").touch()
    outcome = study.run("retry", "--group", "1")
    assert outcome.code == 0
    assert "2 are run again: ValueError: no luck with '...'" in outcome.out
    assert "a (attempt 2)" in outcome.out
    assert session(study).name == name
    assert statuses(study) == ["done"] * 3
    assert [r["RUN_ID"] for r in outcome.records] == [f"{name}.0.2", f"{name}.1.2"]
    assert study.run("errors").out == f"session {name}: nothing has failed\n"
