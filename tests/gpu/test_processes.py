"""What is known of a process on a GPU, whoever may look at it."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from coolrun_plugins.gpu.devices import Holder
from coolrun_plugins.gpu.processes import Process, Processes
from coolrun_plugins.gpu.underway import RunsUnderWay


def test_a_process_is_known_by_its_person_and_its_command() -> None:
    found = Processes(RunsUnderWay()).of(Holder(os.getpid(), 5))
    assert found == Process(os.getpid(), 5, getpass.getuser(), " ".join(sys.orig_argv))


def test_one_that_has_gone_is_a_number() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert Processes(RunsUnderWay()).of(Holder(gone.pid, None)) == Process(gone.pid, None)


def test_one_that_nobody_waited_for_is_known_as_far_as_it_goes() -> None:
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    found = Processes(RunsUnderWay()).of(Holder(zombie.pid, 1))
    zombie.wait()
    assert (found.pid, found.run_id) == (zombie.pid, None)


def test_what_a_machine_hides_of_others_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where /proc is mounted with hidepid."""

    def refuse(process: psutil.Process) -> None:
        raise psutil.AccessDenied(process.pid)

    for name in ("parents", "cmdline", "name", "username"):
        monkeypatch.setattr(psutil.Process, name, refuse)
    assert Processes(RunsUnderWay()).of(Holder(os.getpid(), 5)) == Process(os.getpid(), 5)


def child(**environment: str) -> subprocess.Popen[bytes]:
    """A process that waits, in an environment that it shows only when it has begun."""
    code = "import sys; print('begun', flush=True); sys.stdin.read()"
    started = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert started.stdout is not None
    started.stdout.readline()
    return started


@pytest.mark.parametrize(("told", "run_id"), [("s.3.1", "s.3.1"), ("", None)])
def test_a_program_carries_its_run_in_its_environment(told: str, run_id: str | None) -> None:
    with child(COOLRUN_RUN_ID=told) as process:
        found = Processes(RunsUnderWay(names={"s.3.1": "big"})).of(Holder(process.pid, 1))
        process.communicate()
    assert (found.run_id, found.name) == (run_id, "big" if run_id else "")


@pytest.mark.parametrize(
    ("name", "run_id"),
    [
        (".coolrun/sessions/20260101-120000-abc1234/runs/0017/results.jsonl", "17.1"),
        (".coolrun/sessions/20260101-120000-abc1234/runs/0017/results.3.jsonl", "17.3"),
        (".coolrun/sessions/20260101-120000-abc1234/runs/0017/output.log", None),
        ("elsewhere/results.jsonl", None),
    ],
)
def test_a_fork_has_the_results_of_its_run_open(
    tmp_path: Path, name: str, run_id: str | None
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    with path.open("w"):
        found = Processes(RunsUnderWay()).of(Holder(os.getpid(), 1))
        known = Processes(RunsUnderWay(results={str(path): "s.0.2"})).of(Holder(os.getpid(), 1))
    assert found.run_id == (run_id and f"20260101-120000-abc1234.{run_id}")
    assert known.run_id == "s.0.2"
