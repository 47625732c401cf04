"""`E` at launch: the experiments before one, with their results."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from coolrun import Session
    from coolrun.plain import Plain


class Results(Sequence[Mapping[str, "Plain"]]):
    """The experiments before one, each as its record says when it has ended."""

    def __init__(self, session: Session, series: Sequence[int], position: int) -> None:
        self._session = session
        self._series = series
        self._length = bisect_left(series, position)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Plain]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Plain]]: ...
    def __getitem__(
        self, index: int | slice
    ) -> Mapping[str, Plain] | Sequence[Mapping[str, Plain]]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._length))]
        return Result(self._session, self._series[range(self._length)[index]])


class Result(Mapping[str, "Plain"]):
    """An experiment with its results; its files are read when one of them is asked for."""

    def __init__(self, session: Session, position: int) -> None:
        self._session = session
        self._position = position
        self._values: Mapping[str, Plain] | None = None

    def _read(self) -> Mapping[str, Plain]:
        if self._values is None:
            record = self._session.record_of(self._position)
            planned = self._session.plan.experiments[self._position]
            self._values = planned if record is None else record
        return self._values

    def __getitem__(self, key: str) -> Plain:
        if key == "Name":  # asked of many, to find one
            return self._session.plan.experiments[self._position][key]
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())
