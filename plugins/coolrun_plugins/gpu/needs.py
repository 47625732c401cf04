"""What an experiment asks for: `Gpus: 2` and `GpuMemory: 10 GiB`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coolrun import DefinitionError, Marked

if TYPE_CHECKING:
    from coolrun import Experiment
    from coolrun.plain import Plain

GPUS = "Gpus"
MEMORY = "GpuMemory"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B)", re.ASCII | re.IGNORECASE)
_UNITS = {
    **{unit: 1000 ** (n + 1) for n, unit in enumerate(("kb", "mb", "gb", "tb"))},
    **{unit: 1024 ** (n + 1) for n, unit in enumerate(("kib", "mib", "gib", "tib"))},
}


@dataclass(frozen=True)
class Need:
    """What a run needs.

    Attributes:
        count: how many GPUs, or entries of `resources`.
        memory: bytes of each that it will take, where that was declared.
        alone: whether no other run may be on them.
    """

    count: int = 1
    memory: int | None = None
    alone: bool = False


@dataclass(frozen=True)
class Wish:
    """What a run wishes beyond what its experiment asks for.

    With `alone` no other run of the session is on its GPUs while it runs, and those with the most
    free memory are taken.
    """

    alone: bool = False


def is_pending(experiment: Experiment) -> bool:
    """Whether what it needs is known only when it is launched."""
    return any(isinstance(experiment.get(key), Marked) for key in (GPUS, MEMORY))


def need_of(experiment: Experiment) -> Need:
    """What an experiment needs: one GPU unless it says something else.

    Raises:
        DefinitionError: what it says makes no sense.
    """
    count = experiment.get(GPUS)
    if count is None:
        count = 1
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        error = DefinitionError(f"{GPUS} is {count!r} (expected a whole number from 0)")
        raise experiment.blame(error, (GPUS,))
    written = experiment.get(MEMORY)
    if written is None:
        return Need(count)
    try:
        return Need(count, size(written))
    except ValueError as wrong:
        error = DefinitionError(f"{MEMORY} is {written!r} ({wrong})")
        raise experiment.blame(error, (MEMORY,)) from wrong


def size(written: Plain) -> int:
    """The bytes that a text such as `10 GiB`, `1.5GB` or `800 MiB` says.

    Raises:
        ValueError: it says no size, or none above zero.
    """
    match = _SIZE.fullmatch(written.strip()) if isinstance(written, str) else None
    amount = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if not 0 < amount < 1 << 60:
        raise ValueError("expected a size with its unit, such as '10 GiB' or '800 MB'")
    return amount


def in_words(amount: int) -> str:
    """A number of bytes as people say it: `9.5 GiB`."""
    gib = amount / (1 << 30)
    return f"{gib:.3g} GiB" if gib >= 1 else f"{amount / (1 << 20):.3g} MiB"
