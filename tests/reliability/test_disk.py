"""A disk that fails or is full: nothing that was recorded is lost, and people are told."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import coolrun.session
from coolrun.testing import Project
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


def fail_one_after_the_other(
    fresh: Callable[[], Path], command: Any, tmp_path: Path, errors: Callable[[int], list[int]]
) -> None:
    total = count_of_operations(fresh, command, tmp_path)
    assert total > 20
    for number in range(1, total + 1):
        for error in errors(number):
            project = fresh()
            done = command(project, prepare=Disk(number, error).install)
            where = f"operation {number} of {total}, {errno.errorcode[error]}: {done.text}"
            assert done.code in CODES, where
            assert "Traceback" not in done.text, where
            if done.code:
                assert "error: " in done.text, where
            go_on_until_done(project, command, where)


def test_any_operation_may_fail_once(
    fresh: Callable[[], Path], command: Any, tmp_path: Path
) -> None:
    fail_one_after_the_other(fresh, command, tmp_path, lambda number: [ERRORS[number % 3]])


@pytest.mark.long
def test_any_operation_may_fail_once_in_every_way(
    fresh: Callable[[], Path], command: Any, tmp_path: Path
) -> None:
    fail_one_after_the_other(fresh, command, tmp_path, lambda number: list(ERRORS))
