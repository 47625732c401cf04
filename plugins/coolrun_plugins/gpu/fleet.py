"""The GPUs that a session may hand out, as they are now."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from coolrun import CoolrunError
from coolrun_plugins.gpu.confinement import VISIBLE, confined
from coolrun_plugins.gpu.settings import entries_of
from coolrun_plugins.gpu.silence import Silent

if TYPE_CHECKING:
    from coolrun import Config
    from coolrun_plugins.gpu.devices import Gpu, Inventory
    from coolrun_plugins.gpu.needs import Need
    from coolrun_plugins.gpu.settings import Choice
    from coolrun_plugins.gpu.slots import Entry

FRESH = 0.2  # seconds for which one look is good
PATIENCE = 60.0  # seconds after which a driver that does not answer is given up


class Fleet:
    """Looks at the GPUs that were asked for; those that fail are given to no more runs.

    Attributes:
        entries: what is handed out together.
        drained: why GPUs are not handed out any more, by uuid.
        counts_all: whether all that have a number are sound, others CUDA may not count, and none
            has come or gone, which would give others its number.
        silence: why nothing is known of them now, and none is handed out; None where that is so.
    """

    def __init__(self, config: Config, choice: Choice) -> None:
        self._config = config
        self._choice = choice
        self._inventory: Inventory | None = None
        self._gpus: dict[str, Gpu] = {}
        self._order: dict[str, int] = {}
        self._looked = float("-inf")
        self.entries: list[Entry] = []
        self.drained: dict[str, str] = {}
        self._all: frozenset[str] = frozenset()
        self.counts_all = True
        self.silence: str | None = None
        self._there = False
        config.add_cleanup(self.rest)

    def survey(self) -> None:
        """Find out which GPUs there are and which of them were asked for.

        Raises:
            UsageError: one was named that is not there, or not for this process to hand out.
            SessionError: the driver is broken.
        """
        gpus = self._looked_at()
        self._there = bool(gpus)
        visible = confined(gpus, os.environ)
        self.entries = entries_of(self._choice, gpus, visible)
        wanted = {uuid for entry in self.entries for uuid in entry.gpus}
        self._gpus = {gpu.uuid: gpu for gpu in gpus if gpu.uuid in wanted}
        self._order = {uuid: number for number, uuid in enumerate(self._gpus)}
        self._drain_unsound({})

    def look(self) -> Mapping[str, Gpu]:
        """The GPUs that were asked for, by uuid, as they are or were a moment ago."""
        clock = self._config.clock
        if clock.monotonic() - self._looked > FRESH:
            silence, self.silence = self.silence, None
            try:
                seen = {gpu.uuid: gpu for gpu in self._looked_at()}
                gone = dict.fromkeys(self._gpus.keys() - seen.keys(), "it is gone")
            except CoolrunError as error:  # once for all of them
                seen, gone = {}, dict.fromkeys(self._gpus, error.message)
                if isinstance(error, Silent) and error.seconds < PATIENCE:
                    gone, self.silence = {}, error.message
                    if silence is None:
                        self._config.warn(f"{error.message}: no run gets a GPU until it does")
            self._gpus = {uuid: seen.get(uuid, gpu) for uuid, gpu in self._gpus.items()}
            self._looked = clock.monotonic()
            self._drain_unsound(gone)
        return self._gpus

    def forget(self) -> None:
        """What was seen is not true any more: a run has ended."""
        self._looked = float("-inf")

    def rest(self) -> None:
        """Let go of the driver until the next look: a fork must not inherit it."""
        inventory, self._inventory = self._inventory, None
        if inventory is not None:
            inventory.close()

    @property
    def memory(self) -> dict[str, int]:
        """The bytes of each GPU that may be handed out, by uuid."""
        return {uuid: gpu.memory for uuid, gpu in self._gpus.items() if uuid not in self.drained}

    @property
    def why_none(self) -> str:
        """Why no GPU may be handed out."""
        if not self._there:
            return "no driver was found that tells of one"
        if not self._gpus:
            return f"{VISIBLE} is {os.environ.get(VISIBLE, '')!r}"
        return self._losses

    @property
    def lost(self) -> str:
        """Which GPUs are not handed out any more and why, in brackets; empty if none."""
        return f" ({self._losses})" if self.drained else ""

    @property
    def _losses(self) -> str:
        return "; ".join(f"{self.name(uuid)}: {why}" for uuid, why in self.drained.items())

    def entries_for(self, need: Need) -> Sequence[Entry]:
        """The entries that a run may get: a program can use one slice of a card, and no more.

        Source of facts: NVIDIA's MIG User Guide, "Device Enumeration".
        """
        if need.count < 2:
            return self.entries
        return [e for e in self.entries if not any(self._gpus[u].part_of for u in e.gpus)]

    def in_order(self, uuids: Sequence[str]) -> list[Gpu]:
        """These GPUs in the order of the bus."""
        return [self._gpus[uuid] for uuid in sorted(uuids, key=self._order.__getitem__)]

    def name(self, uuid: str) -> str:
        """What people call a GPU: `GPU 0`, or the uuid of a slice."""
        gpu = self._gpus[uuid]
        return gpu.uuid if gpu.part_of is not None or gpu.index < 0 else f"GPU {gpu.index}"

    def _looked_at(self) -> list[Gpu]:
        if self._inventory is None:
            asked = self._config.pluginmanager.ask("coolrun_gpu_inventory", config=self._config)
            self._inventory = asked
            if asked is None:
                return []
        gpus = self._inventory.look()
        uuids = frozenset(gpu.uuid for gpu in gpus)
        self._all = self._all or uuids
        sound = all(gpu.trouble is None for gpu in gpus if gpu.index >= 0)
        self.counts_all = sound and uuids == self._all
        # A broken one may not say who it is.
        return [g if g.uuid else replace(g, uuid=f"unknown-{g.index}") for g in gpus]

    def _drain_unsound(self, gone: Mapping[str, str]) -> None:
        troubled = {uuid: gpu.trouble for uuid, gpu in self._gpus.items() if gpu.trouble}
        for uuid, reason in {**troubled, **gone}.items():
            if uuid not in self.drained:
                self.drained[uuid] = reason
                self._config.warn(f"{self.name(uuid)} is left out from now on: {reason}")
