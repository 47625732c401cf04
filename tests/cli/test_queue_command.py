"""`coolrun queue`: what an editor does, with the lock held and a word about what came too late."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from coolrun.testing.waiting import wait_for

if TYPE_CHECKING:
    from coolrun.testing import Outcome, Project

DEFINITION = """
    Global: {queue: queue.yaml}
    Module: mod
    YamlLog: log.yaml
    lr: 1
    ---
    Name: first
    ---
    Name: second
    ---
    Name: third
    lr: 3
    ---
    Name: fourth
"""
MODULE = """
    import os, time
    def main(exp):
        while not os.path.exists("go"):
            time.sleep(0.005)
        exp.LR = exp.lr
"""


@pytest.fixture
def busy(project: Project) -> Iterator[Project]:
    """A session whose first run waits for a file `go`; three more wait in the queue."""
    project({"experiment.yaml": DEFINITION, "mod.py": MODULE})
    with running(project):
        yield project


@contextmanager
def running(
    project: Project, until: Callable[[], bool] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A session that runs until there is a file `go`."""
    command, environment, _ = project.command()
    with (project.path / "out.txt").open("ab") as out:
        runner = subprocess.Popen(
            command,
            cwd=project.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            wait_for(until or (lambda: "second" in (out := listed(project)) and "first" not in out))
            yield runner
        finally:
            (project.path / "go").touch()
            runner.wait(timeout=60)


def listed(project: Project) -> str:
    path = project.path / "queue.yaml"
    if not path.exists():
        return ""
    return queue(project).out


def queue(project: Project, *words: str, editor: str = "") -> Outcome:
    env = {"EDITOR": editor, "VISUAL": ""} if editor else {}
    return project.run("queue", *words, env=env)


def names(project: Project) -> list[str]:
    return [line.split()[1] for line in queue(project, "ls").out.splitlines()[2:]]


def finish(project: Project) -> list[str]:
    """Let everything run, and say what was recorded, in order."""
    (project.path / "go").touch()
    wait_for(lambda: "log: log.yaml" in said(project), diagnosis=lambda: said(project))
    text = (project.path / "log.yaml").read_text()
    return [line.removeprefix("Name: ") for line in text.splitlines() if line.startswith("Name:")]


def said(project: Project) -> str:
    return (project.path / "out.txt").read_text()


def an_editor(project: Project, code: str) -> str:
    """A program that edits the file that it is given: `text` is what is in it."""
    path = project.path / "editor.py"
    path.write_text(
        f"#!{sys.executable}\nimport sys\ntext = open(sys.argv[1]).read()\n"
        f"{code}\nopen(sys.argv[1], 'w').write(text)\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_ls_shows_what_waits_in_its_order(busy: Project) -> None:
    assert names(busy) == ["second", "third", "fourth"]
    head, _, *rows = queue(busy).out.splitlines()
    assert head.split() == ["#", "Name", "lr", "RUN_ID"]
    assert [row.split()[:3] for row in rows][1:] == [["1", "third", "3"], ["2", "fourth", "1"]]


def test_what_is_removed_is_not_run_and_can_be_brought_back(busy: Project) -> None:
    assert "removed" in queue(busy, "rm", "third", "0").out
    assert names(busy) == ["fourth"]
    wait_for(lambda: "removed" in said(busy))
    assert queue(busy, "undo")
    assert names(busy) in (["second", "fourth"], ["third", "fourth"])
    assert len(finish(busy)) == 3


def standing(project: Project, number: int = 0) -> tuple[str, dict[str, int]]:
    """How a session stands, the newest but so many."""
    told = json.loads(project.run("status", "--json", "-a").out)
    session = sorted(told, key=lambda one: str(one["session"]))[-1 - number]
    return session["state"], session["counts"]


def test_what_is_removed_does_not_wait_any_more(busy: Project) -> None:
    queue(busy, "rm", "third", "fourth")
    expected = {"running": 1, "waiting": 1, "dequeued": 2}
    wait_for(lambda: standing(busy) == ("running", expected), diagnosis=lambda: standing(busy))
    queue(busy, "undo")
    expected = {"running": 1, "waiting": 2, "dequeued": 1}
    wait_for(lambda: standing(busy) == ("running", expected), diagnosis=lambda: standing(busy))
    assert len(finish(busy)) == 3
    assert "3 done, 1 dequeued in" in said(busy)
    wait_for(lambda: standing(busy) == ("finished", {"done": 3, "dequeued": 1}))
    assert busy.run("--resume").code == 5


def test_what_is_held_is_not_dequeued(busy: Project) -> None:
    queue(busy, "hold", "third")
    queue(busy, "rm", "fourth")
    expected = {"running": 1, "waiting": 2, "dequeued": 1}
    wait_for(lambda: standing(busy) == ("running", expected), diagnosis=lambda: standing(busy))
    finish(busy)
    wait_for(lambda: standing(busy)[0] == "ended")
    assert standing(busy)[1] == {"done": 2, "left": 1, "dequeued": 1}


def test_after_a_crash_what_is_removed_stays_so_and_what_is_undone_comes_back(
    project: Project,
) -> None:
    project({"experiment.yaml": DEFINITION, "mod.py": MODULE})
    with running(project) as runner:
        queue(project, "rm", "third", "fourth")
        wait_for(lambda: standing(project)[1].get("dequeued") == 2)
        runner.kill()
        runner.wait()
        (session,) = (project.path / ".coolrun" / "sessions").iterdir()
        queue(project, "undo", f"{session.name}.3.1")
    assert "going on with session" in project.run().err
    assert standing(project) == ("finished", {"done": 3, "dequeued": 1})
    assert "third" not in (project.path / "log.yaml").read_text()


def test_what_another_session_has_taken_is_dequeued_here(busy: Project) -> None:
    sessions = busy.path / ".coolrun" / "sessions"
    with running(busy, until=lambda: len(list(sessions.glob("*/control"))) == 2):
        wait_for(lambda: standing(busy, 1)[1].get("dequeued") == 1)
        assert standing(busy, 1)[1] == {"running": 1, "waiting": 2, "dequeued": 1}
        finish(busy)
    wait_for(lambda: standing(busy, 1)[0] == standing(busy)[0] == "finished")
    counts = standing(busy)[1], standing(busy, 1)[1]
    assert sum(one["done"] for one in counts) == 4


def test_entries_move(busy: Project) -> None:
    assert queue(busy, "move", "fourth", "first")
    assert queue(busy, "move", "1", "last")
    assert names(busy) == ["fourth", "third", "second"]
    assert finish(busy) == ["first", "fourth", "third", "second"]


def test_what_is_held_stays_until_it_is_released(busy: Project) -> None:
    assert queue(busy, "hold", "third")
    assert "held" in queue(busy).out
    assert finish(busy) == ["first", "second", "fourth"]
    wait_for(lambda: "1 (1 held) still wait" in said(busy))
    assert queue(busy, "release", "third")
    again = busy.run()
    assert [r["Name"] for r in again.records] == ["third"], again


def test_added_entries_get_the_defaults_and_may_compute(busy: Project) -> None:
    busy({"more.yaml": "Name: fifth\nlr: parse E['third'].lr * 2\n---\nName: sixth\n"})
    assert "added 2" in queue(busy, "add", "more.yaml").out
    wait_for(lambda: "new" not in queue(busy).out, diagnosis=lambda: said(busy))
    assert finish(busy)[-2:] == ["fifth", "sixth"]
    assert "LR: 6" in (busy.path / "log.yaml").read_text()


def test_a_broken_file_is_not_added(busy: Project) -> None:
    busy({"more.yaml": "Name: fifth\nlr: [1\n"})
    outcome = queue(busy, "add", "more.yaml")
    assert outcome.code == 4
    assert "more.yaml:" in outcome.err
    assert len(names(busy)) == 3


def test_an_entry_that_cannot_be_read_is_listed_as_broken(project: Project) -> None:
    text = "---\nName: good\n---\n---\n# nothing\n---\nName: bad\nlr: [1\n---\nName: last\n"
    project({"experiment.yaml": DEFINITION, "queue.yaml": text})
    outcome = queue(project)
    assert [line.split()[1:] for line in outcome.out.splitlines() if line[:1].isdigit()][-2:] == [
        ["bad", "broken"],
        ["last", "new"],
    ]
    assert "note: queue.yaml:9:" in outcome.err
    assert "(line 9, begun on line 8)" in outcome.err
    assert "is not closed" in outcome.err


def test_a_definition_is_not_added(busy: Project) -> None:
    assert "Global belongs to a definition" in queue(busy, "add", "experiment.yaml").err


def test_an_edit_is_shown_and_done(busy: Project) -> None:
    editor = an_editor(busy, "text = text.replace('lr: 3', 'lr: 30')")
    outcome = queue(busy, "edit", editor=editor)
    assert outcome
    assert "-lr: 3\n+lr: 30\n" in outcome.out
    finish(busy)
    assert "LR: 30" in (busy.path / "log.yaml").read_text()


def test_an_edit_without_a_change_changes_nothing(busy: Project) -> None:
    assert "nothing was changed" in queue(busy, "edit", editor="true").out


def test_an_editor_that_fails_changes_nothing(busy: Project) -> None:
    outcome = queue(busy, "edit", editor="false")
    assert outcome.code == 4
    assert "ended with code 1" in outcome.err


def test_a_broken_edit_is_refused_with_its_line_and_kept(busy: Project) -> None:
    editor = an_editor(busy, "text = text.replace('lr: 3', 'lr: [3')")
    outcome = queue(busy, "edit", editor=editor)
    assert outcome.code == 4
    assert "queue.yaml:" in outcome.err
    assert "lr: [3" in (busy.path / "queue.yaml.rejected").read_text()
    assert names(busy) == ["second", "third", "fourth"]


def test_what_started_while_the_editor_was_open_is_named(busy: Project) -> None:
    editor = an_editor(
        busy,
        "import os, time\n"
        "open('go', 'w').close()\n"
        "while not os.path.exists('log.yaml') or 'fourth' not in open('log.yaml').read():\n"
        "    time.sleep(0.01)\n"
        "text = text.replace('Name: second', 'Name: other').replace('lr: 3', 'lr: 30')",
    )
    outcome = queue(busy, "edit", editor=editor)
    assert "not applied: the edit of" in outcome.out
    assert "'second' came too late" in outcome.out


def test_what_started_cannot_be_removed_and_is_named(busy: Project) -> None:
    id_ = next(line.split()[-1] for line in queue(busy).out.splitlines() if "second" in line)
    outcome = queue(busy, "rm", id_.replace(".1.1", ".0.1"))
    assert outcome.code == 4
    assert "has started already" in outcome.err


def test_without_a_queue_it_says_what_to_do(project: Project) -> None:
    outcome = project.run("queue")
    assert outcome.code == 4
    assert "--file" in outcome.err


def test_a_queue_can_be_named(project: Project) -> None:
    project({"more.yaml": "lr: 1\n"})
    assert queue(project, "add", "more.yaml", "--file", "q.yaml")
    assert "new" in queue(project, "ls", "--file", "q.yaml").out


def test_what_cannot_be_understood_is_refused(busy: Project) -> None:
    for words in (
        ["rm"],
        ["rm", "nobody"],
        ["move", "1"],
        ["move", "1", "up"],
        ["add"],
        ["ls", "x"],
    ):
        assert queue(busy, *words).code == 4, words
