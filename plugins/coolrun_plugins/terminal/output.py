"""What a run prints, read from its file while it is written."""

from __future__ import annotations

import os
import re
from pathlib import Path

from coolrun.display import visible

CHUNK = 1 << 18
_TAIL = 4096

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# Other sequences move the cursor, clear the screen or rename the window.
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;:]*m)")


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


def harmless(line: str, *, colour: bool) -> str:
    """A line of output as a terminal would leave it, with nothing in it that moves the cursor."""
    if "\r" in line:
        line = line.rstrip("\r").rpartition("\r")[2]
    if line.isprintable():
        return line
    coloured = "\x1b[" in line
    if coloured and not colour:
        line = _COLOUR.sub("", line)
    line = _SEQUENCE.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", line)
    line = _CONTROL.sub("", line)
    return f"{line}\x1b[0m" if coloured and colour else line


def last_lines(path: Path, count: int, width: int = 200) -> list[str]:
    """The last lines of a file, shortened and without anything that a terminal would obey."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 16 * 1024))
            data = file.read()
    except FileNotFoundError:
        return []
    lines = [harmless(line, colour=False) for line in data.decode(errors="replace").splitlines()]
    return [visible(line.expandtabs())[:width] for line in lines if line.strip()][-count:]
