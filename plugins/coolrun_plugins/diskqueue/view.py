"""The file that people edit: documents of what waits, a line with the version, a line at the end.

The text of every document that nobody touched is copied through as it is.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from coolrun import DefinitionError, Place

END = "# end of the queue"
HINT = (
    "# What waits, in order. Edit, add, remove and reorder; new entries need no RUN_ID, and what\n"
    "# they do not say comes from the default config. `Hold: true` keeps one from being started.\n"
)
SETTLED = 50_000_000  # ns after which a file that changes again has another time stamp

_HEAD = re.compile(
    r"^# coolrun queue (?P<queue>\w+) version (?P<version>\d+)[^\n]*\n?", re.MULTILINE
)
_END = re.compile(rf"^{END}[ \t]*\n?", re.MULTILINE)
_START = re.compile(r"^---(?=[ \t\n]|\Z)", re.MULTILINE)
_ID = re.compile(r"^[\"']?RUN_ID[\"']?:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_CONTENT = re.compile(r"^(?!---[ \t]*(#.*)?$)(?!\.\.\.[ \t]*$)[ \t]*[^\s#]", re.MULTILINE)


class Document(NamedTuple):
    """One document of a save; `line` is that of its first line, `number` counts from 0."""

    text: str
    id: str | None
    line: int
    number: int


@dataclass
class Save:
    """The file as somebody saved it.

    Attributes:
        version: the version that it was made from; None where the line with it is gone.
        preamble: what stands above the first document, the runner's own lines apart.
    """

    data: bytes
    documents: list[Document]
    queue: str | None = None
    version: int | None = None
    whole: bool = True
    preamble: str = ""


class Mark(NamedTuple):
    """What tells a file from the same file saved again."""

    inode: int
    changed: int
    size: int

    @classmethod
    def of(cls, path: Path) -> Mark | None:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return None
        return cls(status.st_ino, status.st_mtime_ns, status.st_size)


@dataclass
class View:
    """The file, as it was last looked at."""

    path: Path
    mark: Mark | None = None
    sure: bool = False
    preamble: str = ""
    problem: str | None = field(default=None)

    def changed(self) -> bool:
        """Whether somebody may have saved it since it was last read or written. Cheap."""
        return not self.sure or Mark.of(self.path) != self.mark

    def load(self) -> bytes | None:
        """What it holds; None where there is none."""
        for _ in range(10):
            mark = Mark.of(self.path)
            try:
                data = self.path.read_bytes()
            except FileNotFoundError:
                self.mark, self.sure = None, True
                return None
            if Mark.of(self.path) == mark:
                break
        self.mark = mark
        # Two saves within one tick of the clock have the same time: look again a little later.
        self.sure = mark is not None and time.time_ns() - mark.changed > SETTLED
        return data

    def write(self, queue: str, version: int, texts: Iterable[str]) -> bool:
        """Write it anew, unless somebody has saved it since it was looked at."""
        from coolrun.files import replace_unchanged

        pieces = (piece.encode() for piece in render(queue, version, texts, self.preamble))
        written = replace_unchanged(self.path, pieces, self.mark)
        if written is None:
            self.sure = False
            return False
        # Not the file as it is now: somebody may have saved it in between.
        self.mark, self.sure = Mark(*written), True
        return True


def render(queue: str, version: int, texts: Iterable[str], preamble: str = "") -> Iterator[str]:
    """The pieces of the file."""
    yield f"# coolrun queue {queue} version {version} (leave this line)\n"
    yield preamble or HINT
    yield from texts
    yield f"{END}\n"


def ids_in(data: bytes) -> set[str]:
    """The ids in a file, whether or not it is whole."""
    return set(_ID.findall(data.decode("utf-8", "replace")))


def parse(data: bytes, path: str) -> Save:
    """The documents of a save, not yet understood.

    Raises:
        DefinitionError: it is not UTF-8 text, or it was cut off.
    """
    from coolrun.yamlio import split

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DefinitionError("it is not UTF-8", cure="save the file as UTF-8") from error
    head = _HEAD.search(text)
    save = Save(data, [])
    if head is not None:
        save.queue, save.version = head["queue"], int(head["version"])
        if _END.search(text) is None:
            raise DefinitionError(
                f"the line {END!r} is missing: this may be half of a file",
                place=Place(path, text.count("\n") + 1),
                cure=f"save it whole, or write {END!r} at the end",
            )
    line = 1
    for number, (start, end) in enumerate(split(data)):
        piece = data[start:end].decode("utf-8-sig").replace("\r\n", "\n")
        lines = piece.count("\n")
        if number == 0:
            begin = _START.search(piece)
            if begin is not None and _CONTENT.search(piece[: begin.start()]) is None:
                save.preamble = _own_removed(piece[: begin.start()])
                line += piece.count("\n", 0, begin.start())
                lines -= piece.count("\n", 0, begin.start())
                piece = piece[begin.start() :]
        piece = _canonical(piece)
        if _CONTENT.search(piece) is not None:
            found = _ID.search(piece)
            save.documents.append(Document(piece, found and found[1], line, number))
        line += lines
    return save


def _canonical(piece: str) -> str:
    if "# " in piece:
        piece = _own_removed(piece)
    if not _START.match(piece):
        piece = f"---\n{piece}"
    if "|+" in piece or ">+" in piece:
        return piece if piece.endswith("\n") else f"{piece}\n"
    return f"{piece.rstrip()}\n"


def _own_removed(text: str) -> str:
    if END in text:
        text = _END.sub("", text)
    return _HEAD.sub("", text) if "# coolrun queue " in text else text
