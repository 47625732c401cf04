"""The queue that is kept in memory: first in, first out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Experiment


@hookimpl
def coolrun_queue() -> MemoryQueue:
    return MemoryQueue()


class MemoryQueue:
    """First in, first out, gone with the process."""

    def __init__(self) -> None:
        self._waiting: dict[int, Experiment] = {}

    def put(self, experiments: Iterable[Experiment]) -> None:
        self._waiting.update((experiment.position, experiment) for experiment in experiments)

    def refresh(self) -> bool:
        return False

    def waiting(self) -> Sequence[Experiment]:
        return tuple(self._waiting.values())

    def take(self, experiment: Experiment) -> Experiment | None:
        return self._waiting.pop(experiment.position, None)

    def give_back(self, experiment: Experiment) -> None:
        self._waiting.pop(experiment.position, None)
        self._waiting = {experiment.position: experiment, **self._waiting}

    def close(self) -> None:
        self._waiting.clear()
