"""kill -9 at random moments: every experiment gets one final record, however often it happens."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coolrun.finding import find_session
from coolrun.run import Status
from coolrun.standing import Onlooker
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for
from coolrun.yamlio import LOG, read

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")

STUDY = """
    import os, random, time

    def main(exp):
        with open("begun.txt", "ab", buffering=0) as file:
            file.write(f"{os.environ['COOLRUN_RUN_ID']}\\n".encode())
        exp.EARLY = [exp.REP, "early"]
        time.sleep(random.uniform(0, exp.seconds))
        exp.LATE = exp.REP
"""
DEFINITION = """
    {way}
    YamlLog: log.yaml
    seconds: {seconds}
    ---
    Repeat: {count}
"""
PROGRAM = 'Command: "echo $COOLRUN_RUN_ID >> begun.txt; sleep 0.0{REP}"'
TARGETS = ("runner", "keeper", "run", "all")


class Torment:
    """A session that is killed, part by part, and taken up again until it has ended."""

    def __init__(self, project: Project, dice: random.Random) -> None:
        self.project = project
        self.kills: Counter[str] = Counter()
        self._dice = dice
        self._runner: subprocess.Popen[bytes] | None = None

    def live(self, most: int) -> None:
        """Run a session from its start to its end, and kill it on the way."""
        arguments = ["-j", "4"]
        while True:
            code = self._once(arguments, most)
            try:
                standing = Onlooker(find_session(self.project.path)).look()
            except Exception:
                continue  # it was killed before it had a plan
            if code in {0, 1, 5} and not standing.unfinished:
                return
            arguments = ["--resume", standing.folder.name]

    def _once(self, arguments: list[str], most: int) -> int:
        command, environment, _ = self.project.command(*arguments)
        output = self.project.path / "printed.txt"
        with output.open("ab") as file:
            runner = subprocess.Popen(
                command, cwd=self.project.path, env=environment, stdout=file, stderr=file
            )
        self._runner = runner
        while runner.poll() is None:
            self._reap()
            if self.kills.total() >= most:
                runner.wait(60)
                break
            self._doze(runner)
            self._strike(runner.pid)
        self._reap()
        assert runner.returncode in {0, 1, 5, -9}, output.read_text()[-3000:]
        return runner.returncode

    def _doze(self, runner: subprocess.Popen[bytes]) -> None:
        try:
            runner.wait(self._dice.uniform(0.0, 0.8))
        except subprocess.TimeoutExpired:
            return

    def _strike(self, runner: int) -> None:
        keepers = children(runner)
        runs = [run for keeper in keepers for run in children(keeper)]
        target = self._dice.choice(TARGETS)
        found = {"runner": [runner], "keeper": keepers, "run": runs[:1]}
        pids = found.get(target, [runner, *keepers, *runs])
        self._dice.shuffle(pids)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills[target] += 1
            except ProcessLookupError:
                continue

    def _reap(self) -> None:
        """What was orphaned is a child of ours by now."""
        for pid in children(os.getpid()):
            if self._runner is None or pid != self._runner.pid:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    continue

    def finish(self) -> None:
        """Wait for what goes on without its runner."""

        def alone() -> bool:
            self._reap()
            return not children(os.getpid())

        wait_for(alone)


def children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def records_of(path: Path) -> Iterator[dict[str, Any]]:
    for document in read(path.read_bytes(), path=str(path), limits=LOG):
        assert isinstance(document.value, dict), document
        yield document.value


def judge(project: Project, count: int) -> Counter[str]:
    """Every experiment has one final record, nothing is torn or double."""
    records = list(records_of(project.path / "log.yaml"))
    finals: Counter[str] = Counter()
    for record in records:
        assert {"REP", "seconds", "RUN_ID", "STARTED", "TIME_ELAPSED", "STATUS"} <= record.keys()
        if Status(record["STATUS"]).final:
            finals[record["RUN_ID"].rpartition(".")[0]] += 1
        if record["STATUS"] == "done" and "Module" in record:
            assert (record["EARLY"], record["LATE"]) == ([record["REP"], "early"], record["REP"])
    identities = Counter(record["RUN_ID"] for record in records)
    assert [run for run, number in identities.items() if number > 1] == [], "double"
    assert set(finals.values()) == {1}, finals
    sessions = Counter(name.rpartition(".")[0] for name in finals)
    assert set(sessions.values()) == {count}, sessions
    begun = Counter((project.path / "begun.txt").read_text().split())
    assert [run for run, number in begun.items() if number > 1] == [], "begun twice"
    return Counter(record["STATUS"] for record in records)


def torment(project: Project, way: str, *, count: int, kills: int, seed: int) -> None:
    seconds = 0.2
    project({"study.py": STUDY, "experiment.yaml": DEFINITION.format(**locals())})
    tormentor = Torment(project, random.Random(seed))
    deadline = time.monotonic() + 20 * kills
    try:
        while tormentor.kills.total() < kills:
            assert time.monotonic() < deadline
            tormentor.live(kills)
            judge(project, count)
        print(tormentor.kills, judge(project, count))
    finally:
        tormentor.finish()


@pytest.mark.parametrize("seed", range(2))
def test_functions_are_recorded_once_whoever_is_killed(project: Project, seed: int) -> None:
    torment(project, "Module: study", count=40, kills=15, seed=seed)


def test_programs_are_recorded_once_whoever_is_killed(project: Project) -> None:
    torment(project, PROGRAM, count=40, kills=15, seed=7)


@pytest.mark.long
@pytest.mark.parametrize("way", ["Module: study", PROGRAM])
@pytest.mark.parametrize("seed", range(4))
def test_a_long_queue_survives_200_kills(project: Project, way: str, seed: int) -> None:
    torment(project, way, count=200, kills=200, seed=seed)
