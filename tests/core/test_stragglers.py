"""Processes that a run has left, known by its token or by its file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coolrun.experiment import Experiment
from coolrun.run import Run
from coolrun.stragglers import are_there, end_stragglers
from coolrun.testing.waiting import wait_for

DEAF = """
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(1000)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run("s", Experiment({}, position=0), 1, f"token-{os.getpid()}", tmp_path)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else's, with another token."""
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, "COOLRUN_TOKEN": "x"}) as process:
        yield process
        assert process.poll() is None, "it was nobody's to end"
        process.kill()


def carrying(run: Run, *command: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "COOLRUN_TOKEN": run.token}
    return subprocess.Popen(command, env=environment, start_new_session=True)


def test_what_carries_the_token_is_ended_and_nobody_else(
    run: Run, bystander: subprocess.Popen[bytes]
) -> None:
    said: list[str] = []
    with carrying(run, "sleep", "1000") as process:
        wait_for(lambda: are_there([run]))
        assert end_stragglers([run], grace=5, say=said.append) == 1
        assert process.wait(10) == -2
    assert said == ["ending 1 process that the runs have left behind"]
    assert not are_there([run])
    assert end_stragglers([run]) == 0


def test_what_has_the_results_open_is_ended(run: Run, bystander: subprocess.Popen[bytes]) -> None:
    with run.results.open("w") as file:
        process = subprocess.Popen(["sleep", "1000"], pass_fds=[file.fileno()])
    with process:
        assert end_stragglers([run], grace=5) == 1
        assert process.wait(10) == -2


def test_what_is_deaf_or_stopped_is_killed(run: Run, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with carrying(run, sys.executable, "-c", DEAF, str(ready)) as process:
        wait_for(ready.exists)
        process.send_signal(19)
        assert end_stragglers([run], grace=0.2) == 1
        assert process.wait(10) == -9


def test_a_grace_of_zero_kills_at_once(run: Run) -> None:
    with carrying(run, "sleep", "1000") as process:
        wait_for(lambda: are_there([run]))
        end_stragglers([run], grace=0)
        assert process.wait(10) == -9


def test_this_very_process_is_never_one_of_them(run: Run) -> None:
    with run.results.open("w"):
        assert not are_there([run])


def test_without_runs_nobody_is_looked_for() -> None:
    assert end_stragglers([]) == 0
    assert not are_there([])
