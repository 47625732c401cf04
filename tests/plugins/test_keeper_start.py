"""A keeper that goes before it can start any run: one clear error, and no run is told as lost."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for
from coolrun.yamlio import LOG, read

GOES = {
    "of a signal": "import os\nos.kill(os.getpid(), 9)\n",
    "by itself": "import os\nos._exit(3)\n",
}
MODULE = "def main(exp):\n    exp.SQUARE = exp.REP ** 2\n"
DEFINITION = """
    Module: study
    YamlLog: log.yaml
    Global: {preload: [goes], jobs: 2}
    ---
    Repeat: 3
"""
GONE = "the process that keeps the runs has gone before it could start any"


@pytest.mark.parametrize("how", GOES)
@pytest.mark.parametrize("way", ["Module: study", "Command: 'true'"])
def test_a_session_whose_keeper_cannot_start_gives_up_with_one_error(
    project: Project, how: str, way: str
) -> None:
    definition = DEFINITION.replace("Module: study", way)
    project({"study.py": MODULE, "goes.py": GOES[how], "experiment.yaml": definition})
    outcome = project.run()
    assert outcome.code == 4, outcome
    errors = re.findall(r"(?m)^error: .*", outcome.err)
    assert len(errors) == 1, outcome.err
    assert GONE in errors[0]
    assert "Traceback" not in outcome.err
    assert not outcome.records
    sessions = project.path / ".coolrun" / "sessions"
    assert not sessions.exists() or not list(sessions.iterdir()), "nothing was begun"


# The first run takes its keeper with it, and the one after that cannot load what it needs. The
# others end when it has gone, so that the last one is left for a keeper that never comes.
TAKES_IT_ALONG = """
    import os, pathlib, time
    import goes

    def main(exp):
        exp.SQUARE = exp.REP ** 2
        while pathlib.Path("first").exists() and os.getppid() == goes.KEEPER:
            if exp.REP == 0:
                pathlib.Path("broken").touch()
                os.kill(goes.KEEPER, 9)
            time.sleep(0.01)
"""
LOADS = """
    import os, pathlib

    KEEPER = os.getpid()
    if pathlib.Path("broken").exists():
        os._exit(3)
"""


def test_one_that_cannot_be_replaced_ends_the_session_and_nothing_is_lost(
    project: Project,
) -> None:
    files = {"study.py": TAKES_IT_ALONG, "goes.py": LOADS, "experiment.yaml": DEFINITION}
    project({**files, "first": ""})
    outcome = project.run()
    assert outcome.code not in {0, 1}, outcome
    assert len(re.findall(r"(?m)^error: .*", outcome.err)) == 1, outcome.err
    assert GONE in outcome.err
    assert "lost" not in outcome.out
    for name in ("broken", "first"):
        (project.path / name).unlink()
    outcome = project.run("--resume")
    assert outcome.code == 0, outcome
    # Of what had begun an attempt may be lost, and another one follows; nothing is done twice.
    log = (project.path / "log.yaml").read_bytes()
    records = [document.value for document in read(log, path="log.yaml", limits=LOG)]
    assert {record["STATUS"] for record in records} <= {"done", "lost"}
    done = Counter(record["REP"] for record in records if record["STATUS"] == "done")
    assert done == {0: 1, 1: 1, 2: 1}


KILLED_ONCE = """
    import os, pathlib

    if not pathlib.Path("killed").exists():
        pathlib.Path("killed").touch()
        os.kill(os.getpid(), 9)
"""


def test_one_that_is_killed_by_chance_is_replaced(project: Project) -> None:
    project({"study.py": MODULE, "goes.py": KILLED_ONCE, "experiment.yaml": DEFINITION})
    outcome = project.run()
    assert outcome, outcome
    assert sorted(record["SQUARE"] for record in outcome.records) == [0, 1, 4]


HANGS = """
    import os, pathlib, time

    pathlib.Path("pid").write_text(f"{os.getpid()}\\n")
    while True:
        time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_one_that_hangs_while_it_loads_ends_with_its_runner(
    project: Project, number: signal.Signals
) -> None:
    project({"study.py": MODULE, "goes.py": HANGS, "experiment.yaml": DEFINITION})
    command, environment, _ = project.command()
    file = project.path / "pid"
    with subprocess.Popen(
        command, cwd=project.path, env=environment, stderr=subprocess.DEVNULL
    ) as runner:
        try:
            wait_for(lambda: file.exists() and file.read_text().endswith("\n"))
            runner.send_signal(number)
            assert runner.wait(30) != 0
        finally:
            runner.kill()
    keeper = int(file.read_text())
    wait_for(lambda: not is_running(keeper), diagnosis=lambda: keeper)


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
