"""Work on logs in limited child processes, one per core where there is much to do."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from coolrun.expression import stream_confined

if TYPE_CHECKING:
    from coolrun.plain import Plain

T = TypeVar("T")

# Bytes of log for which another process is worth its start.
WORTH = 1 << 20
PART = 8 << 20
MEMORY = 2 << 30


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def groups(items: Sequence[T], sizes: Sequence[int], number: int | None = None) -> list[list[T]]:
    """The items in order, in groups of about the same size: one per core, fewer for little."""
    total = sum(sizes)
    wanted = number or max(1, min(cores(), total // WORTH))
    made: list[list[T]] = [[] for _ in range(wanted)]
    before = 0
    for item, size in zip(items, sizes, strict=True):
        # The middle of an item decides, so that the last group is not the smallest by design.
        made[min(wanted - 1, (2 * before + size) * wanted // (2 * total or 1))].append(item)
        before += size
    return [group for group in made if group] or [[]]


def spread(
    work: Callable[[T], Iterable[Plain]], tasks: Sequence[T], *, size: int, what: str
) -> Iterator[Plain]:
    """What `work` gives for each task, in the order of the tasks; each in a child of its own.

    Args:
        work: yields plain data; all tasks are at work at the same time.
        size: bytes of all tasks together; time is granted by it.
        what: what is being done, for errors.

    Raises:
        CoolrunError: what `work` raised, or that a child took too much time or memory.
    """
    seconds = 60 + 20 * size / 2**20
    with ExitStack() as stack:
        streams = [
            stream_confined(partial(_begun, work, task), seconds=seconds, memory=MEMORY, what=what)
            for task in tasks
        ]
        for stream in streams:
            stack.callback(stream.close)
            next(stream)
        for stream in streams:
            yield from stream


def _begun(work: Callable[[T], Iterable[Plain]], task: T) -> Iterator[Plain]:
    gc.disable()  # the child ends soon, and nothing of its data is cyclic
    yield None
    yield from work(task)
