"""Signals as events: they arrive on a descriptor, so that one select waits for everything."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from coolrun.scheduler import Event, Interrupt, Terminate, Tick

_EVENTS: dict[int, Any] = {
    signal.SIGINT: Interrupt,
    signal.SIGTERM: Terminate,
    # The session goes on without its terminal.
    signal.SIGHUP: Tick,
}


class Signals:
    """While it is entered, signals of a session become events; afterwards all is as it was."""

    def __enter__(self) -> Signals:
        self._receiver, self._sender = socket.socketpair()
        for end in (self._receiver, self._sender):
            end.setblocking(False)
        self._before = {number: signal.signal(number, _nothing) for number in _EVENTS}
        self._wakeup = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._receiver.close()
        self._sender.close()

    def fileno(self) -> int:
        return self._receiver.fileno()

    def events(self, now: float) -> Iterator[Event]:
        """What has arrived since the last call."""
        for number in self._receiver.recv(64):
            if number in _EVENTS:
                yield _EVENTS[number](now)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler has to exist for the descriptor to be written to."""
