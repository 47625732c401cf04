"""The GPUs that a session has locked. Its runs share the lock of a GPU, and each inherits it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coolrun import SessionError

if TYPE_CHECKING:
    from coolrun_plugins.gpu.locks import Locks


RENEWAL = 3600.0  # seconds; days are what systems wait before they remove what nobody uses


@dataclass(frozen=True)
class Refused:
    """A GPU that could not be locked, and why; `is_unusable`: not because somebody has it."""

    uuid: str
    reason: str
    is_unusable: bool = False


class Holdings:
    """The locks that a session has.

    Attributes:
        owner: who has them, in a few words for the people of other sessions.
    """

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._held: dict[str, int] = {}
        self.owner = ""

    def check(self, uuids: Iterable[str]) -> None:
        """Find out whether these GPUs can be locked at all.

        Raises:
            SessionError: they cannot.
        """
        for uuid in uuids:
            self._locks.check(uuid)

    def take(self, uuids: Iterable[str]) -> Refused | None:
        """Lock all of these GPUs, or none and tell which one cannot be had."""
        fresh: dict[str, int] = {}
        for uuid in uuids:
            if uuid in self._held:
                continue
            taken = self._taken(uuid)
            if isinstance(taken, Refused):
                for other in fresh.values():
                    os.close(other)
                return taken
            fresh[uuid] = taken
        self._held.update(fresh)
        return None

    def _taken(self, uuid: str) -> int | Refused:
        try:
            taken = self._locks.take(uuid, self.owner)
            return Refused(uuid, self._who_has(uuid)) if taken is None else taken
        except SessionError as error:
            # The other GPUs go on, and this one as soon as its lock is a lock again.
            return Refused(uuid, error.message, is_unusable=True)

    def descriptors(self, uuids: Iterable[str]) -> tuple[int, ...]:
        """The open files that hold the locks of these GPUs."""
        return tuple(self._held[uuid] for uuid in uuids)

    def renew(self) -> None:
        """Have the locks look used: what is old below /tmp is removed, whoever has it open."""
        for descriptor in self._held.values():
            try:
                os.utime(descriptor)
            except OSError:
                continue  # another person's file that only they may write to

    def give_back(self, uuids: Iterable[str]) -> None:
        """No run of ours is on these GPUs any more; what they have started may still be."""
        for uuid in uuids:
            if uuid in self._held:  # not that of a run which an earlier runner has started
                os.close(self._held.pop(uuid))

    def _who_has(self, uuid: str) -> str:
        """Why a GPU could not be locked, in words."""
        holder = self._locks.holder(uuid)
        if holder == self.owner:
            holder = "a process that a run of this session has left"
        return f"{holder or 'another session'} has it"
