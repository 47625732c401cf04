"""What the runner and the keeper tell each other."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from coolrun.programs import ended_badly

# Reasons for people, which the launcher knows as well.
CLAIMED = "another process does its work"
# Its own keeper may know more, and has written it down by now.
UNSEEN = "it ended while nobody watched over it"

# A disk without room, which will have some again.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Order(NamedTuple):
    """A run to start.

    Attributes:
        token: which attempt.
        output, results: the paths of its files.
        environment: what it finds in its environment besides the runner's own, as the system takes
            it.
        early: names in its environment that a process takes note of only when it starts.
        moved: whether it runs in another folder than the project's.
        source: the number of the text that its experiment came from, or -1.
        pickled: the run itself, opened in its own process only.
        program: the program to start instead, or None.
        files: how many open files it inherits, which travel beside the message.
    """

    token: str
    output: str
    results: str
    environment: dict[bytes, bytes]
    early: tuple[str, ...]
    moved: bool
    source: int
    pickled: bytes
    program: ProgramOrder | None = None
    files: int = 0


class ProgramOrder(NamedTuple):
    """A program that does the work of a run.

    Attributes:
        file, arguments: the executable, and what it gets.
        written: where it may write results.
        reserved: keys that are no results.
    """

    file: str
    arguments: tuple[str, ...]
    written: str
    reserved: tuple[str, ...]


class Adoption(NamedTuple):
    """A run that lives already, and that another keeper has started.

    Attributes:
        pid: its main process.
        token: which attempt.
        results: the path of its results file.
    """

    pid: int
    token: str
    results: str


class Ending(NamedTuple):
    """How the process of a run ended.

    Attributes:
        token: which attempt.
        status: as `wait` gives it, or the reason why there never was a process.
        started: local ISO 8601 text.
        elapsed: seconds from the fork to the end.
        warnings: what the keeper saw.
    """

    token: str
    status: int | str
    started: str
    elapsed: float
    warnings: tuple[str, ...]


def failure_of(status: int | str) -> str | None:
    """Why a process that said nothing itself has failed, or None."""
    if isinstance(status, str):
        return status
    return ended_badly(os.waitstatus_to_exitcode(status))
