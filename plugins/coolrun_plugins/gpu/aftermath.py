"""Whether GPUs are free again when their runs have ended, and what still holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coolrun_plugins.gpu.needs import in_words
from coolrun_plugins.gpu.usage import Owners, process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coolrun_plugins.gpu.devices import Gpu

PATIENCE = 2.0  # seconds in which a driver gives back what a process had
_MUCH = 256 << 20  # bytes; what drivers keep for themselves is less


@dataclass
class Aftermath:
    """Remembers which runs were on which GPU until it was seen free of them.

    Attributes:
        suspects: the runs of each GPU, and when the last one ended.
    """

    suspects: dict[str, tuple[Owners, float]] = field(default_factory=dict)
    _before: dict[str, int] = field(default_factory=dict)
    _told: set[tuple[str, int]] = field(default_factory=set)

    def begin(self, gpus: Mapping[str, Gpu]) -> None:
        """Runs are about to take these GPUs, by uuid."""
        for uuid, gpu in gpus.items():
            self._before.setdefault(uuid, gpu.used)

    def ended(self, run: Owners, uuids: Collection[str], now: float) -> None:
        """A run that had these GPUs has ended."""
        for uuid in uuids:
            owners, _ = self.suspects.get(uuid, (Owners(), now))
            owners.merge(run)
            self.suspects[uuid] = (owners, now)

    def clear(self, gpus: Mapping[str, Gpu], busy: Collection[str]) -> None:
        """Forget the GPUs that are free of runs that have ended; others still run on the busy."""
        for uuid, (owners, _) in list(self.suspects.items()):
            if uuid in gpus and not any(self._left(gpus[uuid], owners, ours=uuid in busy)):
                del self.suspects[uuid]

    def overdue(
        self, gpus: Mapping[str, Gpu], busy: Collection[str], now: float
    ) -> Iterator[tuple[str, str]]:
        """The uuids of GPUs that should be free by now, and what holds them; each is told once."""
        for uuid, (owners, since) in self.suspects.items():
            if uuid in gpus and now >= since + PATIENCE:
                for pid, words in self._left(gpus[uuid], owners, ours=uuid in busy):
                    if (uuid, pid) not in self._told:
                        self._told.add((uuid, pid))
                        yield uuid, words

    def _left(self, gpu: Gpu, owners: Owners, *, ours: bool) -> Iterator[tuple[int, str]]:
        """What the runs have left: the number of the process, or 0, and words for people."""
        for holder in gpu.holders:
            if owners.had(holder.pid):
                much = "" if holder.memory is None else f" {in_words(holder.memory)} of it"
                yield holder.pid, f"{process(holder.pid)} still holds{much or ' it'}"
        more = gpu.used - self._before.get(gpu.uuid, gpu.used)
        if not gpu.holders and not ours and more > _MUCH:
            yield 0, f"{in_words(more)} of it are still taken, the driver does not say by whom"
