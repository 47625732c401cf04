"""Reading logs and asking the query in limited children, one per core where there is much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from coolrun import CoolrunError, DefinitionError, Place
from coolrun.display import shown
from coolrun.records import (
    PART,
    Entry,
    Foreign,
    LogFile,
    Part,
    SimpleReader,
    attempt_of,
    latest,
    shares,
    spread,
)

if TYPE_CHECKING:
    from coolrun import Plain

    from .query import Query

_BATCH = 4_000
_WHAT = "reading the logs"

Log = LogFile | Foreign
Task = list[tuple[int, Part | Foreign]]


@dataclass
class Answer:
    """The records that match, as columns, in the order in which they were read.

    Attributes:
        numbers, starts, ends: the log and the bytes of each.
        keys: a column of sort keys for every sort.
        texts: records that are written anew, by row.
        records: the values, where they were asked for.
        read: how many records there were; `superseded` ones are not among them.
        missing: how many had no such name, by test and name; `known` are keys of one of them.
        found: which of the keys to keep some record had.
        problems: messages about what is broken.
    """

    numbers: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    keys: list[list[Plain]] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    records: list[dict[Any, Plain]] = field(default_factory=list)
    read: int = 0
    superseded: int = 0
    strange: int = 0
    missing: dict[tuple[str, str], int] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def document(self, row: int, logs: Sequence[Log]) -> bytes:
        """A record as it was written, or anew where keys were left out."""
        log = logs[self.numbers[row]]
        if row in self.texts or not isinstance(log, LogFile):
            return self.texts[row].encode()
        return log.text_of(self.starts[row], self.ends[row])


def ask(
    logs: Sequence[Log], query: Query, sorts: int, *, every_attempt: bool, values: bool
) -> Answer:
    """Read all records and keep those that match.

    Args:
        sorts: how many sort keys a record has.
        values: whether the values are wanted, instead of documents.

    Raises:
        ExpressionError: a test or a sort key fails; it names the record.
        CoolrunError: reading took too much time or memory.
    """
    last = {} if every_attempt else _last_attempts(logs)
    work = partial(_asked, query=query, last=last, sorts=sorts, values=values)
    answer = Answer(keys=[[] for _ in range(sorts)])
    for what, *rest in spread(work, _tasks(logs), what=_WHAT):
        _take(answer, what, *rest)
    return answer


def _tasks(logs: Sequence[Log]) -> list[tuple[Task, int]]:
    parts: Task = []
    for number, log in enumerate(logs):
        if isinstance(log, LogFile):
            parts += [(number, part) for part in log.parts(PART)]
        else:
            parts.append((number, log))
    return shares(parts, [len(part) for _, part in parts])


# Attempts: which ones count has to be known before any is tested


def _last_attempts(logs: Sequence[Log]) -> dict[str, int]:
    """The last attempt at what was tried more than once; such records say so."""
    retried = [log for log in logs if not isinstance(log, LogFile) or b"ATTEMPT" in log.data]
    if not retried:
        return {}
    found: list[tuple[str, int]] = []
    for runs, attempts in spread(_attempts, _tasks(retried), what=_WHAT):
        found += zip(runs, attempts, strict=True)
    return latest(found)


def _attempts(task: Task) -> Iterator[Plain]:
    reader = SimpleReader()
    found = [attempt_of(entry.value) for _, part in task for entry in part.entries(reader)]
    known = [one for one in found if one is not None and one[1] > 1]
    yield [[run for run, _ in known], [attempt for _, attempt in known]]


# In the children


def _asked(
    task: Task, *, query: Query, last: Mapping[str, int], sorts: int, values: bool
) -> Iterator[Plain]:
    reader = SimpleReader()
    batch = _Batch(sorts)
    read = superseded = 0
    known: list[str] | None = None
    for number, part in task:
        for entry in part.entries(reader):
            record = entry.value
            if entry.start == 0 and "Global" in record:
                raise _definition(part)
            if last:
                run, attempt = attempt_of(record) or ("", 0)
                if attempt < last.get(run, 0):
                    superseded += 1
                    continue
            read += 1
            try:
                if query.matches(record):
                    batch.add(number, entry, query, values=values)
            except CoolrunError as error:
                raise _named(error, part, entry) from None
            if known is None and query.missing:
                known = [key for key in record if isinstance(key, str)]
            if len(batch.numbers) == _BATCH:
                yield batch.told()
                batch = _Batch(sorts)
        yield from (["problem", str(problem)] for problem in part.problems)
        if part.strange:
            yield ["strange", part.strange]
    yield batch.told()
    missing = [[text, name, count] for (text, name), count in query.missing.items()]
    yield ["end", read, superseded, missing, known or [], sorted(query.found)]


class _Batch:
    """Matches as columns, which are told faster than rows."""

    def __init__(self, sorts: int) -> None:
        self.numbers: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.keys: list[list[Plain]] = [[] for _ in range(sorts)]
        self.texts: dict[int, str] = {}
        self.records: list[Plain] = []

    def add(self, number: int, entry: Entry, query: Query, *, values: bool) -> None:
        for column, key in zip(self.keys, query.sort_keys(entry.value), strict=True):
            column.append(key)
        if values:
            self.records.append(query.kept(entry.value))
        elif not (entry.whole and query.keeps_all):
            from coolrun.yamlio import dump

            self.texts[len(self.numbers)] = f"---\n{dump(query.kept(entry.value))}"
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


# In the parent


def _take(answer: Answer, what: str, *rest: Any) -> None:
    if what == "records":
        numbers, starts, ends, keys, texts, records = rest
        before = len(answer.numbers)
        answer.numbers += numbers
        answer.starts += starts
        answer.ends += ends
        answer.records += records
        for column, more in zip(answer.keys, keys, strict=True):
            column += more
        answer.texts.update((before + at, text) for at, text in texts.items())
    elif what == "problem":
        answer.problems += rest
    elif what == "strange":
        answer.strange += rest[0]
    else:
        read, superseded, missing, known, found = rest
        answer.found.update(found)
        answer.read += read
        answer.superseded += superseded
        answer.known = answer.known or known
        for text, name, count in missing:
            answer.missing[text, name] = answer.missing.get((text, name), 0) + count
