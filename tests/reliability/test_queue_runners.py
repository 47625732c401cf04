"""Several runners on one queue file, a person who edits it, and kill -9: every run once."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from coolrun.testing.waiting import wait_for
from coolrun.yamlio import read_all
from coolrun_plugins.diskqueue.view import END

if TYPE_CHECKING:
    from coolrun.testing import Project

MODULE = """
    import os
    def main(exp):
        with open("ran.txt", "a") as file:
            file.write(f"{exp.num}\\n")
"""


def definition(count: int) -> str:
    head = "Global: {queue: queue.yaml}\nModule: mod\nYamlLog: log.yaml\nnum: -1\n"
    return head + "".join(f"---\nnum: {n}\n" for n in range(count))


def begin(project: Project, number: int = 0) -> subprocess.Popen[bytes]:
    command, environment, _ = project.command()
    with (project.path / f"out{number}.txt").open("ab") as out:
        return subprocess.Popen(
            command,
            cwd=project.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def ran(project: Project) -> Counter[int]:
    try:
        return Counter(map(int, (project.path / "ran.txt").read_text().split()))
    except FileNotFoundError:
        return Counter()


def records(project: Project) -> list[dict[str, object]]:
    data = (project.path / "log.yaml").read_bytes()
    return [document.value for document in read_all(data, path="log.yaml")]


def said(project: Project) -> str:
    return "\n".join(path.read_text() for path in sorted(project.path.glob("out*.txt")))


def reap() -> None:
    """Wait for the keepers of runners that were killed: they have become children of ours."""

    def all_gone() -> bool:
        try:
            return os.waitpid(-1, os.WNOHANG) == (-1, -1)
        except ChildProcessError:
            return True

    wait_for(all_gone)


class Person:
    """Edits the file as an editor would, from what it showed a moment ago."""

    def __init__(self, path: Path, first: int) -> None:
        self.path, self.next = path, first
        self.random = random.Random(7)
        self.added: set[int] = set()
        self.removed: set[int] = set()

    def edit(self) -> None:
        try:
            text = self.path.read_text()
        except FileNotFoundError:  # between two files
            return
        head, *documents = re.split(r"(?m)^(?=---\n)", text.replace(f"{END}\n", ""))
        if len(documents) > 3:
            self.random.shuffle(documents)
            gone = documents.pop()
            found = re.search(r"(?m)^num: (\d+)", gone)
            assert found
            self.removed.add(int(found[1]))
        documents.append(f"---\nnum: {self.next}\n")
        self.added.add(self.next)
        self.next += 1
        fresh = self.path.with_name("mine")
        fresh.write_text(f"{head}{''.join(documents)}{END}\n")
        os.replace(fresh, self.path)


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.long)])
def test_four_runners_and_a_person_start_everything_once(project: Project, count: int) -> None:
    project({"experiment.yaml": definition(count), "mod.py": MODULE})
    path = project.path / "queue.yaml"
    runners = [begin(project, 0)]
    wait_for(lambda: ran(project), diagnosis=lambda: said(project))
    runners += [begin(project, n) for n in range(1, 4)]
    person = Person(path, 100_000)
    for _ in range(5):
        before = len(ran(project))
        person.edit()
        wait_for(
            lambda at=before: len(ran(project)) > at or all(r.poll() is not None for r in runners)  # type: ignore[misc]
        )
    codes = [runner.wait(timeout=300) for runner in runners]
    assert set(codes) <= {0}, said(project)
    # What the person saved when the last runner had ended waits for the next one.
    if b"num: 1000" in path.read_bytes():
        assert begin(project, 4).wait(timeout=300) == 0, said(project)
    there = ran(project)
    twice = {n: times for n, times in there.items() if times > 1}
    assert not twice, said(project)
    lost = set(range(count)) - set(there) - person.removed
    assert not lost, said(project)
    missing = person.added - person.removed - set(there)
    assert not missing, f"{missing}: {path.read_text()}\n{said(project)}"


@pytest.mark.parametrize("count", [150, pytest.param(2000, marks=pytest.mark.long)])
def test_four_runners_that_are_killed_again_and_again_start_everything_once(
    project: Project, count: int
) -> None:
    """While much is left: whoever comes back to a queue that is finished begins it anew."""
    project({"experiment.yaml": definition(count), "mod.py": MODULE})
    runners = [begin(project, 0)]
    wait_for(lambda: ran(project), diagnosis=lambda: said(project))
    runners += [begin(project, n) for n in range(1, 4)]
    dice, kills = random.Random(count), 0
    while (before := len(ran(project))) < count * 2 // 3:
        number = dice.randrange(4)
        os.kill(runners[number].pid, signal.SIGKILL)
        runners[number].wait(timeout=30)
        runners[number] = begin(project, number)
        kills += 1
        wait_for(lambda at=before: len(ran(project)) > at + 10, diagnosis=lambda: said(project))  # type: ignore[misc]
    assert kills > 3
    codes = [runner.wait(timeout=300) for runner in runners]
    assert set(codes) <= {0, 5}, said(project)
    assert ran(project) == dict.fromkeys(range(count), 1), said(project)
    done = Counter(r["num"] for r in records(project) if r["STATUS"] == "done")
    assert done == dict.fromkeys(range(count), 1), said(project)
    reap()


def test_a_killed_runner_is_gone_on_with_by_the_same_command(project: Project) -> None:
    project({"experiment.yaml": definition(60), "mod.py": MODULE})
    for round_ in range(3):
        runner = begin(project, round_)
        before = len(ran(project))
        wait_for(lambda at=before: len(ran(project)) > at + 5, diagnosis=lambda: said(project))  # type: ignore[misc]
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait(timeout=30)
    assert begin(project, 9).wait(timeout=120) == 0, said(project)
    assert set(ran(project)) == set(range(60)), said(project)
    done = Counter(r["num"] for r in records(project) if r["STATUS"] == "done")
    assert done == dict.fromkeys(range(60), 1), said(project)
    sessions = list((project.path / ".coolrun" / "sessions").iterdir())
    assert len(sessions) == 1, "the session itself is taken up"
    reap()


def test_one_of_two_runners_is_killed_and_the_other_does_the_rest(project: Project) -> None:
    project({"experiment.yaml": definition(80), "mod.py": MODULE})
    first = begin(project, 0)
    wait_for(lambda: len(ran(project)) > 3, diagnosis=lambda: said(project))
    second = begin(project, 1)
    wait_for(
        lambda: len(list((project.path / ".coolrun" / "sessions").iterdir())) == 2,
        diagnosis=lambda: said(project),
    )
    os.kill(first.pid, signal.SIGKILL)
    first.wait(timeout=30)
    assert second.wait(timeout=120) == 0, said(project)
    assert begin(project, 2).wait(timeout=120) in {0, 5}, said(project)
    assert set(ran(project)) == set(range(80)), said(project)
    reap()


def test_a_session_that_was_ended_is_gone_on_with_what_it_broke_off_included(
    project: Project,
) -> None:
    module = MODULE + "        import time\n        time.sleep(0.2)\n"
    project({"experiment.yaml": definition(6), "mod.py": module})
    runner = begin(project, 0)
    wait_for(lambda: len(ran(project)) > 1, diagnosis=lambda: said(project))
    runner.send_signal(signal.SIGTERM)
    assert runner.wait(timeout=60) == 2, said(project)
    assert begin(project, 1).wait(timeout=60) == 0, said(project)
    done = Counter(r["num"] for r in records(project) if r["STATUS"] == "done")
    assert done == dict.fromkeys(range(6), 1), said(project)


def test_a_finished_queue_begins_anew(project: Project) -> None:
    project({"experiment.yaml": definition(3), "mod.py": MODULE})
    for times in (1, 2):
        assert begin(project, times).wait(timeout=60) == 0, said(project)
        assert ran(project) == dict.fromkeys(range(3), times), said(project)
    assert len(list((project.path / ".coolrun" / "sessions").iterdir())) == 2
