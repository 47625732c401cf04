"""The queue in a file: what people may do to it, and what a crash may."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from coolrun import CoolrunError, Experiment, Plan, Source
from coolrun.cli import configure
from coolrun.session import Session
from coolrun.store import SessionFolder
from coolrun.testing.queues import QueueSuite
from coolrun_plugins.diskqueue.ledger import Ledger
from coolrun_plugins.diskqueue.queue import DiskQueue
from coolrun_plugins.diskqueue.sidefile import SideFile
from coolrun_plugins.diskqueue.view import END

if TYPE_CHECKING:
    from coolrun.protocols import Queue
    from coolrun.testing import Project

SOURCE = Source("experiment.yaml", b"Command: 'true'\nName: base\nnum: -1\nkept: yes\n")
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


class TestDiskQueue(QueueSuite):
    def make(self, folder: Path) -> Queue:
        session = SessionFolder.create(folder, STARTED)
        return DiskQueue(
            folder / "queue.yaml", "queue.yaml", configure([]), session.name, session.path, "batch"
        )


class Bench:
    """One queue file and sessions on it; what people are told is in `told`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "queue.yaml"
        self.told: list[str] = []
        self._open: list[DiskQueue] = []

    def queue(
        self, numbers: list[int] | None = None, folder: SessionFolder | None = None
    ) -> DiskQueue:
        """A new session with experiments of these numbers, or one that is taken up again."""
        config: Any = configure([])
        config.warn = self.told.append
        fresh = folder is None
        store = folder or SessionFolder.create(self.folder, STARTED)
        if fresh:
            store.write_definition(SOURCE)
            planned = [self.experiment(i, n) for i, n in enumerate(numbers or [])]
            store.write_plan(planned, {}, SOURCE)
        config.session_folder = store
        plan = Plan(store.read_plan()[0], {}, SOURCE)
        session: Any = SimpleNamespace(
            plan=plan, folder=store, name=store.name, config=config, attempts={}
        )
        session.extend = lambda e: Session.extend(session, e)
        batch = str(numbers)
        queue = DiskQueue(self.path, "queue.yaml", config, store.name, store.path, batch)
        queue.put(plan.experiments if fresh else [])
        queue.begin(session)
        queue.refresh()
        self._open.append(queue)
        self.store = store
        return queue

    def experiment(self, position: int, number: int) -> Experiment:
        return Experiment({"num": number, "Command": "true"}, position=position)

    def save(self, text: str, queue: DiskQueue) -> None:
        self.path.write_text(text)
        queue._view.sure = False
        queue.refresh()

    def show(self, queue: DiskQueue) -> str:
        queue._due = 0.0
        queue.tend()
        return self.path.read_text()

    def close(self) -> None:
        for queue in self._open:
            queue._side.close()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def numbers(queue: DiskQueue) -> list[int]:
    return [experiment["num"] for experiment in queue.waiting()]


def test_comments_and_untouched_text_stay_as_they_are(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    text = bench.show(queue).replace("num: 2", "# why\nnum:   2   # two")
    bench.save(text.replace("---", "# mine, above all\n---", 1), queue)
    queue.take(queue.waiting()[0])
    shown = bench.show(queue)
    assert "# why\nnum:   2   # two" in shown
    assert "# mine, above all" in shown
    assert "num: 1" not in shown


def test_a_short_entry_gets_the_defaults_and_sees_those_above(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    text = bench.show(queue).replace(END, f"---\nnum: parse E[-1].num + E[0].num * 10\n{END}")
    queue.take(queue.waiting()[0])
    bench.save(text, queue)
    assert numbers(queue) == [2, 12]
    new = queue.waiting()[-1]
    assert (new["kept"], new["Name"]) == ("yes", "base")
    assert new.position == 2
    assert f"RUN_ID: {bench.store.name}.2.1" in bench.show(queue)


def test_an_entry_may_be_copied_by_repeat(bench: Bench) -> None:
    queue = bench.queue([1])
    bench.save(bench.show(queue).replace(END, f"---\nnum: parse REP\nRepeat: 3\n{END}"), queue)
    assert numbers(queue) == [1, 0, 1, 2]
    shown = bench.show(queue)
    bench.save(shown, queue)
    assert numbers(queue) == [1, 0, 1, 2]


def test_what_the_runner_wrote_is_never_computed(bench: Bench) -> None:
    queue = bench.queue([1])
    text = bench.show(queue).replace("num: 1", "num: 1\nnote: !text parse 1 + 1")
    bench.save(text, queue)
    assert queue.waiting()[0]["note"] == "parse 1 + 1"
    bench.save(bench.show(queue).replace("num: 1", "num: parse 40 + 2"), queue)
    assert numbers(queue) == [42]
    assert queue.waiting()[0]["note"] == "parse 1 + 1"


def test_a_stale_save_runs_nothing_twice_and_drops_nothing(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    stale = bench.show(queue)
    bench.save(stale.replace(END, f"---\nnum: 3\n{END}"), queue)
    queue.take(queue.waiting()[0])
    bench.show(queue)
    bench.save(stale, queue)
    assert numbers(queue) == [2, 3]
    assert not bench.told


def test_an_entry_without_an_id_is_one_run_however_often_it_is_saved(bench: Bench) -> None:
    queue = bench.queue([1])
    text = bench.show(queue).replace(END, f"---\nnum: 2\n{END}")
    bench.save(text, queue)
    queue.take(queue.waiting()[1])
    bench.show(queue)
    bench.save(text, queue)
    bench.save(text + "\n", queue)
    assert numbers(queue) == [1]


def test_an_edit_of_what_has_started_is_told_by_name(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    text = bench.show(queue)
    queue.take(queue.waiting()[0])
    bench.save(text.replace("num: 1", "num: 10"), queue)
    assert numbers(queue) == [2]
    assert f"{bench.store.name}.0.1 came too late" in bench.told[0]


def test_a_removal_is_told_by_name_and_an_undo_brings_it_back(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    text = bench.show(queue)
    head, first, second = text.replace(f"{END}\n", "").split("---\n")
    bench.save(f"{head}---\n{first}{END}\n", queue)
    assert numbers(queue) == [1]
    assert f"removed {bench.store.name}.1.1" in bench.told[0]
    bench.save(text, queue)
    assert numbers(queue) == [1, 2]
    assert second in bench.show(queue)


def test_a_broken_save_changes_nothing_and_says_where(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    text = bench.show(queue)
    line = text[: text.index("num: 2")].count("\n") + 1
    broken = text.replace("num: 2", "num: parse nothing").replace("num: 1", "num: 7")
    bench.save(broken, queue)
    assert numbers(queue) == [1, 2]
    assert f"queue.yaml:{line}:" in bench.told[0]
    assert "'nothing'" in bench.told[0]
    assert queue.take(queue.waiting()[0]) is not None
    assert bench.show(queue) == broken, "what a person wrote is never written over"
    bench.save(text.replace("num: 2", "num: 5"), queue)
    assert numbers(queue) == [5]


def test_a_wrong_default_is_told_where_it_stands(bench: Bench) -> None:
    queue = bench.queue([1])
    text = bench.show(queue).replace(END, f"---\nnum: [1\n{END}")
    bench.save(text, queue)
    line = text[: text.index("num: [1")].count("\n") + 1
    assert f"queue.yaml:{line + 1}:" in bench.told[0]
    assert f"(line {line + 1}, begun on line {line})" in bench.told[0]
    assert numbers(queue) == [1]


def test_a_file_that_is_removed_comes_back(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    text = bench.show(queue)
    bench.path.unlink()
    queue.refresh()
    assert bench.show(queue).count("num:") == text.count("num:") == 2


def test_a_file_written_by_a_program_is_understood(bench: Bench) -> None:
    import yaml

    queue = bench.queue([1, 2, 3])
    documents = [d for d in yaml.safe_load_all(bench.show(queue)) if d]
    bench.save(yaml.safe_dump_all(documents[::-1][:2]), queue)
    assert numbers(queue) == [3, 2]


def test_an_empty_file_removes_nothing(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    bench.save("", queue)
    assert numbers(queue) == [1, 2]
    assert "nothing was removed" in bench.told[0]


def test_two_sessions_share_what_waits(bench: Bench) -> None:
    first, second = bench.queue([1, 2]), bench.queue([3])
    assert numbers(second) == [1, 2, 3]
    first.refresh()
    assert numbers(first) == [1, 2, 3]
    taken = second.take(second.waiting()[0])
    assert taken is not None
    assert first.take(first.waiting()[0]) is None, "the other has it"
    assert first.take(first.waiting()[0]) is not None
    second.refresh()
    assert numbers(first) == numbers(second) == [3]


def test_who_needs_a_run_elsewhere_waits_for_its_end(bench: Bench) -> None:
    first = bench.queue([])
    bench.save(
        bench.show(first).replace(END, f"---\nnum: 1\n---\nnum: parse E[-1].num\n{END}"), first
    )
    second = bench.queue([])
    taken = second.take(second.waiting()[0])
    assert taken is not None
    first.refresh()
    assert numbers(first) == []
    second.ended(taken, "done")
    assert first.refresh()
    assert numbers(first) == [1]


@pytest.fixture
def cut(bench: Bench) -> tuple[DiskQueue, str, bytes]:
    """A queue of which one has started and one was edited; its file, and its journal."""
    queue = bench.queue([1, 2, 3])
    queue.take(queue.waiting()[0])
    bench.save(bench.show(queue).replace("num: 3", "num: 30"), queue)
    return queue, bench.show(queue), (bench.folder / ".queue.yaml.journal").read_bytes()


def test_a_file_that_was_cut_at_any_byte_is_refused(
    bench: Bench, cut: tuple[DiskQueue, str, bytes]
) -> None:
    queue, text, events = cut
    assert queue._saves is not None
    for size in range(len(text) - 1):
        with pytest.raises(CoolrunError):
            queue._saves.take_in(text[:size].encode(), [])
    assert numbers(queue) == [2, 30]
    assert (bench.folder / ".queue.yaml.journal").read_bytes() == events


def test_a_journal_that_was_cut_at_any_byte_says_what_its_whole_lines_say(
    bench: Bench, cut: tuple[DiskQueue, str, bytes]
) -> None:
    """And what is added then begins on a line of its own."""
    _, _, events = cut
    path = bench.folder / "other.yaml"
    journal = bench.folder / ".other.yaml.journal"

    def read() -> Ledger:
        side = SideFile(path)
        side.catch_up()
        side.close()
        return side.ledger

    for size in range(len(events) + 1):
        journal.write_bytes(events[: events.rfind(b"\n", 0, size) + 1])
        whole = read()
        journal.write_bytes(events[:size])
        assert read() == whole
        # A line that lacked only its end is taken as a whole then.
        ended = events.startswith(b"\n", size) and size
        journal.write_bytes(events[: events.rfind(b"\n", 0, size + bool(ended)) + 1])
        known = read()
        known.apply(["put", "later", "folder", "batch", 1])
        journal.write_bytes(events[:size] + b'\n["put","later","folder","batch",1]\n')
        assert read() == known


@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.long)])
def test_a_queue_goes_on_wherever_its_files_were_cut(
    bench: Bench, cut: tuple[DiskQueue, str, bytes], step: int
) -> None:
    """A cut file is refused; a cut journal forgets, and starts nothing again that has run."""
    _, text, events = cut
    bench.close()
    journal = bench.folder / ".queue.yaml.journal"
    for size in range(0, len(text) - 1, step):
        journal.write_bytes(events)
        bench.path.write_text(text[:size])
        assert numbers(bench.queue(folder=bench.store)) == [2, 30]
        bench.close()
    for size in range(0, len(events), step):
        journal.write_bytes(events[:size])
        bench.path.write_text(text)
        there = numbers(bench.queue(folder=bench.store))
        assert 1 not in there
        assert set(there) == {2, 30}
        bench.close()


def test_only_an_unfinished_session_of_the_same_plan_is_found_again_by_its_entries(
    project: Project,
) -> None:
    text = "Global: {queue: queue.yaml}\nCommand: 'true'\nlr: 1\n---\n{}\n---\nlr: 2\n"
    sessions = project.path / ".coolrun" / "sessions"

    def forget() -> None:
        (project.path / ".queue.yaml.journal").unlink()

    project({"experiment.yaml": text}).run("--max-runs", "1")
    forget()
    project({"experiment.yaml": text.replace("lr: 2", "lr: 3")})
    assert "going on" not in project.run("--max-runs", "1").err, "another plan"
    assert len(list(sessions.iterdir())) == 2
    (project.path / "queue.yaml").unlink()
    forget()
    _, second = sorted(path.name for path in sessions.iterdir())
    project({"queue.yaml": f"---\nRUN_ID: {second}.1.1\nCommand: 'true'\nlr: 3\n"})
    outcome = project.run()
    assert f"going on with session {second}\n" in outcome.err, outcome.err
    forget()
    project({"queue.yaml": f"---\nRUN_ID: {second}.1.1\nCommand: 'true'\nlr: 3\n"})
    assert "going on" not in project.run().err, "it is finished by now"
    assert len(list(sessions.iterdir())) == 3


def test_a_save_right_after_the_file_was_written_anew_is_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coolrun import files

    queue = bench.queue([1, 2])
    text = bench.show(queue).replace("num: 2", "num: 5")
    replace = files.replace_unchanged

    def replace_and_save(*arguments: Any) -> Any:
        written = replace(*arguments)
        bench.path.write_text(text)
        return written

    monkeypatch.setattr(files, "replace_unchanged", replace_and_save)
    queue.take(queue.waiting()[0])
    bench.show(queue)
    monkeypatch.undo()
    queue.refresh()
    assert numbers(queue) == [5]


def test_a_crash_between_two_files_loses_none(bench: Bench) -> None:
    queue = bench.queue([1, 2])
    text = bench.show(queue)
    os.rename(bench.path, bench.path.with_name(".queue.yaml.aside"))
    assert numbers(bench.queue(folder=bench.store)) == [1, 2]
    assert bench.path.read_text().partition("---")[2] == text.partition("---")[2]


MODULE = "def main(exp):\n    exp.SEEN = exp.num\n"
SMALL = "Module: mod\nYamlLog: log.yaml\n---\nnum: 1\n---\nnum: 2\n"


def test_a_queue_can_be_asked_for_on_the_command_line(project: Project) -> None:
    project({"experiment.yaml": SMALL, "mod.py": MODULE})
    outcome = project.run("+Global.queue=sub/queue.yaml")
    assert outcome, outcome
    assert [r["SEEN"] for r in outcome.records] == [1, 2]
    assert "num" not in (project.path / "sub" / "queue.yaml").read_text()
    assert [r["SEEN"] for r in project.run("+Global.queue=sub/queue.yaml").records] == [1, 2]


def test_entries_written_by_hand_before_the_session_are_run(project: Project) -> None:
    project({"experiment.yaml": SMALL, "mod.py": MODULE, "queue.yaml": "num: 7\n"})
    outcome = project.run("+Global.queue=queue.yaml")
    assert sorted(r["SEEN"] for r in outcome.records) == [1, 2, 7], outcome


@pytest.mark.parametrize(
    "path", ["experiment.yaml", "folder", "mod.py/queue.yaml", "/proc/queue.yaml"]
)
def test_a_path_that_cannot_be_written_is_an_error_before_the_first_run(
    project: Project, path: str
) -> None:
    project({"experiment.yaml": SMALL, "mod.py": MODULE, "folder/x": ""})
    outcome = project.run(f"+Global.queue={path}")
    assert outcome.code == 4, outcome
    assert "cannot be written" in outcome.err
    assert not outcome.records
    assert (project.path / "experiment.yaml").read_text() == SMALL


def test_what_a_session_left_is_gone_on_with(project: Project) -> None:
    """coolrun_continue finds the session, and nothing that ended is run again."""
    project({"experiment.yaml": SMALL, "mod.py": MODULE})
    assert project.run("+Global.queue=queue.yaml")
    project({"more.yaml": "num: 3\nHold: true\n"})
    assert project.run("queue", "add", "more.yaml")
    assert [r["SEEN"] for r in project.run("+Global.queue=queue.yaml").records] == [1, 2]
    assert project.run("queue", "release", "all")
    again = project.run("+Global.queue=queue.yaml")
    assert [r["SEEN"] for r in again.records] == [3], again
    shutil.rmtree(project.path / ".coolrun")
