"""A session that is ended leaves no process behind, whatever its runs have started."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")

STUDY = """
    import os, signal, subprocess, sys, time

    SLEEP = "import time; time.sleep(600)"
    DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"

    def main(exp):
        subprocess.Popen([sys.executable, "-c", SLEEP])
        subprocess.Popen([sys.executable, "-c", DEAF], start_new_session=True, env={})
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open(f"ready.{exp.REP}", "w").close()
                time.sleep(600)
            os._exit(0)
        os.wait()
        time.sleep(600)
"""
DEFINITION = """
    Module: study
    YamlLog: log.yaml
    ---
    Repeat: 3
"""


def marked(project: Path) -> list[int]:
    """The processes that work in the folder of the project."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "cwd").readlink() == project:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]])
def test_nothing_is_left_of_a_session_that_was_ended(project: Project, numbers: list[int]) -> None:
    project({"study.py": STUDY, "experiment.yaml": DEFINITION})
    command, environment, _ = project.command("-j", "2")
    runner = subprocess.Popen(
        command,
        cwd=project.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len(list(project.path.glob("ready.*"))) == 2)
    for number in numbers:
        runner.send_signal(number)
    try:
        assert runner.wait(30) == 2
    finally:
        runner.kill()
        runner.wait()
    wait_for(lambda: marked(project.path) == [], diagnosis=lambda: marked(project.path))
    assert (project.path / "log.yaml").read_text().count("STATUS: aborted") == 2
    assert not (project.path / "ready.2").exists()
