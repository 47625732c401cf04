"""What a run prints, read from its file while it is written."""

from __future__ import annotations

import os
from pathlib import Path

from coolrun.output import harmless

CHUNK = 1 << 18
_TAIL = 4096


class Output:
    """Follows one file. It need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self.size = 0

    def read(self, most: int = CHUNK) -> bytes:
        """What was written since the last call, at most so many bytes."""
        if self._descriptor < 0:
            try:
                flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags)
            except FileNotFoundError:
                return b""
        data = os.read(self._descriptor, most)
        self.size += len(data)
        return data

    def skip(self, keep: int) -> int:
        """Go on with the last `keep` bytes; returns how many were left out."""
        if self._descriptor < 0:
            return 0
        left_out = os.fstat(self._descriptor).st_size - self.size - keep
        if left_out <= 0:
            return 0
        self.size = os.lseek(self._descriptor, self.size + left_out, os.SEEK_SET)
        return left_out

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Lines:
    """Turns bytes into whole lines that a terminal can show above a line that changes.

    Attributes:
        rest: the line that has no end yet.
    """

    def __init__(self, *, colour: bool) -> None:
        import codecs

        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._colour = colour
        self.rest = ""

    def take(self, data: bytes, *, final: bool = False) -> str:
        """Whole lines; the rest is kept, unless it is final."""
        text = self.rest + self._decoder.decode(data, final)
        whole, _, self.rest = text.rpartition("\n")
        lines = whole.split("\n") if whole or text.startswith("\n") else []
        if len(self.rest) > _TAIL:
            # Progress that rewrites its line; only what it shows last is of interest.
            self.rest = self.rest.rpartition("\r")[2] or self.rest[-_TAIL:]
        if final and self.rest:
            lines.append(self.rest)
            self.rest = ""
        return "".join(f"{harmless(line, colour=self._colour)}\n" for line in lines)
