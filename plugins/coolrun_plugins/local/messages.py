"""What the runner and the keeper tell each other."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple


class Order(NamedTuple):
    """A run to start.

    Attributes:
        token: which attempt.
        output, results: the paths of its files.
        early: names in its environment that a process takes note of only when it starts.
        moved: whether it runs in another folder than the project's.
        source: the number of the text that its experiment came from, or -1.
        pickled: the run itself, opened in its own process only.
    """

    token: str
    output: str
    results: str
    early: tuple[str, ...]
    moved: bool
    source: int
    pickled: bytes


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
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return None
    return f"exit code {code}" if code > 0 else f"killed by signal {-code} ({_name(-code)})"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
