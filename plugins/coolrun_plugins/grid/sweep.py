"""The sweep of one experiment: how large it is, and the experiments that it makes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import count
from typing import TYPE_CHECKING, Any

from coolrun import Config, CoolrunError, DefinitionError, Experiment
from coolrun.plain import encode
from coolrun_plugins.grid.axes import Block, Choice, Factor, Path, read_factor
from coolrun_plugins.grid.condition import Condition
from coolrun_plugins.grid.draws import drawn, read_number, seed_of
from coolrun_plugins.grid.levels import MISSING, found, laid

if TYPE_CHECKING:
    from coolrun_plugins.grid.axes import Axis

SWEEPS = ("Grid", "Zip")
_UNSUITABLE = 10  # times as many combinations as experiments may fail conditions
_TOLD = 10  # combinations that come twice are told one by one up to here


class Sweep:
    """What an experiment sweeps; its combinations are numbered, and made one by one.

    Raises:
        DefinitionError: a key of the sweep is wrong, or there are too many combinations.
    """

    def __init__(self, experiment: Experiment, config: Config) -> None:
        self._experiment = experiment
        self._config = config
        levels = (experiment.own, experiment.defaults)
        keys = [key for level in levels for key in level if key in SWEEPS]
        self._factors = [
            _without(read_factor(key, experiment), _settled(key, experiment, config))
            for key in keys
            if experiment[key] is not None
        ]
        self._axes = [axis for factor in self._factors for axis in factor.axes()]
        self._check_axes()
        self._size = math.prod(factor.size for factor in self._factors)
        self._sample = read_number("Sample", experiment)
        self._refuse_without_sweep()
        self._refuse_too_many()
        where = experiment.get("Where") if self._factors else None
        self._condition = None if where is None else Condition(experiment, config)
        self._unsuitable: Iterator[int] = count(1)

    def experiments(
        self, seeds: MutableMapping[int, int], unsuitable: Iterator[int]
    ) -> Iterator[Experiment]:
        """The combinations in the order of the file, or those that were drawn.

        Args:
            unsuitable: counts the combinations of the whole file that do not satisfy conditions.
        """
        self._unsuitable = unsuitable
        if self._sample is None or not self._factors:
            instead: dict[str, dict[str, Any]] = {key: {} for key in ("Sample", "Where")}
            count = 0
            for _, experiment in self._kept(range(self._size), instead):
                yield experiment
                count += 1
            if not count and self._experiment.series == 0:
                self._say(f"none of {self._size} combinations satisfies it", "Where")
            return
        seed = seed_of(self._experiment, seeds)
        given = {} if "Seed" in self._experiment else {"Seed": seed}
        instead = {"Sample": given, "Where": {}}
        taken: list[tuple[int, Experiment]] = []
        if self._sample:
            for entry in self._kept(self._draws(seed), instead):
                taken.append(entry)
                if len(taken) == self._sample:
                    break
        for _, experiment in sorted(taken, key=lambda entry: entry[0]):
            yield experiment
        if len(taken) < self._sample and self._experiment.series == 0:
            self._say(f"there are only {len(taken)} to draw {self._sample} from", "Sample")

    def _draws(self, seed: int) -> Iterator[int]:
        """Numbers of combinations; an error where conditions leave next to none of them."""
        most = self._config.setting("max_experiments")
        for tried, index in enumerate(drawn(self._size, seed)):
            if tried > most:
                message = f"Where leaves too few of the first {most:,} combinations that were drawn"
                error = DefinitionError(message, cure="leave the values out that never go together")
                raise self._experiment.blame(error, ("Sample",))
            yield index

    # Making experiments

    def _kept(
        self, indices: Iterable[int], instead: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[tuple[int, Experiment]]:
        """The combinations that satisfy the condition, each once."""
        seen: dict[tuple[str, ...], int] = {}
        twice = 0
        paths = {axis.path: None for axis in self._axes}
        for index in indices:
            chosen = self._choices(index)
            experiment = self._made(chosen, instead)
            if self._condition is not None and not self._condition.holds(experiment):
                self._refuse_unsuitable()
                continue
            texts = {c.axis.path: c.axis.texts[c.number] for cs in chosen.values() for c in cs}
            mark = tuple(texts.get(path) or _text(experiment, path) for path in paths)
            first = seen.setdefault(mark, index)
            if first == index:
                yield index, experiment
                continue
            twice += 1
            if twice <= _TOLD and experiment.series == 0:
                self._tell_twice(first, index)
        if twice > _TOLD and self._experiment.series == 0:
            self._say(f"{twice - _TOLD} more combinations come twice and are left out")

    def _choices(self, index: int) -> dict[str, list[Choice]]:
        """The chosen values of a combination, by the key that sweeps them."""
        chosen: dict[str, list[Choice]] = {key: [] for key in SWEEPS}
        for factor in reversed(self._factors):
            index, number = divmod(index, factor.size)
            chosen[factor.key] = factor.choices(number)
        return chosen

    def _made(
        self, chosen: Mapping[str, list[Choice]], instead: Mapping[str, Mapping[str, Any]]
    ) -> Experiment:
        source = self._experiment
        of_own = {key: choices for key, choices in chosen.items() if key in source.own}
        of_defaults = {key: choices for key, choices in chosen.items() if key in source.defaults}
        try:
            own = laid(source.own, of_own, instead, source.defaults)
            defaults = laid(source.defaults, of_defaults, instead, {})
        except DefinitionError as error:
            raise source.blame(error, (next(iter(of_own or of_defaults)),)) from error
        made = source.derive(own=own)
        made.defaults = {key: value for key, value in defaults.items() if key not in own}
        choices = [choice for factor in self._factors for choice in chosen[factor.key]]
        made.swept = (*source.swept, *(choice.axis.key for choice in choices))
        made.written = {
            **source.written,
            **{choice.axis.path: (*choice.axis.written, choice.number) for choice in choices},
        }
        return made

    # What is wrong or worth saying

    def _check_axes(self) -> None:
        for factor in self._factors:
            for number, block in enumerate(factor.blocks):
                others = [axis for f in self._factors if f is not factor for axis in f.axes()]
                _refuse_twice([*block.axes, *(others if not number else [])], self._experiment)
            level = self._level(factor.key)
            for axis in factor.axes():
                if len(axis.path) == 1 and axis.path[0] in level:
                    error = DefinitionError(
                        f"{axis.key!r} is swept by {factor.key} and given beside it",
                        cure="remove one of them",
                    )
                    raise self._experiment.blame(error, axis.written)

    def _refuse_without_sweep(self) -> None:
        for key in ("Sample", "Where"):
            if not self._factors and self._experiment.own.get(key) is not None:
                error = DefinitionError(
                    f"{key} has no meaning without Grid or Zip", cure="add one, or remove it"
                )
                raise self._experiment.blame(error, (key,))

    def _refuse_too_many(self) -> None:
        """Before anything is made: a product is large in no time."""
        most = self._config.setting("max_experiments")
        wanted = self._size if self._sample is None else min(self._sample, self._size)
        if self._factors and wanted > most:
            error = DefinitionError(
                f"{_large(wanted)} combinations are more than {most:,} experiments",
                cure="draw some of them with `Sample: 1000`,"
                " or set max_experiments higher if you mean it",
            )
            raise self._experiment.blame(error, (self._factors[0].key,))

    def _refuse_unsuitable(self) -> None:
        most = _UNSUITABLE * self._config.setting("max_experiments")
        if next(self._unsuitable) > most:
            error = DefinitionError(
                f"Where leaves out more than {most:,} combinations",
                cure="leave the values out that never go together",
            )
            raise self._experiment.blame(error, ("Where",))

    def _level(self, key: str) -> Mapping[str, Any]:
        return self._experiment.own if key in self._experiment.own else self._experiment.defaults

    def _tell_twice(self, first: int, second: int) -> None:
        names = [self._named(index) for index in (first, second)]
        self._say(f"{names[1]} is the same as {names[0]} and is left out")

    def _named(self, index: int) -> str:
        from coolrun.display import shown

        chosen = self._choices(index)
        parts = [
            f"{choice.axis.key}: {shown(choice.value, 40)}"
            for factor in self._factors
            for choice in chosen[factor.key]
        ]
        return f"combination {index} ({', '.join(parts)})"

    def _say(self, text: str, key: str | None = None) -> None:
        key = key or self._factors[0].key
        path, text = (key,), f"{key}: {text}"
        told: CoolrunError = self._experiment.blame(DefinitionError(text), path)
        self._config.warn(f"{told.place}: {text}" if told.place else text)


def _without(factor: Factor, settled: set[Path]) -> Factor:
    """The factor without the axes of values that are given all the same."""
    if not settled:
        return factor
    blocks = tuple(
        Block(tuple(axis for axis in block.axes if not _meets(axis, settled)), block.paired)
        for block in factor.blocks
    )
    return Factor(factor.key, blocks)


def _meets(axis: Axis, settled: set[Path]) -> bool:
    """Whether one of these is the same as the axis, a part of it, or what it is a part of."""
    return any(path[: len(axis.path)] == axis.path[: len(path)] for path in settled)


def _settled(key: str, experiment: Experiment, config: Config) -> set[Path]:
    """What a person gives in spite of the sweep.

    That is `++key=value`, and, where the default config sweeps, an experiment's own keys.
    """
    forced = [text[2:].partition("=")[0] for text in config.overrides if text.startswith("++")]
    settled: set[Path] = {tuple(name.split(".")) for name in forced}
    return settled if key in experiment.own else settled | {(name,) for name in experiment.own}


def _refuse_twice(axes: list[Axis], experiment: Experiment) -> None:
    seen: list[Axis] = []
    for axis in axes:
        for other in seen:
            if other.path[: len(axis.path)] == axis.path:
                what = "twice" if other.path == axis.path else f"and would replace {other.key!r}"
                error = DefinitionError(f"{axis.key!r} is swept {what}", cure="keep one of them")
                raise experiment.blame(error, axis.written)
        seen.append(axis)


def _text(experiment: Mapping[str, Any], path: tuple[Any, ...]) -> str:
    value = found(experiment, path)
    return "" if value is MISSING else encode(value)


def _large(number: int) -> str:
    return f"{number:,}" if number < 10**15 else "more than 10^15"
