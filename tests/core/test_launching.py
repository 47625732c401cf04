"""What launchers are written with: a run in another interpreter, its end, and stopping it."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from coolrun.config import Config
from coolrun.experiment import Experiment
from coolrun.handover import pack, task, unpack
from coolrun.launching import ProcessLauncher, exit_of, stop
from coolrun.protocols import Launcher
from coolrun.run import Run
from coolrun.testing import wait_for
from coolrun.testing.launchers import Bench, LauncherSuite, make_bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work_far_away.py").write_text(
        textwrap.dedent("""
        import os, sys

        def main(exp):
            exp.ARGUMENTS = sys.argv[1:]
            exp.READ = sys.stdin.read()
            exp.CWD = os.getcwd()
            print("done", exp.shape)

        def die(exp):
            exp.BEFORE = 1
            os._exit(exp.code)
        """)
    )
    return make_bench(tmp_path / "runs", [], ["--own", "1", "-p", "no:slack"], preload=("x",))


class TestProcessLauncher(LauncherSuite):
    takes_over = False
    batch = 4

    def make(self, config: Config) -> Launcher:
        return ProcessLauncher(config)


class Missing(ProcessLauncher):
    def command(self, run: Run) -> list[str]:
        return ["no-such-program", *super().command(run)]


def test_what_cannot_be_started_is_told_as_an_exit(bench: Bench) -> None:
    bench.folder.mkdir()
    bench.launcher = Missing(bench.config)
    exited = bench.do(0)
    bench.launcher.close()
    bench.launcher.close()
    assert exited.failure == ("it cannot be started: No such file or directory: 'no-such-program'")


def test_a_launcher_of_ones_own_finds_its_settings(bench: Bench) -> None:
    class Far(ProcessLauncher):
        def command(self, run: Run) -> list[str]:
            return [str(self.config.cwd / "none"), *super().command(run)]

    bench.folder.mkdir()
    bench.launcher = Far(bench.config)
    assert str(bench.do(0).failure).endswith("/none'")
    bench.launcher.close()


def perform(run: Run, bench: Bench) -> int:
    with task(run, bench.config) as stdin, open(run.output, "ab") as output:
        command = [sys.executable, "-m", "coolrun.handover"]
        return subprocess.run(
            command, stdin=stdin, stdout=output, stderr=output, timeout=60, check=False
        ).returncode


def run_of(bench: Bench, **values: object) -> Run:
    experiment = Experiment(values, position=0)
    return Run("session", experiment, 1, "token", bench.folder / "0000", descriptors=(7,))


def test_a_run_is_performed_in_another_interpreter(bench: Bench) -> None:
    run = run_of(bench, Module="work_far_away", shape=(3, 4))
    assert perform(run, bench) == 0
    assert run.output.read_text() == "done (3, 4)\n"
    exited = exit_of(run, 0)
    assert exited.failure is None
    cwd = str(bench.config.cwd)
    assert exited.results == {"ARGUMENTS": ["--own", "1"], "READ": "", "CWD": cwd}


def test_a_run_is_unpacked_with_settings_and_plugins_and_without_descriptors(
    bench: Bench,
) -> None:
    run, config = unpack(pack(run_of(bench, x=1), bench.config))
    config.close()
    assert (dict(run.experiment), run.descriptors) == ({"x": 1}, ())
    assert config.setting("preload") == ("x",)
    assert config.pluginmanager.infos["slack"].state == "blocked"
    assert config.cwd == bench.config.cwd


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (3, "exit code 3"),
        (0, "its process ended before its work did"),
        (-9, "killed by signal 9 (SIGKILL)"),
    ],
)
def test_a_process_that_never_said_how_it_ended_is_judged_by_its_exit_code(
    bench: Bench, code: int, failure: str
) -> None:
    run = run_of(bench, Module="work_far_away:die", code=max(code, 0))
    assert perform(run, bench) == max(code, 0)
    exited = exit_of(run, code, seconds=2.5)
    assert (exited.failure, exited.elapsed) == (failure, 2.5)
    assert exited.results == {"BEFORE": 1}


def test_a_run_that_never_began_has_an_end_all_the_same(bench: Bench) -> None:
    exited = exit_of(run_of(bench, x=1), 127)
    assert exited.failure == "exit code 127 (a program was not found)"
    assert exited.started[4] == "-"


CHILD = """
import signal, subprocess, sys, time
for name in sys.argv[2:]:
    signal.signal(getattr(signal, name), lambda *_: None)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(str(other.pid))
while True:
    time.sleep(600)
"""


@pytest.mark.parametrize(
    ("ignored", "grace", "ended_by"),
    [
        ([], 30, signal.SIGINT),
        (["SIGINT"], 0.2, signal.SIGTERM),
        (["SIGINT", "SIGTERM"], 0.2, signal.SIGKILL),
        ([], 0, signal.SIGKILL),
    ],
)
def test_stopping_goes_from_int_to_kill_and_leaves_nothing_of_the_group(
    tmp_path: Path, ignored: list[str], grace: float, ended_by: signal.Signals
) -> None:
    file = tmp_path / "pid"
    command = [sys.executable, "-c", CHILD, str(file), *ignored]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    other = int(wait_for(lambda: file.exists() and file.read_text()))
    waiter = threading.Thread(target=process.wait)  # as a launcher does
    waiter.start()
    stop(process, grace)
    waiter.join()
    assert process.returncode == -ended_by
    wait_for(lambda: is_gone(other))


def test_stopping_what_has_ended_does_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    stop(process, 30)
    assert process.returncode == 0


def is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
