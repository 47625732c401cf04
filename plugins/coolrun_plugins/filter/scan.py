"""Reading logs and asking the query in limited children, one per core where there is much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from coolrun.records import PART, Foreign, LogFile, Memory, Part, latest, shares, spread

from .child import Child, Task, attempts

if TYPE_CHECKING:
    from coolrun import Plain

    from .query import Query

_WHAT = "reading the logs"

Log = LogFile | Foreign


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
    logs: Sequence[Log],
    query: Query,
    sorts: int,
    memory: Memory,
    *,
    every_attempt: bool,
    values: bool,
    tell: Callable[[float], None] = lambda _: None,
) -> Answer:
    """Read all records and keep those that match.

    Args:
        sorts: how many sort keys a record has.
        values: whether the values are wanted, instead of documents.
        tell: is told now and then what part of the records has been read.

    Raises:
        ExpressionError: a test or a sort key fails; it names the record.
        CoolrunError: reading took too much time or memory.
    """
    last = {} if every_attempt else _last_attempts(logs, memory)
    tasks = _tasks(logs)
    parts = {
        (number, part.start): part
        for task, _ in tasks
        for number, part in task
        if isinstance(part, Part)
    }
    for part in parts.values():
        memory.set_aside(part)
    work = Child(query, last, memory, sorts=sorts, values=values).answer
    answer = Answer(keys=[[] for _ in range(sorts)])
    ended = 0
    for what, *rest in spread(work, tasks, what=_WHAT):
        ended += what == "end"
        if what == "read":
            # All shares are read at the same time, and are of about the same size.
            tell(1.0 if ended else rest[0] / tasks[0][1])
        elif what == "columns":
            number, start, size = rest
            memory.keep(parts[number, start], size)
        else:
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


def _last_attempts(logs: Sequence[Log], memory: Memory) -> dict[str, int]:
    """The last attempt at what was tried more than once; such records say so."""
    retried = [log for log in logs if not isinstance(log, LogFile) or b"ATTEMPT" in log.data]
    if not retried:
        return {}
    found: list[tuple[str, int]] = []
    for runs, numbers in spread(partial(attempts, memory=memory), _tasks(retried), what=_WHAT):
        found += zip(runs, numbers, strict=True)
    return latest(found)


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
