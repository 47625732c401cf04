"""What a run is told of its GPUs, and what its record says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coolrun_plugins.gpu.confinement import BY_BUS, ORDER, VISIBLE
from coolrun_plugins.gpu.settings import UUID

if TYPE_CHECKING:
    from coolrun.plain import Plain
    from coolrun_plugins.gpu.devices import Gpu

GPUS = "GPUS"


def environment_of(gpus: Sequence[Gpu], form: str) -> dict[str, str]:
    """The variables that leave a process exactly these GPUs.

    Numbers that count along the bus, which every version of CUDA understands; uuids for slices,
    which have no number, and where they are asked for.
    """
    return {VISIBLE: ",".join(str(name) for name in names_of(gpus, form)), ORDER: BY_BUS}


def names_of(gpus: Sequence[Gpu], form: str = "") -> list[Plain]:
    """The GPUs by number, or all by uuid where one has none."""
    by_uuid = form == UUID or any(gpu.part_of is not None or gpu.index < 0 for gpu in gpus)
    return [gpu.uuid if by_uuid else gpu.index for gpu in gpus]
