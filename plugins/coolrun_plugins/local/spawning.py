"""Runs that are programs: started straight from the keeper, which writes for them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from coolrun.programs import end_results, read_written
from coolrun.results import append_pid, claim
from coolrun_plugins.local.messages import failure_of
from coolrun_plugins.local.surroundings import own_environment

if TYPE_CHECKING:
    from coolrun_plugins.local.messages import Order, ProgramOrder
    from coolrun_plugins.local.task import Task

# What Python ignores or catches, a program is to have as it comes.
_USUAL = (signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)


def spawn(order: Order, program: ProgramOrder, started: str) -> int:
    """Start the program of a run; its process.

    Raises:
        Claimed: another process does the work.
        OSError: it cannot be started, or the files of the run cannot be made.
    """
    descriptors = [output := open_output(order.output)]
    try:
        # Before it is started: whoever looks for it has to know that it may be there.
        descriptors.append(results := claim(order.results, order.token, started))
        pid = os.posix_spawn(
            program.file,
            program.arguments,
            {**own_environment(), **order.environment},
            file_actions=((os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)),
            setsid=True,
            setsigmask=(),
            setsigdef=_USUAL,
        )
        try:
            append_pid(results, pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            raise
    finally:
        for number in descriptors:
            os.close(number)
    return pid


def write_end(task: Task, program: ProgramOrder) -> None:
    """Say in the results file of the run what its program found, and how it ended."""
    assert task.status is not None
    written = read_written(program.written, program.reserved)
    elapsed = task.ended - task.begun
    try:
        end_results(task.results, failure_of(task.status), task.started, elapsed, written)
    except OSError as error:
        task.warnings.append(f"its results could not be recorded: {error.strerror}")


def open_output(path: str) -> int:
    """The file for everything that a run prints, as a descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o666)
