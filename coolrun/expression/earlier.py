"""`E`: the experiments before this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from .guard import Missing, Refused, printable


class Earlier(Sequence[Mapping[str, object]]):
    """A live, read-only view over an append-only list of resolved experiments.

    `E[-1]`, `E[0]`, `E[1:3]` (again a view), `len(E)`, iteration, and `E['name']`: the latest
    experiment of that name. Nothing is ever copied. `reads` holds the positions that were read.
    """

    def __init__(self, experiments: Sequence[Mapping[str, object]]) -> None:
        self.reads: set[int] = set()
        self._experiments = experiments
        self._positions: range | None = None
        self._names: dict[str, int] = {}
        self._indexed = 0

    def reset(self) -> None:
        """Forget what was read."""
        self.reads = set()

    def __len__(self) -> int:
        return len(self._experiments) if self._positions is None else len(self._positions)

    @overload
    def __getitem__(self, key: int | str) -> Mapping[str, object]: ...
    @overload
    def __getitem__(self, key: slice) -> Earlier: ...
    def __getitem__(self, key: int | str | slice) -> Mapping[str, object] | Earlier:
        """
        Raises:
            Refused: there is no such experiment.
        """
        if isinstance(key, int):
            return self._at(key)
        if isinstance(key, slice):
            part = Earlier(self._experiments)
            part.reads = self.reads
            part._positions = self._range()[key]
            return part
        if isinstance(key, str):
            position = self.position(key)
            if position is None:
                shown = printable(repr(key), 60)
                reason = f"no experiment before this one has the name {shown}"
                raise Missing(reason, key, "E", self)
            self.reads.add(position)
            return self._experiments[position]
        raise Refused("E takes a number, a slice or the name of an experiment")

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        for position in self._range():
            self.reads.add(position)
            yield self._experiments[position]

    def names(self) -> list[object]:
        """The names of all of them, for a message."""
        return [self._experiments[position].get("Name") for position in self._range()]

    def position(self, name: str) -> int | None:
        """Where the latest experiment of that name stands, None if there is none."""
        if self._positions is not None:
            for position in sorted(self._positions, reverse=True):
                if self._experiments[position].get("Name") == name:
                    return position
            return None
        for position in range(self._indexed, len(self._experiments)):
            known = self._experiments[position].get("Name")
            if isinstance(known, str):
                self._names[str(known)] = position
        self._indexed = len(self._experiments)
        return self._names.get(name)

    def search_steps(self) -> int:
        """What looking for a name costs: a part of the list has no index of its own."""
        return 1 if self._positions is None else 4 * len(self._positions)

    def _range(self) -> range:
        return range(len(self._experiments)) if self._positions is None else self._positions

    def _at(self, index: int) -> Mapping[str, object]:
        size = len(self)
        if not -size <= index < size:
            if not self._experiments:
                raise Refused(
                    "there is no previous experiment: E is empty",
                    "give the first experiment a value of its own",
                )
            plural = "" if size == 1 else "s"
            raise Refused(f"index out of range: E holds {size} experiment{plural}")
        position = index if self._positions is None else self._positions[index]
        if position < 0:
            position += size
        self.reads.add(position)
        return self._experiments[position]
