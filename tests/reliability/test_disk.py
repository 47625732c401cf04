"""A disk that fails or is full: nothing that was recorded is lost, and people are told."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import coolrun.session
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for
from coolrun.yamlio import LOG, read

STUDY = """
    def main(exp):
        exp.SQUARE = exp.REP ** 2
"""
DEFINITION = """
    Module: study
    YamlLog: logs/log.yaml
    ---
    Repeat: 2
"""
OPERATIONS = ("open", "write", "fsync", "replace", "mkdir", "mkfifo", "pread", "unlink")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
CODES = {0, 1, 3, 4, 5}


class Disk:
    """Stands in for the functions of `os` in the runner alone, and lets the n-th call fail."""

    def __init__(self, number: int, error: int, calls: Path | None = None) -> None:
        self._number = number
        self._error = error
        self._calls = calls
        self._count = 0

    def install(self) -> None:
        coolrun.session.SYNC = 0.02
        self._runner = os.getpid()
        for name in OPERATIONS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **more: Any) -> Any:
            if os.getpid() == self._runner:
                self._count += 1
                if self._calls is not None:
                    with self._calls.open("a") as file:
                        file.write(f"{name} {arguments[0]!r}\n")
                if self._count == self._number:
                    raise OSError(self._error, os.strerror(self._error))
            return function(*arguments, **more)

        return operation


def records(project: Path) -> Iterator[dict[str, Any]]:
    path = project / "logs" / "log.yaml"
    if path.exists():
        for document in read(path.read_bytes(), path="log", limits=LOG):
            assert isinstance(document.value, dict)
            yield document.value


def go_on_until_done(project: Path, command: Any, text: str) -> None:
    """Whatever happened, one more start without trouble completes it."""
    sessions = project / ".coolrun" / "sessions"
    plans = list(sessions.glob("*/plan.jsonl")) if sessions.exists() else []
    done = command(project, *(["--resume"] if plans else []))
    assert done.code in {0, 5}, (text, done.text)
    final = Counter(record["RUN_ID"].rpartition(".")[0] for record in records(project))
    assert list(final.values()) == [1, 1], (text, done.text)
    squares = sorted((record["REP"], record["SQUARE"]) for record in records(project))
    assert squares == [(0, 0), (1, 1)], (text, done.text)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Makes a project, and another one, and another one."""

    def make() -> Path:
        number = len(list(tmp_path.iterdir()))
        folder = tmp_path / f"project{number}"
        folder.mkdir()
        Project(folder)({"study.py": STUDY, "experiment.yaml": DEFINITION})
        return folder

    return make


def count_of_operations(fresh: Callable[[], Path], command: Any, tmp_path: Path) -> int:
    calls = tmp_path / "calls"
    project = fresh()
    assert command(project, prepare=Disk(0, 0, calls).install).code == 0
    return len(calls.read_text().splitlines())


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.__getitem__)
def test_any_operation_may_fail_once(
    fresh: Callable[[], Path], command: Any, tmp_path: Path, error: int
) -> None:
    total = count_of_operations(fresh, command, tmp_path)
    assert total > 20
    for number in range(1, total + 1):
        project = fresh()
        done = command(project, prepare=Disk(number, error).install)
        where = f"operation {number} of {total}: {done.text}"
        assert done.code in CODES, where
        assert "Traceback" not in done.text, where
        if done.code:
            assert "error: " in done.text, where
        go_on_until_done(project, command, where)


# A disk that is full for a while, and one that stays full


class FullDisk:
    """Lets writing to journals and logs fail, in the runner alone, while a file is there."""

    def __init__(self, flag: Path) -> None:
        self._flag = flag

    def install(self) -> None:
        coolrun.session.SYNC = 0.02
        self._runner, self._write = os.getpid(), os.write
        os.write = self._write_or_fail  # type: ignore[assignment]

    def _write_or_fail(self, descriptor: int, data: bytes) -> int:
        if os.getpid() == self._runner and self._flag.exists():
            # As a full disk does it: a part is written, and then nothing.
            if len(data) > 20:
                return self._write(descriptor, data[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._write(descriptor, data)


FILLING = """
    import pathlib

    def main(exp):
        exp.SQUARE = exp.REP ** 2
        if exp.REP == 0:
            pathlib.Path("full").touch()
"""


def begun(project: Path) -> bool:
    printed = project.parent / f"{project.name}.printed"
    return printed.exists() and "cannot record" in printed.read_text()


def test_a_full_disk_holds_launching_until_there_is_room(
    fresh: Callable[[], Path], command: Any
) -> None:
    project = fresh()
    Project(project)({"study.py": FILLING})
    disk = FullDisk(project / "full")

    def make_room(pid: int) -> None:
        wait_for(lambda: begun(project), within=10)
        assert not list(project.glob(".coolrun/sessions/*/runs/0001/output.log")), "started"
        (project / "full").unlink()

    done = command(project, prepare=disk.install, meanwhile=make_room)
    assert done.code == 0, done.text
    assert "No space left on device" in done.text
    assert "it is tried again every second, and nothing is lost" in done.text
    assert "the queue goes on" in done.text
    log = (project / "logs" / "log.yaml").read_bytes()
    whole = [p for p in log.split(b"---\n") if b"STATUS: done" in p]
    assert len(whole) == 2, log.decode()
    assert command(project, "--resume").code == 5


def test_a_session_that_is_ended_on_a_full_disk_loses_nothing(
    fresh: Callable[[], Path], command: Any
) -> None:
    project = fresh()
    Project(project)({"study.py": FILLING})

    def end(pid: int) -> None:
        wait_for(lambda: begun(project), within=10)
        os.kill(pid, signal.SIGTERM)

    done = command(project, prepare=FullDisk(project / "full").install, meanwhile=end)
    assert done.code == 3, done.text
    assert "make room, then go on with `coolrun --resume" in done.text
    (project / "full").unlink()
    Project(project)({"study.py": STUDY})
    go_on_until_done(project, command, done.text)


# Power loss: what is synced, and when


class Syncs:
    """Writes down which files are written to and synced, in their order."""

    def __init__(self, calls: Path) -> None:
        self._calls = calls

    def install(self) -> None:
        runner, sync, write = os.getpid(), os.fsync, os.write

        def note(word: str, descriptor: int) -> None:
            if os.getpid() == runner:
                path = os.readlink(f"/proc/self/fd/{descriptor}")
                with self._calls.open("a") as file:
                    file.write(f"{word} {os.path.basename(path)}\n")

        def noted_sync(descriptor: int) -> None:
            note("sync", descriptor)
            sync(descriptor)

        def noted_write(descriptor: int, data: bytes) -> int:
            note("finish" if data.startswith(b'["finish"') else "write", descriptor)
            return write(descriptor, data)

        os.fsync, os.write = noted_sync, noted_write  # type: ignore[assignment]


def calls_of(calls: Path) -> list[str]:
    text = calls.read_text() if calls.exists() else ""
    return [line for line in text.splitlines() if line.endswith(("journal.jsonl", "log.yaml"))]


def test_everything_is_synced_before_anybody_is_told_that_the_session_ended(
    fresh: Callable[[], Path], command: Any, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    assert command(fresh(), prepare=Syncs(calls).install).code == 0
    lines = calls_of(calls)
    end = lines.index("finish journal.jsonl")
    assert lines[end + 1 :] == ["sync journal.jsonl"]
    log = max(n for n, line in enumerate(lines) if line == "write log.yaml")
    assert "sync log.yaml" in lines[log:end]
    # Never a sync per record: what is written within a second is synced at once.
    assert len([line for line in lines if line.startswith("sync")]) <= 5


def test_what_is_written_is_synced_within_a_second_logs_first(
    fresh: Callable[[], Path], command: Any, tmp_path: Path
) -> None:
    calls, project = tmp_path / "calls", fresh()
    Project(project)({"study.py": WAITING})

    def look(pid: int) -> None:
        wait_for(lambda: "sync log.yaml" in calls_of(calls))
        wait_for(lambda: calls_of(calls)[-1].startswith("sync"))
        (project / "go").touch()

    assert command(project, prepare=Syncs(calls).install, meanwhile=look).code == 0
    lines = calls_of(calls)
    first = lines.index("sync log.yaml")
    assert lines[first + 1] == "sync journal.jsonl", lines
    assert "write log.yaml" in lines[first + 1 :], "before the second record"


WAITING = """
    import os, time

    def main(exp):
        exp.SQUARE = exp.REP ** 2
        while exp.REP and not os.path.exists("go"):
            time.sleep(0.01)
"""


# A real one, where the last block of a log still has room but no new file can be made


STUFFED = """
    import os, pathlib

    def main(exp):
        exp.SQUARE = exp.REP ** 2
        if exp.REP == 0:
            with open("stuffing", "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    pass
"""
PROGRAM = "test $REP -gt 0 || cat /dev/zero > stuffing || true"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for little."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=800k", "none", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize(
    "way", ["Module: study", f"Env: {{REP: parse str(REP)}}\nCommand: '{PROGRAM}'"]
)
def test_runs_that_cannot_make_their_files_wait_for_room(small_disk: Path, way: str) -> None:
    project = Project(small_disk)
    definition = f"{way}\nYamlLog: log.yaml\n---\nRepeat: 4\n"
    project({"study.py": STUFFED, "experiment.yaml": definition})
    command, environment, _ = project.command()
    printed = small_disk.parent / "printed"
    with printed.open("wb") as file:
        runner = subprocess.Popen(
            command, cwd=small_disk, env=environment, stdout=file, stderr=file
        )
    wait_for(lambda: "it is tried again every second" in printed.read_text())
    assert "No space left on device" in printed.read_text()
    (small_disk / "stuffing").unlink()
    assert runner.wait(30) == 0, printed.read_text()
    log = (small_disk / "log.yaml").read_text()
    assert log.count("STATUS: done") == 4
    assert "STATUS: failed" not in log
