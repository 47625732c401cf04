"""Messages between the runner and its keeper: pickled tuples on a socket, each with its length.

Both ends are processes of the same session, so that pickle is safe here. Open files travel beside
a message; whoever receives it takes as many as the message says. They may be fewer: nothing tells
of those for which there is no room.
"""

from __future__ import annotations

import os
import pickle
import select
import socket
from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTH = 8
_CHUNK = 1 << 18
MOST = 253  # open files that Linux lets go with a message (SCM_MAX_FD)
_ROOM = socket.CMSG_SPACE(MOST * array("i").itemsize)


class ChannelClosed(Exception):
    """The process at the other end has gone."""


class Channel:
    """One end. Receiving never blocks; sending does only where `send` is used.

    Attributes:
        files: the open files that were received and not taken yet, in the order of their messages.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._received = bytearray()
        self._unsent = bytearray()
        self._unsent_files: Sequence[int] = ()
        self.files: list[int] = []

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def send(self, message: tuple[Any, ...], *, patience: float, files: Sequence[int] = ()) -> None:
        """Send a whole message and open files, waiting at most `patience` seconds for room.

        Raises:
            ChannelClosed: nobody reads at the other end.
        """
        if files:
            self._wait_until_sent(patience)  # they go with the first byte of their own message
            self._unsent_files = files
        self.post(message)
        self._wait_until_sent(patience)

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
                sent = self._send(self._unsent[:_CHUNK])
            except BlockingIOError:
                return
            except OSError as error:
                raise ChannelClosed(error.strerror) from error
            del self._unsent[:sent]

    def _send(self, data: bytearray) -> int:
        if not self._unsent_files:
            return self._socket.send(data)
        sent = socket.send_fds(self._socket, [data], self._unsent_files)
        self._unsent_files = ()
        return sent

    def _wait_until_sent(self, patience: float) -> None:
        while self._unsent:
            _, writable, _ = select.select([], [self._socket], [], patience)
            if not writable:
                raise ChannelClosed(f"nothing was read for {patience:g} seconds")
            self.flush()

    def receive(self) -> tuple[list[tuple[Any, ...]], bool]:
        """The messages that are there, and whether the other end is open still."""
        is_open = True
        while True:
            try:
                data, beside, _, _ = self._socket.recvmsg(_CHUNK, _ROOM)
            except BlockingIOError:
                break
            except OSError:
                data, beside = b"", []
            for _, _, numbers in beside:
                self._keep(numbers)
            if not data:
                is_open = False
                break
            self._received += data
            if len(data) < _CHUNK:
                break
        return self._complete(), is_open

    def close(self) -> None:
        self._socket.close()

    def _keep(self, numbers: bytes) -> None:
        """Keep open files; what is torn of the last number is no file."""
        files = array("i", numbers[: len(numbers) - len(numbers) % array("i").itemsize])
        for number in files:
            os.set_inheritable(number, False)
        self.files += files

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
