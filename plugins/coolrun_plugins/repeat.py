"""Copies: `Global.repeat` passes over the whole file, and `Repeat` copies of one experiment.

Copies of one experiment share `RND_IDX` and differ in `REP`; each pass draws anew.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, overload

from coolrun import (
    Config,
    Definition,
    DefinitionError,
    Experiment,
    Marked,
    Parser,
    hookimpl,
)

LOWEST, HIGHEST = 100_000, 999_999


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key("Repeat", type="whole number", default=1, help="how many copies to run")
    parser.add_key("RND_IDX", type="whole number", help="identifies an experiment; drawn if unset")
    parser.add_setting(
        "repeat", type=_count, default=1, help="how often the whole list is run (1 2 1 2)"
    )


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("expected a whole number")
    if value < 0:
        raise ValueError("must not be negative")
    if value > 10**12:
        raise ValueError("is more than any session can run")
    return value


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Numbers(), "repeat-numbers")


@hookimpl(wrapper=True)
def coolrun_read(config: Config) -> Generator[None, Definition | None, Definition | None]:
    definition = yield
    if definition is None:
        return None
    try:
        passes = _count(definition.settings.get("repeat", 1))
    except ValueError as error:
        raise DefinitionError(
            f"invalid setting repeat {definition.settings['repeat']!r} ({error})",
            place=definition.source.place(0, ("Global", "repeat")),
            key="Global.repeat",
        ) from error
    return replace(definition, experiments=Passes(definition.experiments, passes))


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


class Numbers:
    """Draws the numbers of a session's experiments without a collision."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()
        self._taken: set[int] = set()

    @hookimpl(wrapper=True)
    def coolrun_read(self) -> Generator[None, Definition | None, Definition | None]:
        definition = yield
        if definition is not None and definition.experiments:
            for experiment in definition.experiments[: _written(definition)]:
                number = experiment.own.get("RND_IDX", experiment.defaults.get("RND_IDX"))
                if isinstance(number, int):
                    self._taken.add(number)
        return definition

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
        number = self._random.randint(LOWEST, highest)
        while number in self._taken:
            number = self._random.randint(LOWEST, highest)
        self._taken.add(number)
        return number


def _written(definition: Definition) -> int:
    """How many experiments one pass has: the later passes write the same numbers."""
    experiments = definition.experiments
    return len(experiments._experiments) if isinstance(experiments, Passes) else len(experiments)


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
        return _count(written)
    except ValueError as error:
        raise experiment.blame(
            DefinitionError(f"invalid Repeat {written!r} ({error})"), ("Repeat",)
        ) from error
    except DefinitionError as error:
        raise experiment.blame(error, ("Repeat",)) from error
