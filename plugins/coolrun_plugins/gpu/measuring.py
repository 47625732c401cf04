"""How much memory of its GPUs each run takes at most, as far as the driver tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coolrun_plugins.gpu.usage import Owners, is_visible, memory_by_run

if TYPE_CHECKING:
    from coolrun_plugins.gpu.devices import Gpu
    from coolrun_plugins.gpu.slots import Tenant

INTERVAL = 1.0  # seconds between two looks


@dataclass
class Peaks:
    """The most that each run was seen to take of one GPU, in bytes.

    Where the driver does not say which process takes what, as in a container, it is what a GPU has
    more than before, as long as the run is alone on it.
    """

    _most: dict[str, int] = field(default_factory=dict)
    _before: dict[str, dict[str, int]] = field(default_factory=dict)

    def begin(self, token: str, gpus: Mapping[str, Gpu]) -> None:
        """A run is about to take these GPUs, by uuid."""
        self._before[token] = {uuid: gpu.used for uuid, gpu in gpus.items()}

    def take(self, gpus: Mapping[str, Gpu], tenants: Mapping[str, Tenant], owners: Owners) -> None:
        """Take one look into account."""
        on = {uuid: [t for t, tenant in tenants.items() if uuid in tenant.gpus] for uuid in gpus}
        for uuid, tokens in on.items():
            gpu = gpus[uuid]
            told = memory_by_run(gpu, owners) if tokens else {}
            before = self._before.get(tokens[0], {}).get(uuid) if len(tokens) == 1 else None
            hidden = not any(is_visible(holder.pid) for holder in gpu.holders)
            if hidden and before is not None and gpu.used > before:
                told = {tokens[0]: gpu.used - before}
            for token, memory in told.items():
                self._most[token] = max(memory, self._most.get(token, 0))

    def end(self, token: str) -> int | None:
        """What the run took at most; None: it was never seen."""
        self._before.pop(token, None)
        return self._most.pop(token, None)
