"""Who uses a GPU: runs of this session, or others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coolrun_plugins.gpu.needs import in_words
from coolrun_plugins.gpu.slots import Card

if TYPE_CHECKING:
    from coolrun import Run
    from coolrun_plugins.gpu.devices import Gpu, Holder


@dataclass
class Owners:
    """Knows to which run a process belongs.

    Attributes:
        wanted: the results file of each run, by its token.
        seen: the processes that were found to belong to it.
    """

    wanted: dict[str, str] = field(default_factory=dict)
    seen: dict[str, set[int]] = field(default_factory=dict)

    def add(self, run: Run) -> None:
        """It runs."""
        self.wanted[run.token] = str(run.results)

    def take(self, token: str) -> Owners:
        """A run has ended, and is known to others only."""
        seen = {token: self.seen.pop(token, set())}
        return Owners({token: self.wanted.pop(token)}, seen)

    def merge(self, others: Owners) -> None:
        """Know these runs too."""
        self.wanted.update(others.wanted)
        self.seen.update(others.seen)

    def token_of(self, pid: int) -> str | None:
        """The token of the run that a process belongs to; None: it is no run's of this session."""
        from coolrun.stragglers import token_of

        token = token_of(pid, self.wanted) or token_of(_leader(pid), self.wanted)
        if token is not None:
            self.seen.setdefault(token, set()).add(pid)
        return token

    def had(self, pid: int) -> bool:
        """Whether a process is or was a run's: one that cannot end any more tells nothing."""
        return any(pid in pids for pids in self.seen.values()) or self.token_of(pid) is not None

    def foreign(self, gpu: Gpu) -> list[Holder]:
        """The processes on a GPU that belong to no run of this session."""
        # Runs in the process of the runner leave in it what it took of the GPU.
        ours = os.getpid()
        return [h for h in gpu.holders if h.pid != ours and self.token_of(h.pid) is None]


def _leader(pid: int) -> int:
    """The first process of its session, which is that of the run for all that a run starts."""
    try:
        return os.getsid(pid) if pid else pid  # 0 would be this process itself
    except (OSError, OverflowError):
        return pid  # it has gone, or a driver makes numbers up


def card_of(
    gpu: Gpu, foreign: Sequence[Holder], *, ours: bool, just_left: bool, tolerance: float
) -> Card:
    """What others use of a GPU, and whether that keeps runs from being started on it.

    Args:
        foreign: the processes on it that are not known to be ours.
        ours: whether runs of ours are on it: then only what is known to be others' counts.
        just_left: whether a run of ours was on it a moment ago, and what it computed is measured
            still.
        tolerance: the part of its memory, and of its time, that others may use.
    """
    if ours:  # in a container a driver may give numbers that mean nothing there
        foreign = [holder for holder in foreign if is_visible(holder.pid)]
    known = sum(holder.memory or 0 for holder in foreign)
    taken = known if ours else max(known, gpu.used)
    computes = 0.0 if ours or just_left else (gpu.utilisation or 0.0)
    obstacle = None
    if taken > tolerance * gpu.memory:
        obstacle = f"{_who(foreign)} {in_words(taken)} of it"
    elif computes > tolerance * 100:
        obstacle = f"others compute on it ({computes:.0f} % of the time)"
    used = gpu.used / gpu.memory if gpu.memory else 0.0
    return Card(gpu.memory, taken, used + (gpu.utilisation or 0.0) / 1000, obstacle)


def _who(foreign: Iterable[Holder]) -> str:
    named = [process(holder.pid) for holder in foreign]
    if not named:
        return "others take"
    more = f" and {len(named) - 1} more take" if len(named) > 1 else " takes"
    return f"{named[0]}{more}"


def is_visible(pid: int) -> bool:
    """Whether there is a process of that number as far as this one can see."""
    return os.path.exists(f"/proc/{pid}")


def process(pid: int) -> str:
    """A process as people know it: `process 4242 (python)`."""
    from coolrun.display import visible

    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return f"process {pid} ({visible(file.read().strip())})"
    except OSError:
        return f"process {pid}"  # it has gone, or cannot be seen from here


def memory_by_run(gpu: Gpu, owners: Owners) -> Mapping[str, int]:
    """The bytes of a GPU that each run takes, by token, as far as the driver tells."""
    found: dict[str, int] = {}
    for holder in gpu.holders:
        token = owners.token_of(holder.pid) if holder.memory is not None else None
        if token is not None:
            found[token] = found.get(token, 0) + (holder.memory or 0)
    return found
