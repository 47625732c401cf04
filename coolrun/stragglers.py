"""Processes that a run has started and that nobody watches over any more."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.run import Run

GRACE = 2.0  # seconds between INT, TERM and KILL


@dataclass(frozen=True)
class Straggler:
    """A process of a run, known by the token that it was started with or by the run's open file.

    The descriptor stands for this very process: its number may be another's by now.
    """

    pid: int
    token: str
    descriptor: int

    def signal(self, number: int) -> None:
        """Signal it, if it is still there."""
        try:
            signal.pidfd_send_signal(self.descriptor, number)
            signal.pidfd_send_signal(self.descriptor, signal.SIGCONT)
        except ProcessLookupError:
            return


def end_stragglers(
    runs: Iterable[Run], *, grace: float = GRACE, say: Callable[[str], None] = lambda _: None
) -> int:
    """End every process of these runs and of what they started: INT, then TERM, then KILL.

    A process is one of theirs when it carries the token of the run in the environment with which
    it was started, or has the results file of the run open. Linux only.

    Args:
        grace: seconds between the signals; 0 kills at once.
        say: told what is done.

    Returns:
        how many there were.
    """
    wanted = {run.token: str(run.results) for run in runs}
    ended: set[int] = set()
    steps = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL) if grace else (signal.SIGKILL,)
    if not wanted or not hasattr(os, "pidfd_open"):
        return 0
    for step in (*steps, signal.SIGKILL):
        # Looked for anew: one that forks while it is being ended leaves another one.
        found = list(stragglers(wanted))
        try:
            fresh = [one.pid for one in found if one.pid not in ended]
            if fresh:
                some = f"{len(fresh)} process{'es' if len(fresh) > 1 else ''}"
                say(f"ending {some} that the runs have left behind")
            ended.update(one.pid for one in found)
            for one in found:
                one.signal(step)
            _wait(found, grace or GRACE)
        finally:
            for one in found:
                os.close(one.descriptor)
        if not found:
            break
    return len(ended)


def are_there(runs: Iterable[Run]) -> bool:
    """Whether any process of these runs, or of what they started, is there."""
    wanted = {run.token: str(run.results) for run in runs}
    if not wanted or not hasattr(os, "pidfd_open"):
        return False
    found = list(stragglers(wanted))
    for one in found:
        os.close(one.descriptor)
    return bool(found)


def stragglers(wanted: Mapping[str, str]) -> Iterator[Straggler]:
    """The processes of runs; `wanted` has the results file of each by its token."""
    ours = os.getpid()
    for name in os.listdir("/proc"):
        if not name.isdecimal() or int(name) == ours:
            continue
        pid = int(name)
        if token_of(pid, wanted) is None:
            continue
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        # Once more, now that the number cannot become another process's unseen.
        token = token_of(pid, wanted)
        if token is None:
            os.close(descriptor)
        else:
            yield Straggler(pid, token, descriptor)


def token_of(pid: int, wanted: Mapping[str, str]) -> str | None:
    """The token of the run that a process belongs to, one of those `wanted` as above, or None."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read().split(b"\0")
        for variable in environment:
            if variable.startswith(b"COOLRUN_TOKEN="):
                token = variable.partition(b"=")[2].decode("ascii", "replace")
                if token in wanted:
                    return token
        paths = {path: token for token, path in wanted.items()}
        for name in os.listdir(f"/proc/{pid}/fd"):
            token = paths.get(os.readlink(f"/proc/{pid}/fd/{name}"), "")
            if token:
                return token
    except OSError:
        return None  # it has gone, or is another person's
    return None


def _wait(found: Iterable[Straggler], seconds: float) -> None:
    left = {one.descriptor for one in found}
    deadline = time.monotonic() + seconds
    while left and (rest := deadline - time.monotonic()) > 0:
        left -= set(select.select(left, [], [], rest)[0])
