"""What a run printed, as a terminal may show it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from coolrun.display import visible

_TAIL = 16 * 1024  # bytes at the end of a file that are looked at

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# Other sequences move the cursor, clear the screen or rename the window.
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[[0-9;:]*m)")


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
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            data = file.read()
    except FileNotFoundError:
        return []
    lines = [harmless(line, colour=False) for line in data.decode(errors="replace").splitlines()]
    return [visible(line.expandtabs())[:width] for line in lines if line.strip()][-count:]
