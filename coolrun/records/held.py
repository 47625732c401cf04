"""Which records a log holds, looked up without reading them: by the bytes of their identities."""

from __future__ import annotations

import re
from pathlib import Path

_MARK = b"---\n"
_RUN = re.compile(rb"^RUN_ID: ['\"]?([^\s'\"]+)['\"]?$", re.MULTILINE)
_KEY = re.compile(rb"^([^\s-][^:\n]*):", re.MULTILINE)


class HeldRecords:
    """The identities of the records in a log; what was looked at once is not looked at again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, int] = {}
        self._last = 0  # where the last document begins
        # The document that was the last one at first: it may be torn, and then others follow it.
        self._doubtful: tuple[int, bytes] | None = None

    def is_followed(self, run: str) -> bool:
        """Whether the log holds the record of a run, and something after it."""
        self._look()
        return self._places.get(run, self._last) < self._last

    def part_of(self, run: str, document: bytes) -> int:
        """How many bytes of the document of a run need not be written.

        All of it where the log holds a record of the run; some where its end is the beginning of
        just this document, torn by a crash or a full disk; else none.
        """
        tail = self._look()
        place = self._places.get(run)
        assert self._doubtful is not None
        begin, doubtful = self._doubtful
        if place is not None and place < self._last:
            torn = begin <= place < begin + len(doubtful) and not _is_whole(doubtful, document)
            return 0 if torn else len(document)
        if document.startswith(tail):
            return len(tail)
        return len(document) if place is not None and _is_whole(tail, document) else 0

    def _look(self) -> bytes:
        """Take in what was added, and return the last document as far as it was written."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._last)
                data = file.read()
        except FileNotFoundError:
            data = b""
        for found in _RUN.finditer(data):
            self._places[found[1].decode("utf-8", "replace")] = self._last + found.start()
        begin = _last_document(data)
        self._last += begin
        if self._doubtful is None:
            self._doubtful = (self._last, data[begin:])
        return data[begin:]


def _last_document(data: bytes) -> int:
    """Where the last document begins; even the line that begins it may be torn."""
    for length in (1, 2, 3):
        if data == _MARK[:length] or data.endswith(b"\n" + _MARK[:length]):
            return len(data) - length
    return data.rfind(b"\n" + _MARK) + 1


def _is_whole(tail: bytes, document: bytes) -> bool:
    """Whether nothing is missing at the end of what was written of a record of the same run."""
    keys = [found[1] for found in _KEY.finditer(document)]
    return tail.endswith(b"\n") and keys[-1] in {found[1] for found in _KEY.finditer(tail)}
