"""What a GPU is, whoever made it, and who says which there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Holder:
    """A process that uses a GPU.

    Attributes:
        pid: its number, as the host counts.
        memory: bytes of the GPU that it takes; None where the driver does not say.
    """

    pid: int
    memory: int | None = None


@dataclass(frozen=True)
class Gpu:
    """One GPU, or one slice of a card that was divided (MIG), at one moment.

    Attributes:
        index: its place in the order of the PCI bus, as CUDA_VISIBLE_DEVICES counts where
            CUDA_DEVICE_ORDER is PCI_BUS_ID; for a slice the place of its card.
        uuid: the name that nothing else in the world has, `GPU-...` or `MIG-...`; empty where a
            broken GPU does not tell it.
        name: what its maker calls it.
        memory: bytes in all; 0 where it is not known.
        used: bytes taken, by whomever.
        utilisation: percent of the time that it computed; None where it is not measured.
        holders: the processes that use it.
        trouble: why no run may use it; None for a sound one.
        part_of: for a slice the uuid of the card.
    """

    index: int
    uuid: str
    name: str
    memory: int = 0
    used: int = 0
    utilisation: float | None = None
    holders: tuple[Holder, ...] = ()
    trouble: str | None = None
    part_of: str | None = None

    @property
    def free(self) -> int:
        """Bytes that nobody has taken."""
        return max(0, self.memory - self.used)


class Inventory(Protocol):
    """Says which GPUs there are. One thread uses it."""

    def look(self) -> Sequence[Gpu]:
        """All GPUs as they are now, in the order of the bus, slices in the place of their card.

        A GPU that does not answer is in the list, with its `trouble`.

        Raises:
            Silent: it does not answer now, and is asked again; see `coolrun_plugins.gpu.silence`.
            CoolrunError: the driver as a whole does not answer.
        """
        ...

    def close(self) -> None:
        """Give back what the driver lent. May be called twice; `look` may not be called after."""
        ...
