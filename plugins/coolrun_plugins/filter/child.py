"""What a limited child does: read its share of the logs and ask the query of every record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from coolrun import CoolrunError, DefinitionError, Place
from coolrun.display import shown
from coolrun.records import Entry, Foreign, Memory, Part, SimpleReader, attempt_of

if TYPE_CHECKING:
    from coolrun import Plain
    from coolrun.records import Recorder

    from .query import Query

Task = list[tuple[int, Part | Foreign]]

_BATCH = 4_000
_TOLD = 500  # records between two times of telling how far it is
_ATTEMPT_KEYS = frozenset({"RUN_ID", "ATTEMPT"})


def attempts(task: Task, *, memory: Memory) -> Iterator[Plain]:
    """The runs of attempts beyond the first, and which attempts they are."""
    reader = SimpleReader()
    found = [
        attempt_of(entry.value)
        for _, part in task
        for entry in _Rows(part, memory, _ATTEMPT_KEYS).entries(reader)
    ]
    again = [one for one in found if one is not None and one[1] > 1]
    yield [[run for run, _ in again], [attempt for _, attempt in again]]


class Child:
    """Answers for a share of the logs.

    Args:
        last: the last attempt at what was tried more than once.
        sorts: how many sort keys a record has.
        values: whether the values are wanted, instead of documents.
    """

    def __init__(
        self,
        query: Query,
        last: Mapping[str, int],
        memory: Memory,
        *,
        sorts: int,
        values: bool,
    ) -> None:
        self._query = query
        self._last = last
        self._memory = memory
        self._sorts = sorts
        self._values = values
        self._reader = SimpleReader()
        self._read = self._superseded = 0
        self._known: list[str] = []

    def answer(self, task: Task) -> Iterator[Plain]:
        """Matches in batches, what is broken, columns to remember, and in the end the counts.

        Now and then how many bytes of its share have been read.
        """
        batch = _Batch(self._sorts)
        before = 0
        needed = self._query.needed
        if needed is not None and self._last:
            needed = needed | _ATTEMPT_KEYS
        for number, part in task:
            rows = _Rows(part, self._memory, needed)
            for entry in rows.entries(self._reader):
                if entry.start == 0 and "Global" in entry.value:
                    raise _definition(part)
                if self._last and self._is_superseded(entry):
                    continue
                self._read += 1
                if self._read % _TOLD == 0 and isinstance(part, Part):
                    yield ["read", before + entry.end - part.start]
                try:
                    if self._query.matches(entry.value):
                        self._add(batch, number, rows, entry)
                except CoolrunError as error:
                    raise _named(error, part, entry) from None
                if len(batch.numbers) == _BATCH:
                    yield batch.told()
                    batch = _Batch(self._sorts)
            before += len(part)
            if self._query.missing:
                self._known = self._known or rows.keys
            yield from (["problem", str(problem)] for problem in part.problems)
            if part.strange:
                yield ["strange", part.strange]
            size = rows.told()
            if size and isinstance(part, Part):
                yield ["columns", number, part.start, size]
        yield batch.told()
        missing = [[text, name, count] for (text, name), count in self._query.missing.items()]
        found = sorted(self._query.found)
        yield ["end", self._read, self._superseded, missing, self._known, found]

    def _is_superseded(self, entry: Entry) -> bool:
        run, attempt = attempt_of(entry.value) or ("", 0)
        superseded = attempt < self._last.get(run, 0)
        self._superseded += superseded
        return superseded

    def _add(self, batch: _Batch, number: int, rows: _Rows, entry: Entry) -> None:
        keys = self._query.sort_keys(entry.value)
        if self._values and self._query.keeps_all:
            entry = rows.whole(entry, self._reader)
        if self._values:
            batch.records.append(self._query.kept(entry.value))
        elif not (entry.whole and self._query.keeps_all):
            from coolrun.yamlio import dump

            batch.texts[len(batch.numbers)] = f"---\n{dump(self._query.kept(entry.value))}"
        batch.add(number, entry, keys)


class _Rows:
    """The records of a part: as columns of the keys that are needed, or read from the log."""

    def __init__(self, part: Part | Foreign, memory: Memory, needed: frozenset[str] | None) -> None:
        self.keys: list[str] = []
        self._part = part
        self._memory = memory
        self._needed = needed
        self._partial = False
        self._recorder: Recorder | None = None

    def entries(self, reader: SimpleReader) -> Iterator[Entry]:
        part = self._part
        if not isinstance(part, Part):
            return part.entries(reader)
        remembered = self._remembered(part)
        if remembered is not None:
            return remembered
        self._recorder = self._memory.recorder(part)
        return self._recorded(part, reader)

    def whole(self, entry: Entry, reader: SimpleReader) -> Entry:
        """The entry with all of its keys."""
        if self._partial and isinstance(self._part, Part):
            return self._part.entry_at(entry.start, entry.end, reader)
        return entry

    def told(self) -> int:
        """Tell the parent what is worth remembering; how many bytes that is."""
        part, recorder = self._part, self._recorder
        if recorder is None or not isinstance(part, Part) or part.problems or part.strange:
            return 0
        return self._memory.tell(part, recorder)

    def _remembered(self, part: Part) -> Iterator[Entry] | None:
        columns = self._memory.find(part) if self._needed is not None else None
        if columns is None or self._needed is None:
            return None
        try:
            starts, ends = columns.places()
            records = columns.records(self._needed)
        except (ValueError, KeyError, TypeError):
            return None  # it is torn: the log itself is read
        self.keys, self._partial, base = columns.keys, True, part.start
        return (
            Entry(base + start, base + end, record, True)
            for start, end, record in zip(starts, ends, records, strict=True)
        )

    def _recorded(self, part: Part, reader: SimpleReader) -> Iterator[Entry]:
        record = self._recorder.add if self._recorder is not None else None
        base = part.start
        for entry in part.entries(reader):
            if record is not None:
                record(entry, base)
            if not self.keys:
                self.keys = [key for key in entry.value if isinstance(key, str)]
            yield entry


class _Batch:
    """Matches as columns, which are told faster than rows."""

    def __init__(self, sorts: int) -> None:
        self.numbers: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.keys: list[list[Plain]] = [[] for _ in range(sorts)]
        self.texts: dict[int, str] = {}
        self.records: list[Plain] = []

    def add(self, number: int, entry: Entry, keys: list[Plain]) -> None:
        for column, key in zip(self.keys, keys, strict=True):
            column.append(key)
        self.numbers.append(number)
        self.starts.append(entry.start)
        self.ends.append(entry.end)

    def told(self) -> Plain:
        columns = [self.numbers, self.starts, self.ends, self.keys]
        return ["records", *columns, self.texts, self.records]


def _definition(part: Part | Foreign) -> CoolrunError:
    return DefinitionError(
        f"{part.path!r} is a definition of experiments, not a log of records",
        cure="name the log: the YamlLog of the definition, or a file that `collect` wrote",
    )


def _named(error: CoolrunError, part: Part | Foreign, entry: Entry) -> CoolrunError:
    line = part.line_of(part.content_of(entry.start)) if isinstance(part, Part) else 0
    name = entry.value.get("Name")
    who = "a record" if name is None else f"record {shown(name, 60)}"
    return error.at(place=Place(part.path, line), experiment=who)
