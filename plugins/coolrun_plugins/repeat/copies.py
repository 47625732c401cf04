"""Making the copies, and drawing the numbers that tell experiments apart."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

from coolrun import DefinitionError, Experiment, Marked, hookimpl
from coolrun_plugins.repeat import count

if TYPE_CHECKING:
    from coolrun import Definition

LOWEST, HIGHEST = 100_000, 999_999


class Copier:
    """Copies the experiments of one definition; no two draw the same number."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    @hookimpl(wrapper=True)
    def coolrun_read(self) -> Generator[None, Definition | None, Definition | None]:
        definition = yield
        if definition is None:
            return None
        self._taken.update(_numbers_by_hand(definition))
        passes = Passes(definition.experiments, _count_passes(definition))
        return replace(definition, experiments=passes)

    @hookimpl(trylast=True)
    def coolrun_expand(self, experiment: Experiment) -> Iterator[Experiment]:
        given: dict[str, Any] = {}
        if "RND_IDX" not in experiment.own and "RND_IDX" not in experiment.defaults:
            given["RND_IDX"] = self._draw()
        for number in range(_copies(experiment)):
            yield experiment.derive(REP=number, **given)

    def _draw(self) -> int:
        highest = HIGHEST
        while len(self._taken) * 2 > highest - LOWEST:
            highest = highest * 10 + 9
        number = _between(LOWEST, highest)
        while number in self._taken:
            number = _between(LOWEST, highest)
        self._taken.add(number)
        return number


def _numbers_by_hand(definition: Definition) -> Iterator[int]:
    for experiment in definition.experiments:
        number = experiment.own.get("RND_IDX", experiment.defaults.get("RND_IDX"))
        if isinstance(number, int):
            yield number


def _count_passes(definition: Definition) -> int:
    written = definition.settings.get("repeat", 1)
    try:
        return count(written)
    except ValueError as error:
        raise DefinitionError(
            f"invalid setting repeat {written!r} ({error})",
            place=definition.source.place(0, ("Global", "repeat")),
            key="Global.repeat",
        ) from error


class Passes(Sequence[Experiment]):
    """The experiments of a file, several times over; each pass is a series of its own.

    Made as they are drawn, so that a thousand million passes cost nothing before they are refused.
    """

    def __init__(self, experiments: Sequence[Experiment], passes: int) -> None:
        self._experiments = experiments
        self._passes = passes

    def __len__(self) -> int:
        return len(self._experiments) * self._passes

    @overload
    def __getitem__(self, index: int) -> Experiment: ...
    @overload
    def __getitem__(self, index: slice) -> list[Experiment]: ...
    def __getitem__(self, index: int | slice) -> Experiment | list[Experiment]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        series, position = divmod(index % len(self), len(self._experiments))
        copy = self._experiments[position].derive()
        copy.series = series
        return copy

    def __iter__(self) -> Iterator[Experiment]:
        return (self[index] for index in range(len(self)))


def _between(lowest: int, highest: int) -> int:
    """A number that nobody can foretell; `random` costs a fiftieth of a start."""
    return lowest + int.from_bytes(os.urandom(16), "big") % (highest - lowest + 1)


def _copies(experiment: Experiment) -> int:
    if "REP" in experiment.own or "REP" in experiment.defaults:
        error = DefinitionError("REP is counted by coolrun", cure="choose another name for the key")
        raise experiment.blame(error, ("REP",))
    written = experiment.own.get("Repeat", experiment.defaults.get("Repeat", 1))
    try:
        if isinstance(written, Marked):
            raise DefinitionError(
                "Repeat has to be a number: copies are made before expressions are evaluated"
            )
        return count(written)
    except ValueError as error:
        raise experiment.blame(
            DefinitionError(f"invalid Repeat {written!r} ({error})"), ("Repeat",)
        ) from error
    except DefinitionError as error:
        raise experiment.blame(error, ("Repeat",)) from error
