"""Which experiment may start next: the order of the queue, and who waits for whom."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.experiment import Experiment


class Waiting:
    """The experiments that wait, indexed by what they wait for.

    Taking the next one costs the logarithm of their number, however many wait for others.
    """

    def __init__(self) -> None:
        self._experiments: dict[int, Experiment] = {}
        self._unmet: dict[int, int] = {}
        self._dependents: dict[int, list[int]] = {}
        self._free: list[tuple[int, int]] = []
        self._places: dict[int, int] = {}
        self._first = 0

    def __len__(self) -> int:
        return len(self._experiments)

    def fill(self, experiments: Iterable[Experiment], unended: Iterable[int]) -> None:
        """Take the queue's order as it is now.

        Args:
            experiments: all that wait, in the order of the queue.
            unended: positions that will end sometime and have not: those that run.
        """
        self._experiments = {experiment.position: experiment for experiment in experiments}
        self._places = {position: place for place, position in enumerate(self._experiments)}
        self._first = 0
        pending = {*self._experiments, *unended}
        self._unmet, self._dependents, self._free = {}, {}, []
        for position, experiment in self._experiments.items():
            needs = (experiment.after & pending) - {position}
            self._unmet[position] = len(needs)
            for need in needs:
                self._dependents.setdefault(need, []).append(position)
            if not needs:
                self._free.append((self._places[position], position))
        heapq.heapify(self._free)

    def free(self) -> Iterable[Experiment]:
        """Those that may start, in order; whoever starts one calls `remove`."""
        held = []
        try:
            while self._free:
                place, position = heapq.heappop(self._free)
                # One that has been taken and put first again has a second entry.
                if position in self._experiments and self._places[position] == place:
                    held.append((place, position))
                    yield self._experiments[position]
        finally:
            for entry in held:
                if entry[1] in self._experiments:
                    heapq.heappush(self._free, entry)

    def remove(self, position: int) -> None:
        """It starts, or is gone. Others still wait for it until it has ended."""
        self._experiments.pop(position, None)

    def put_first(self, experiment: Experiment) -> None:
        """It waits once more, before all others; nothing is left that it waits for."""
        position = experiment.position
        self._first -= 1
        self._experiments[position] = experiment
        self._places[position] = self._first
        self._unmet[position] = 0
        heapq.heappush(self._free, (self._first, position))

    def ended(self, position: int) -> None:
        """It has ended for good: those that waited for nothing else are free."""
        for dependent in self._dependents.pop(position, ()):
            if dependent in self._experiments:
                self._unmet[dependent] -= 1
                if not self._unmet[dependent]:
                    heapq.heappush(self._free, (self._places[dependent], dependent))

    def reasons(self) -> dict[int, frozenset[int]]:
        """For every experiment that waits for others: for whom."""
        waits: dict[int, set[int]] = {}
        for need, dependents in self._dependents.items():
            for dependent in dependents:
                if dependent in self._experiments:
                    waits.setdefault(dependent, set()).add(need)
        return {position: frozenset(needs) for position, needs in waits.items()}
