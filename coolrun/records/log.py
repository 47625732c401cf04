"""The documents of a log, one by one: those that are broken do not hide the others."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from coolrun.errors import DefinitionError
from coolrun.records.simple import SimpleReader
from coolrun.yamlio import LOG, read, split
from coolrun.yamlio.source import check_text, line_at

if TYPE_CHECKING:
    from coolrun.plain import Plain

LARGEST = 4 << 30  # bytes of a log; a sparse file claims more than any machine has

_BOM = b"\xef\xbb\xbf"
_START = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
# A directive or the end of a document: what follows must not be moved away from it.
_MARKER = re.compile(rb"^(?:%|\.\.\.)", re.MULTILINE)
# The first line of what commands write for people.
_OWN = re.compile(rb"\A(?:\xef\xbb\xbf)?# coolrun (?:queue |[a-z]+ [0-9]+(?=[:\r\n]|\Z))")


class Entry(NamedTuple):
    """A record in a log: its bytes, and its value. `whole`: the bytes hold it and nothing else."""

    start: int
    end: int
    value: dict[Any, Plain]
    whole: bool


class LogFile:
    """A log as it was at one moment.

    Iterating gives its records. It is what plugins that know other formats need not imitate: they
    give mappings.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data

    def __iter__(self) -> Iterator[dict[Any, Plain]]:
        for entry in Part(self, 0, len(self.data)).entries(SimpleReader()):
            yield entry.value

    @property
    def written_by_command(self) -> bool:
        """Whether a command wrote it for people: its first line says so."""
        return _OWN.match(self.data) is not None

    def parts(self, size: int) -> Iterator[Part]:
        """The file in parts of about `size` bytes; they begin where documents do."""
        start = 0
        while len(self.data) - start > size * 3 // 2:
            match = _START.search(self.data, start + size)
            if match is None:
                break
            yield Part(self, start, match.start())
            start = match.start()
        yield Part(self, start, len(self.data))

    def text_of(self, start: int, end: int) -> bytes:
        """A whole record as a document that can stand between others."""
        piece = self.data[start:end]
        if start == 0:
            match = _START.search(piece)
            piece = piece[match.start() :] if match else b"---\n" + piece.removeprefix(_BOM)
        return piece if piece.endswith(b"\n") else piece + b"\n"


class Part:
    """A part of a log. `problems` and `strange` are filled while its entries are read.

    Attributes:
        problems: what is broken; the error says where.
        strange: documents that are no mappings, and so no records.
    """

    def __init__(self, log: LogFile, start: int, end: int) -> None:
        self.log = log
        self.start = start
        self.end = end
        self.problems: list[DefinitionError] = []
        self.strange = 0
        self._line = 1
        self._counted = 0

    @property
    def path(self) -> str:
        return self.log.path

    def __len__(self) -> int:
        return self.end - self.start

    def entries(self, reader: SimpleReader) -> Iterator[Entry]:
        """The records, in order; `reader` remembers from one part to the next."""
        whole_file = len(self) == len(self.log.data)
        data = self.log.data if whole_file else self.log.data[self.start : self.end]
        simple = reader.read if self._is_plain(data) else None
        for start, end in split(data):
            if simple is not None:
                value = simple(data[start:end].decode())
                if value is not None:
                    yield Entry(self.start + start, self.start + end, value, True)
                    continue
            yield from self._fully(data, start, end)

    def entry_at(self, start: int, end: int, reader: SimpleReader) -> Entry:
        """The record that is known to stand there."""
        single = Part(self.log, start, end)
        return next(single.entries(reader))

    def line_of(self, start: int) -> int:
        """The line of a byte of the file. Asked in order, it counts every line once."""
        if start < self._counted:
            self._counted, self._line = 0, 1
        self._line += line_at(self.log.data[self._counted : start], start - self._counted) - 1
        self._counted = start
        return self._line

    def content_of(self, start: int) -> int:
        """Where a document begins that stands under a line of `---`."""
        return start + 4 if self.log.data.startswith(b"---\n", start) else start

    def _is_plain(self, data: bytes) -> bool:
        try:
            check_text(data, self.log.path)
        except DefinitionError:
            return False  # each document is looked at by itself, and only the bad ones are lost
        return b"\r" not in data

    def _fully(self, data: bytes, start: int, end: int) -> Iterator[Entry]:
        piece = data[start:end]
        found = []
        try:
            found = [one.value for one in read(piece, path=self.log.path, limits=LOG)]
        except DefinitionError:
            found = self._again(piece, self.line_of(self.start + start))
        whole = len(found) == 1 and not _MARKER.search(piece)
        for value in found:
            if type(value) is dict:
                yield Entry(self.start + start, self.start + end, value, whole)
            elif value is not None:
                self.strange += 1

    def _again(self, piece: bytes, line: int) -> list[Plain]:
        """Read for the places of errors, which cost too much where there are none."""
        found: list[Plain] = []
        try:
            found.extend(
                one.value for one in read(piece, path=self.log.path, limits=LOG, first_line=line)
            )
        except DefinitionError as error:
            # What it was raised from holds on to the document and its parser.
            error.__traceback__ = error.__context__ = None
            self.problems.append(error)
        return found


def read_log(path: str | os.PathLike[str], shown: str) -> LogFile:
    """The log at a path, with the name that messages use.

    Raises:
        OSError: it cannot be read, or not into this machine's memory.
    """
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST:
            raise OSError(errno.EFBIG, f"it is larger than {LARGEST:,} bytes")
        try:
            return LogFile(shown, file.readall())
        except MemoryError:
            raise OSError(errno.ENOMEM, f"{size:,} bytes are too much for the memory") from None
