"""The records of a part of a log as columns: what is remembered of a large log.

A part is known by a digest of its bytes, so nothing that is remembered can be out of date; and
every piece has a checksum, so nothing torn is believed. The values of a key stand together: a
question about three keys reads three columns.

The first line tells the size and the checksum of the second, which is JSON: the version, the
number of records, and where every column is. Then come the columns: where documents start and end,
and for every key its values and the rows that lack it. Numbers of one type are kept as the machine
has them, so the version names the order of its bytes.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

from coolrun.plain import ATOMS, decode, encode

if TYPE_CHECKING:
    from coolrun.plain import Plain
    from coolrun.records.log import Entry

VERSION = f"1 {sys.byteorder}"
MOST_KEYS = 1_000
_ABSENT: Any = object()

Record = dict[Any, "Plain"]


class Recorder:
    """Takes records and makes columns of them. `usable` is false once one cannot be taken."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._rows: list[Record] = []
        self.usable = True

    def add(self, entry: Entry, base: int) -> None:
        """Take a record; its place is counted from `base`."""
        self.usable = self.usable and entry.whole
        self._starts.append(entry.start - base)
        self._ends.append(entry.end - base)
        self._rows.append(entry.value)

    def data(self) -> bytes | None:
        """Everything, as it is written; None where columns are no good form for it."""
        keys = {key for row in self._rows for key in row}
        if not self.usable or len(keys) > MOST_KEYS or any(type(key) is not str for key in keys):
            return None
        columns = self._columns()
        places: list[list[Plain]] = []
        blobs: list[bytes] = []
        self._put(places, blobs, "start", "", self._starts)
        self._put(places, blobs, "end", "", self._ends)
        for key, values in columns.items():
            column = values
            if _ABSENT in column:
                gaps = [at for at, value in enumerate(column) if value is _ABSENT]
                self._put(places, blobs, "gaps", key, gaps)
                column = [None if value is _ABSENT else value for value in column]
            self._put(places, blobs, "values", key, column)
        head = json.dumps([VERSION, len(self._rows), places]).encode()
        return b"%d %d\n%s\n%s" % (len(head), crc32(head), head, b"".join(blobs))

    def _columns(self) -> dict[Any, Sequence[Any]]:
        rows = self._rows
        first = list(rows[0]) if rows else []
        if all(list(row) == first for row in rows):
            return dict(zip(first, zip(*[row.values() for row in rows], strict=True), strict=True))
        keys = dict.fromkeys(key for row in rows for key in row)
        return {key: [row.get(key, _ABSENT) for row in rows] for key in keys}

    def _put(
        self, places: list[list[Plain]], blobs: list[bytes], kind: str, key: str, column: Any
    ) -> None:
        form, blob = _written(column)
        offset = places[-1][3] + places[-1][4] if places else 0
        places.append([kind, key, form, offset, len(blob), crc32(blob)])
        blobs.append(blob)


def _written(column: Sequence[Plain]) -> tuple[str, bytes]:
    """A form that gives exactly these values again, the fastest one that does."""
    kinds = set(map(type, column))
    if kinds == {float}:
        return "d", array("d", column).tobytes()
    if kinds == {int} and min(column) >= -(2**63) and max(column) < 2**63:
        return "q", array("q", column).tobytes()
    if ATOMS.issuperset(kinds):
        return "json", json.dumps(column, separators=(",", ":")).encode()
    return "coded", encode(list(column)).encode()


def _read(form: str, blob: bytes) -> list[Any]:
    if form in {"d", "q"}:
        return array(form, blob).tolist()
    return decode(blob) if form == "coded" else json.loads(blob)  # type: ignore[no-any-return]


class Columns:
    """What `Recorder.data` gave, read again.

    Raises:
        ValueError: it is torn, or of another version; at any time.
    """

    def __init__(self, data: bytes) -> None:
        line, newline, _ = data[:64].partition(b"\n")
        size, checksum = map(int, line.split())
        begin = len(line) + len(newline)
        head = data[begin : begin + size]
        if crc32(head) != checksum:
            raise ValueError("torn")
        version, self._rows, places = json.loads(head)
        if version != VERSION:
            raise ValueError("another version")
        self._data = memoryview(data)[begin + size + 1 :]
        self._places = {(kind, key): rest for kind, key, *rest in places}
        self.keys: list[str] = [key for kind, key, *_ in places if kind == "values"]

    def __len__(self) -> int:
        return int(self._rows)

    def places(self) -> tuple[list[int], list[int]]:
        """Where each document begins and ends in the part."""
        return self._column("start"), self._column("end")

    def records(self, keys: Iterable[str]) -> Iterator[Record]:
        """The records with those of the keys that they have, in their order in the log's keys."""
        wanted = set(keys)
        known = [key for key in self.keys if key in wanted]
        columns = [self._column("values", key) for key in known]
        for key, column in zip(known, columns, strict=True):
            if ("gaps", key) in self._places:
                for row in self._column("gaps", key):
                    column[row] = _ABSENT
        if not columns:
            return iter([{} for _ in range(len(self))])
        if all(("gaps", key) not in self._places for key in known):
            return (dict(zip(known, row, strict=True)) for row in zip(*columns, strict=True))
        return _sparse(known, columns)

    def _column(self, kind: str, key: str = "") -> list[Any]:
        form, offset, size, checksum = self._places[kind, key]
        blob = bytes(self._data[offset : offset + size])
        if crc32(blob) != checksum:
            raise ValueError("torn")
        column = _read(form, blob)
        if kind != "gaps" and len(column) != self._rows:
            raise ValueError("torn")
        return column


def _sparse(known: Sequence[str], columns: Sequence[list[Any]]) -> Iterator[Record]:
    for row in zip(*columns, strict=True):
        yield {key: value for key, value in zip(known, row, strict=True) if value is not _ABSENT}
