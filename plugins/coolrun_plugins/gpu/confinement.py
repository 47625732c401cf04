"""CUDA_VISIBLE_DEVICES: which GPUs a process was left to use, read as CUDA reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from coolrun.errors import UsageError

if TYPE_CHECKING:
    from coolrun_plugins.gpu.devices import Gpu

VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
BY_BUS = "PCI_BUS_ID"


def confined(gpus: Sequence[Gpu], environment: Mapping[str, str]) -> list[Gpu]:
    """Those of the GPUs that a process with this environment may use, in the order it names them.

    All of them where it does not have the variable; none where that is empty. As for CUDA, the
    first entry that names nothing ends the list, and one that is named twice empties it. The
    number or the uuid of a card that is divided (MIG) stands for its first slice.

    Raises:
        UsageError: numbers that count from the fastest GPU, on a machine whose GPUs differ: then
            only CUDA knows which they are.

    Source of facts: NVIDIA's CUDA C++ Programming Guide, "CUDA Environment Variables".
    """
    written = environment.get(VISIBLE)
    if written is None:
        return list(gpus)
    if _NUMBER.match(written):
        if environment.get(ORDER) != BY_BUS and not _alike(gpus):
            raise UsageError(
                f"{VISIBLE} is {written!r}, which counts from the fastest GPU, and the GPUs of "
                "this machine differ",
                cure=f"set {ORDER}={BY_BUS} to count along the bus, or name them by their uuid",
            )
        found = list(_numbered(written, gpus))
    else:
        found = list(_named(written, gpus))
    uuids = [gpu.uuid for gpu in found]
    return found if len(set(uuids)) == len(uuids) else []


_NUMBER = re.compile(r"\s*\+?\d+")


def _numbered(written: str, gpus: Sequence[Gpu]) -> Iterator[Gpu]:
    firsts: dict[int, Gpu] = {}
    for gpu in gpus:
        firsts.setdefault(gpu.index, gpu)
    for entry in written.split(","):
        number = _NUMBER.match(entry)  # CUDA goes on after a number that letters follow
        if number is None or int(number[0]) not in firsts:
            return
        yield firsts[int(number[0])]


def _named(written: str, gpus: Sequence[Gpu]) -> Iterator[Gpu]:
    kind = written[:4]
    if kind not in {"GPU-", "MIG-"}:
        return
    for entry in (entry.strip() for entry in written.split(",")):
        if not entry.startswith(kind):
            return
        cards: dict[str, Gpu] = {}
        for gpu in gpus:
            cards.setdefault(gpu.uuid if kind == "MIG-" else gpu.part_of or gpu.uuid, gpu)
        meant = [gpu for uuid, gpu in cards.items() if uuid.startswith(entry)]
        if len(meant) != 1:
            return
        yield meant[0]


def _alike(gpus: Sequence[Gpu]) -> bool:
    """Whether counting from the fastest is counting along the bus."""
    # Nothing follows from one that does not even say who it is.
    return len({gpu.name.partition(" MIG ")[0] for gpu in gpus if gpu.uuid}) <= 1
