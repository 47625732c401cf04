"""Orders from another terminal: lines of JSON in a named pipe of the session's folder.

A pipe needs no port, no password and no thread, and its path may be long.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path


class Control:
    """The session's end of the pipe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        # Open for writing as well: with no writer left the pipe would be readable for ever.
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._received = b""

    def fileno(self) -> int:
        return self._descriptor

    def orders(self) -> Iterator[Sequence[str]]:
        """The orders that have arrived: a verb and its arguments. What is no order is dropped."""
        try:
            self._received += os.read(self._descriptor, 65_536)
        except BlockingIOError:
            return
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            try:
                words = json.loads(line)
            except ValueError:
                continue
            if isinstance(words, list) and words and all(isinstance(w, str) for w in words):
                yield words

    def close(self) -> None:
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)


def send_order(path: Path, words: Sequence[str]) -> bool:
    """Give an order to the session whose pipe this is; False when nobody listens."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENXIO}:
            return False
        raise
    try:
        os.write(descriptor, json.dumps(list(words)).encode() + b"\n")
    finally:
        os.close(descriptor)
    return True
