"""Reading `Grid` and `Zip`: the axes of a sweep, and the n-th combination of their values."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, Marked
from coolrun.plain import encode

if TYPE_CHECKING:
    from coolrun import Experiment

Path = tuple[Any, ...]

# What the expansion itself reads cannot differ between its combinations.
_FIXED = ("Grid", "Zip", "Sample", "Where", "Seed", "Global")


@dataclass(frozen=True)
class Axis:
    """A key and the values that it takes in turn.

    Attributes:
        key: as it is written: `norm`, `optimizer.lr`.
        path: where the values go in an experiment.
        values, texts: the values, and each as text by which equal ones are found.
        written: where the values stand in the document.
    """

    key: str
    path: Path
    values: list[Any]
    texts: tuple[str, ...]
    written: Path


@dataclass(frozen=True)
class Choice:
    """One of the values of an axis."""

    axis: Axis
    number: int

    @property
    def value(self) -> Any:
        return self.axis.values[self.number]


@dataclass(frozen=True)
class Block:
    """A mapping of lists: every combination of their values, or, if `paired`, one after another."""

    axes: tuple[Axis, ...]
    paired: bool

    @property
    def size(self) -> int:
        if not self.axes:
            return 1
        lengths = [len(axis.values) for axis in self.axes]
        return lengths[0] if self.paired else math.prod(lengths)

    def choices(self, index: int) -> list[Choice]:
        """The n-th combination; the last axis varies fastest."""
        if self.paired:
            return [Choice(axis, index) for axis in self.axes]
        chosen = []
        for axis in reversed(self.axes):
            index, number = divmod(index, len(axis.values))
            chosen.append(Choice(axis, number))
        return chosen[::-1]


@dataclass(frozen=True)
class Factor:
    """What one key, `Grid` or `Zip`, says: its blocks, one after the other."""

    key: str
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        return self.ends[-1]

    @cached_property
    def ends(self) -> list[int]:
        """How many combinations there are up to the end of each block."""
        return list(accumulate(block.size for block in self.blocks))

    def choices(self, index: int) -> list[Choice]:
        """The n-th combination of all blocks."""
        number = bisect_right(self.ends, index)
        return self.blocks[number].choices(index - (self.ends[number - 1] if number else 0))

    def axes(self) -> Iterator[Axis]:
        for block in self.blocks:
            yield from block.axes


def read_factor(key: str, experiment: Experiment) -> Factor:
    """What an experiment says under `Grid` or `Zip`.

    Raises:
        DefinitionError: it is no mapping of lists.
    """
    written = experiment[key]
    if isinstance(written, list):
        if not written:
            raise experiment.blame(_no_mapping(key, written), (key,))
        blocks = [
            _block(key, item, (key, number), experiment) for number, item in enumerate(written)
        ]
    else:
        blocks = [_block(key, written, (key,), experiment)]
    return Factor(key, tuple(blocks))


def _block(key: str, written: Any, path: Path, experiment: Experiment) -> Block:
    if not isinstance(written, Mapping):
        raise experiment.blame(_no_mapping(key, written), path)
    axes = []
    for name, values in written.items():
        try:
            axes.append(_axis(key, name, values, (*path, name), experiment))
        except DefinitionError as wrong:
            raise experiment.blame(wrong, (*path, name)) from wrong
    if key == "Zip" and len({len(axis.values) for axis in axes}) > 1:
        lengths = ", ".join(f"{axis.key} has {len(axis.values)}" for axis in axes)
        error = DefinitionError(
            f"the lists of Zip are not of one length: {lengths}",
            cure="give each as many values, or combine them all with Grid",
        )
        raise experiment.blame(error, path)
    return Block(tuple(axes), paired=key == "Zip")


def _axis(key: str, name: Any, values: Any, written: Path, experiment: Experiment) -> Axis:
    if not isinstance(name, str) or not all(name.split(".")):
        raise DefinitionError(f"{name!r} cannot be the name of a parameter")
    path: Path = (name,) if name in experiment else tuple(name.split("."))
    if path[0] in _FIXED:
        raise DefinitionError(f"{path[0]} cannot be swept", cure="write it beside the sweep")
    if isinstance(values, Marked):
        raise DefinitionError(
            f"the values of {name!r} are not known yet: sweeps come before expressions",
            cure=f"write a list; its items may be expressions: {name}: [{values}]",
        )
    if not isinstance(values, list):
        raise DefinitionError(
            f"the values of {name!r} are no list ({_shown(values)})",
            cure=f"write `{name}: [...]`, also for a single value",
        )
    if not values:
        raise DefinitionError(
            f"{name!r} has no value to take", cure=f"remove {name!r} from {key}, or give it values"
        )
    return Axis(name, path, values, tuple(encode(value) for value in values), written)


def _no_mapping(key: str, written: Any) -> DefinitionError:
    return DefinitionError(
        f"{key} is no mapping of lists ({_shown(written)})",
        cure=f"write it as `{key}: {{lr: [0.1, 0.2], norm: [new, batch]}}`",
    )


def _shown(value: Any) -> str:
    from coolrun.display import shown

    return shown(value, 40)
