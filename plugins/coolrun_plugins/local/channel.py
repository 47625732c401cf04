"""Messages between the runner and its keeper: pickled tuples on a socket, each with its length.

Both ends are processes of the same session, so that pickle is safe here.
"""

from __future__ import annotations

import pickle
import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

_LENGTH = 8
_CHUNK = 1 << 18


class ChannelClosed(Exception):
    """The process at the other end has gone."""


class Channel:
    """One end. Receiving never blocks; sending does only where `send` is used."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._received = bytearray()
        self._unsent = bytearray()

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def send(self, message: tuple[Any, ...], *, patience: float) -> None:
        """Send a whole message, waiting at most `patience` seconds for room.

        Raises:
            ChannelClosed: nobody reads at the other end.
        """
        self.post(message)
        while self._unsent:
            _, writable, _ = select.select([], [self._socket], [], patience)
            if not writable:
                raise ChannelClosed(f"nothing was read for {patience:g} seconds")
            self.flush()

    def post(self, message: tuple[Any, ...]) -> None:
        """Send as much as there is room for; `flush` sends the rest."""
        data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        self._unsent += len(data).to_bytes(_LENGTH, "big") + data
        self.flush()

    def flush(self) -> None:
        """Send what there is room for.

        Raises:
            ChannelClosed: the other end has gone.
        """
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent[:_CHUNK])
            except BlockingIOError:
                return
            except OSError as error:
                raise ChannelClosed(error.strerror) from error
            del self._unsent[:sent]

    def receive(self) -> tuple[list[tuple[Any, ...]], bool]:
        """The messages that are there, and whether the other end is open still."""
        is_open = True
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                is_open = False
                break
            self._received += data
            if len(data) < _CHUNK:
                break
        return self._complete(), is_open

    def close(self) -> None:
        self._socket.close()

    def _complete(self) -> list[tuple[Any, ...]]:
        messages = []
        start, view = 0, self._received
        while len(view) - start >= _LENGTH:
            end = start + _LENGTH + int.from_bytes(view[start : start + _LENGTH], "big")
            if len(view) < end:
                break
            messages.append(pickle.loads(bytes(view[start + _LENGTH : end])))  # noqa: S301 - own process
            start = end
        del self._received[:start]
        return messages
