"""The hidden files beside a queue's file: a journal of what happened to it, and a lock."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coolrun import SessionError
from coolrun.files import Appender
from coolrun.plain import decode, encode

from .ledger import FORMAT, Ledger

PATIENCE = 120.0  # seconds that somebody else may hold the lock: a long file is read in ten


class SideFile:
    """The journal of a queue, shared by every process that works on it.

    `ledger` is the state as far as the journal has been read. Only who holds the lock appends.
    """

    def __init__(self, queue: Path) -> None:
        from filelock import FileLock

        self.path = queue.with_name(f".{queue.name}.journal")
        self.ledger = Ledger()
        self._queue = queue
        self._lock = FileLock(queue.with_name(f".{queue.name}.lock"), fallback_to_soft=False)
        self._file = Appender(self.path)
        self._reader = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = 0
        self._news: list[Any] = []

    @contextmanager
    def locked(self) -> Iterator[Ledger]:
        """Be the only one who changes the queue; the ledger is up to date meanwhile.

        Raises:
            SessionError: somebody has held the lock for minutes.
        """
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=PATIENCE)
        except Timeout as error:
            raise SessionError(
                f"somebody holds the lock of the queue {str(self._queue)!r}",
                cure="end the `coolrun` that hangs in it",
            ) from error
        try:
            self.catch_up()
            if self.ledger.queue is None:
                self._write([{"format": FORMAT, "queue": secrets.token_hex(3)}])
            yield self.ledger
        finally:
            self._lock.release()

    def catch_up(self) -> None:
        """Read what others have appended. Without the lock, too."""
        while (size := os.fstat(self._reader).st_size) > self._offset:
            data = os.pread(self._reader, size - self._offset, self._offset)
            end = data.rfind(b"\n") + 1
            if not end:
                return
            self._offset += end
            for line in data[:end].split(b"\n"):
                event = _event(line)
                if event is not None:
                    self.ledger.apply(event)
                    self._news.append(event)

    def news(self) -> Iterator[Any]:
        """What others have appended since the last call, event by event."""
        news, self._news = self._news, []
        for event in news:
            if isinstance(event, list) and event and event[0] == "all":
                yield from event[1]
            else:
                yield event

    def append(self, events: Sequence[Any]) -> None:
        """Let this happen, all of it or nothing. Only with the lock held."""
        if len(events) == 1:
            self._write(list(events))
        elif events:
            self._write([["all", list(events)]])

    def sync(self) -> None:
        """Make everything survive a power loss."""
        self._file.sync()

    def close(self) -> None:
        self._file.close()
        if self._reader >= 0:
            os.close(self._reader)
            self._reader = -1

    def _write(self, events: list[Any]) -> None:
        self._file.append("".join(f"{encode(event)}\n" for event in events).encode())
        for event in events:
            self.ledger.apply(event)
        self._offset = os.fstat(self._reader).st_size


def _event(line: bytes) -> Any:
    """An event, or None where the line is empty or torn."""
    if not line:
        return None
    try:
        return decode(line)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
