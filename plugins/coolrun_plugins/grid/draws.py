"""Drawing a sample: without repetition, the same for the same seed, whatever the size."""

from __future__ import annotations

import random
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING

from coolrun import DefinitionError

if TYPE_CHECKING:
    from coolrun import Experiment

_SEEDS = 10**6


def drawn(size: int, seed: int) -> Iterator[int]:
    """All numbers below `size` in a random order, of which only those drawn take memory."""
    source = random.Random(seed)
    moved: dict[int, int] = {}
    for place in range(size):
        other = source.randrange(place, size)
        yield moved.get(other, other)
        moved[other] = moved.pop(place, place)


def read_number(key: str, experiment: Experiment) -> int | None:
    """The whole number that an experiment has under a key.

    Raises:
        DefinitionError: it is something else.
    """
    written = experiment.get(key)
    if written is None:
        return None
    if isinstance(written, bool) or not isinstance(written, int) or written < 0:
        error = DefinitionError(
            f"invalid {key} {written!r} (expected a whole number, not negative)"
        )
        raise experiment.blame(error, (key,))
    return written


def seed_of(experiment: Experiment, seeds: MutableMapping[int, int]) -> int:
    """The seed that was written, or one for all passes over a document: they draw the same."""
    written = read_number("Seed", experiment)
    if written is not None:
        return written
    return seeds.setdefault(experiment.document, random.SystemRandom().randrange(_SEEDS))
