"""The runs of this folder that go on, as the journals of their sessions tell."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coolrun.errors import CoolrunError
from coolrun.journal import read_finish
from coolrun.standing import Onlooker
from coolrun.store import SessionFolder
from coolrun_plugins.gpu.leasing import ENTRIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass
class RunsUnderWay:
    """What there is to know of them.

    Attributes:
        names: of their experiments, by RUN_ID.
        results: their RUN_IDs by the file that the process of each has open.
        leases: their RUN_IDs by the GPU that was leased to them.
    """

    names: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    leases: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, cwd: Path) -> RunsUnderWay:
        """Those of all sessions of a folder that have not ended by themselves."""
        found = cls()
        for folder in SessionFolder.all(cwd):
            if read_finish(folder.journal) is None:
                found._take(folder)
        return found

    def _take(self, folder: SessionFolder) -> None:
        try:
            standing = Onlooker(folder).look()
        except CoolrunError:
            return  # killed while it began: it has no runs
        for attempt in standing.under_way if standing.is_live else standing.left_behind:
            run = standing.run(attempt)
            self.names[run.id] = run.experiment.name
            self.results[os.path.realpath(run.results)] = run.id
            for uuid in _leased(attempt.more):
                self.leases.setdefault(uuid, []).append(run.id)


def _leased(more: Mapping[str, Any]) -> list[str]:
    entries = more.get("note", {}).get(ENTRIES, [])
    return [uuid for entry in entries for uuid in entry]
