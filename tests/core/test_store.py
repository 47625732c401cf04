"""The folder of a session: made once, known by its names, read back as it was written."""

from __future__ import annotations

import fcntl
import math
import os
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest

from coolrun.errors import SessionError
from coolrun.experiment import Experiment, Source
from coolrun.plain import Marked
from coolrun.store import SessionFolder

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
SOURCE = Source("a.yaml", b"lr: 1\n---\nlr: 2\n")


def make(cwd: Path) -> SessionFolder:
    return SessionFolder.create(cwd, STARTED)


def test_it_is_named_by_its_time_and_cannot_clash(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)
    assert first.name.startswith("20260102-030405-")
    assert first.name != second.name
    assert first.path.parent == tmp_path / ".coolrun" / "sessions"


def test_it_hides_itself_from_git(tmp_path: Path) -> None:
    make(tmp_path)
    assert (tmp_path / ".coolrun" / ".gitignore").read_text() == "*\n"


def test_what_a_person_wrote_into_the_ignore_file_stays(tmp_path: Path) -> None:
    (tmp_path / ".coolrun").mkdir()
    (tmp_path / ".coolrun" / ".gitignore").write_text("mine\n")
    make(tmp_path)
    assert (tmp_path / ".coolrun" / ".gitignore").read_text() == "mine\n"


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / ".coolrun").write_text("a file")
    with pytest.raises(SessionError, match="cannot write in the working directory") as caught:
        make(tmp_path)
    assert "start coolrun in a folder of yours" in str(caught.value)


def test_sessions_are_listed_the_oldest_first(tmp_path: Path) -> None:
    later = SessionFolder.create(tmp_path, STARTED.replace(year=2027))
    earlier = make(tmp_path)
    assert [s.name for s in SessionFolder.all(tmp_path)] == [earlier.name, later.name]
    assert SessionFolder.all(tmp_path / "nowhere") == []


def test_only_one_process_can_hold_a_session(tmp_path: Path) -> None:
    folder = make(tmp_path)
    other = SessionFolder(folder.path)
    assert folder.lock()
    assert not other.lock()
    folder.unlock()
    assert other.lock()
    other.unlock()
    other.unlock()


def test_the_plan_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    folder = make(tmp_path)
    first = Experiment(
        own={"lr": 2, "size": (3, 3), "far": math.inf, "names": {1: "a", 2.5: "b"}},
        defaults={"lr": 1, "when": Marked("later", "E[-1].x")},
        given={"NUMBER": 4},
        document=1,
        source=SOURCE,
        series=2,
        position=0,
        after=frozenset({5, 3}),
        swept=("lr",),
        pending=frozenset({"when"}),
        skipped="a reason",
    )
    first.settle({**first.own, "when": "x"})
    folder.write_definition(SOURCE)
    folder.write_plan([first], {"size": 1}, SOURCE)
    (read,), settings, source = folder.read_plan()
    assert dict(read) == dict(first)
    assert list(read) == list(first)
    assert (settings, source) == ({"size": 1}, SOURCE)
    for name in ("document", "series", "position", "after", "swept", "pending", "skipped", "given"):
        assert getattr(read, name) == getattr(first, name), name
    assert read.parameters == first.parameters
    assert list(read.own) == ["lr", "size", "far", "names"]


def test_marked_text_stays_marked(tmp_path: Path) -> None:
    folder = make(tmp_path)
    folder.write_definition(SOURCE)
    folder.write_plan([Experiment({"x": Marked("later", "1")}, position=0)], {}, SOURCE)
    ((read,), _, _) = folder.read_plan()
    assert isinstance(read["x"], Marked)


def test_a_plan_that_was_cut_at_any_byte_is_told_and_never_half_read(tmp_path: Path) -> None:
    folder = make(tmp_path)
    folder.write_definition(SOURCE)
    folder.write_plan([Experiment({"x": n}, position=n) for n in range(3)], {}, SOURCE)
    whole = folder.plan.read_bytes()
    for length in range(len(whole) - 1):  # all but the last line break
        folder.plan.write_bytes(whole[:length])
        with pytest.raises(SessionError, match="holds no whole plan"):
            folder.read_plan()


def test_a_session_without_a_plan_is_told(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="start it anew"):
        make(tmp_path).read_plan()


def test_every_name_is_below_the_folder(tmp_path: Path) -> None:
    folder = make(tmp_path)
    for path in (folder.log, folder.journal, folder.control, folder.run_folder(12_345)):
        assert path.is_relative_to(folder.path)
    assert folder.run_folder(7).name == "0007"


def test_somebody_who_only_looks_does_not_keep_a_session_from_being_run(tmp_path: Path) -> None:
    folder = SessionFolder.create(tmp_path, STARTED)
    assert folder.lock()
    folder.unlock()
    looks, descriptor = threading.Event(), os.open(folder.path / "lock", os.O_RDONLY)

    def look() -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        looks.set()
        threading.Event().wait(0.02)
        os.close(descriptor)

    thread = threading.Thread(target=look)
    thread.start()
    looks.wait(10)
    assert folder.lock()
    thread.join()
    folder.unlock()


def test_sessions_of_one_second_sort_by_their_beginning(tmp_path: Path) -> None:
    second = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    moments = [second.replace(microsecond=1000 * n) for n in (0, 1, 15, 16, 255, 256, 999)]
    made = [SessionFolder.create(tmp_path, moment).name for moment in moments]
    assert [folder.name for folder in SessionFolder.all(tmp_path)] == made
