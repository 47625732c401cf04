"""Work on logs in limited child processes, one per core where there is much to do."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from coolrun.cgroups import allowed_cpus
from coolrun.expression import stream_confined

if TYPE_CHECKING:
    from coolrun.plain import Plain

T = TypeVar("T")

# Bytes of log for which another process is worth its start.
WORTH = 1 << 20
PART = 8 << 20
MEMORY = 2 << 30


def shares(items: Sequence[T], sizes: Sequence[int]) -> list[tuple[list[T], int]]:
    """The items in order, in tasks of about the same size: one per core, fewer for little."""
    total = sum(sizes)
    wanted = max(1, min(allowed_cpus(), total // WORTH))
    made: list[tuple[list[T], int]] = []
    share: list[T] = []
    before = size = 0
    for item, more in zip(items, sizes, strict=True):
        share.append(item)
        size += more
        if (before + size) * wanted >= total * (len(made) + 1):
            made.append((share, size))
            before, share, size = before + size, [], 0
    return made


def spread(
    work: Callable[[T], Iterable[Plain]], tasks: Iterable[tuple[T, int]], *, what: str
) -> Generator[Plain, None, None]:
    """What `work` gives for each task, in the order of the tasks; each in a child of its own.

    Args:
        work: yields plain data.
        tasks: each with its size in bytes, by which time is granted. As many are at work as there
            are cores; a later one is asked for when an earlier one has ended.
        what: what is being done, for errors.

    Raises:
        CoolrunError: what `work` raised, or that a child took too much time or memory.
    """
    most = allowed_cpus()
    with ExitStack() as stack:
        running: deque[Generator[Plain, None, None]] = deque()
        for task, size in tasks:
            if len(running) == most:
                yield from running.popleft()
            seconds = 60 + 20 * size / 2**20
            begun = partial(_begun, work, task)
            stream = stream_confined(begun, seconds=seconds, memory=MEMORY, what=what)
            stack.callback(stream.close)
            next(stream)
            running.append(stream)
        for stream in running:
            yield from stream


def _begun(work: Callable[[T], Iterable[Plain]], task: T) -> Iterator[Plain]:
    gc.disable()  # the child ends soon, and nothing of its data is cyclic
    yield None
    yield from work(task)
