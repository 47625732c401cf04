"""What a test orphans becomes a child of the tests' process, where the guard of tests sees it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

_SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def _orphans_are_ours() -> Iterator[None]:
    if not sys.platform.startswith("linux"):
        yield
        return
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    text: str


Command = Callable[..., Ended]


@pytest.fixture
def command() -> Command:
    """Runs `coolrun ARGUMENTS` in a fork of the tests' process, which saves its start.

    `prepare` is called in the fork before; `meanwhile`, with its process, in this one.
    """

    def run(
        folder: Path,
        *arguments: str,
        prepare: Callable[[], object] = lambda: None,
        meanwhile: Callable[[int], object] = lambda pid: None,
    ) -> Ended:
        output = folder.parent / f"{folder.name}.printed"
        pid = os.fork()
        if pid == 0:
            _be_coolrun(folder, arguments, output, prepare)
        try:
            meanwhile(pid)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            raise
        finally:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return Ended(code, output.read_text())

    return run


def _be_coolrun(
    folder: Path, arguments: Sequence[str], output: Path, prepare: Callable[[], object]
) -> NoReturn:
    code = 70
    try:
        os.chdir(folder)
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for number in (1, 2):
            os.dup2(descriptor, number)
        sys.stdout = open(1, "w", 1, closefd=False)  # noqa: SIM115 - as long as the process
        sys.stderr = open(2, "w", 1, closefd=False)  # noqa: SIM115
        sys.argv = ["coolrun", *arguments]
        prepare()
        from coolrun.cli import main

        code = main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise AssertionError
