"""Reading the sources in limited children, and keeping each record once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coolrun.experiment import RECORD_KEYS
from coolrun.records import (
    PART,
    Entry,
    Foreign,
    LogFile,
    Part,
    SimpleReader,
    attempt_of,
    latest,
    spread,
)

from .identity import digest

if TYPE_CHECKING:
    from coolrun import Plain

    from .sources import Source

# Files are worth more than their bytes: each is opened, cut and told of.
_FILE = 500
_TASK = 2 << 20
_BATCH = 4_000
_WHAT = "reading the logs"
_WORK = frozenset({"Module", "Run", "Command"})
_OUTCOME = frozenset({*RECORD_KEYS, "REP", "RND_IDX"})

Task = list[tuple[int, Part | Foreign]]


@dataclass
class Gathered:
    """What the children found, in order.

    Attributes:
        pieces: the documents that are kept.
        read: how many records there were, identical ones included.
        sources: from how many files the kept ones come.
        strange: how many documents are no mappings.
        definitions: how many files are definitions of experiments.
        problems: messages about what is broken.
    """

    pieces: list[bytes] = field(default_factory=list)
    read: int = 0
    identical: int = 0
    superseded: int = 0
    strange: int = 0
    sources: set[int] = field(default_factory=set)
    definitions: int = 0
    problems: list[str] = field(default_factory=list)


def gather(
    sources: Iterable[Source],
    *,
    every_attempt: bool,
    tell: Callable[[str], None] = lambda _: None,
) -> Gathered:
    """Read everything; drop identical records and all but the last attempts.

    Args:
        sources: found one after the other, while the first ones are read already.
        tell: is told now and then how much there was so far.

    Raises:
        CoolrunError: a plugin failed, or reading took too much time or memory.
    """
    kept = _Kept()
    with closing(spread(_told, _tasks(sources, kept.sources, tell), what=_WHAT)) as answers:
        for what, *rest in answers:
            kept.take(what, *rest)
    return kept.finish(every_attempt=every_attempt)


def _tasks(
    sources: Iterable[Source], known: list[Source], tell: Callable[[str], None]
) -> Iterator[tuple[Task, int]]:
    """Parts of files in tasks; `known` is filled with the sources that they are of."""
    task: Task = []
    size = total = 0
    for source in sources:
        known.append(source)
        log = source.log
        for part in log.parts(PART) if isinstance(log, LogFile) else [log]:
            task.append((len(known) - 1, part))
            size += len(part) + _FILE
            if size >= _TASK:
                total += size
                tell(f"{_WHAT}: {len(known):,} so far, {total / 2**20:,.0f} MiB")
                yield task, size
                task, size = [], 0
    if task:
        yield task, size


class _Batch:
    """Records as columns, which are told faster than rows."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.digests: list[str] = []
        self.runs: list[str] = []
        self.attempts: list[int] = []
        self.texts: dict[int, str] = {}

    def add(self, number: int, entry: Entry) -> None:
        if not entry.whole:
            self.texts[len(self.numbers)] = _dumped(entry.value)
        self.numbers.append(number)
        self.starts.append(entry.start)
        self.ends.append(entry.end)
        self.digests.append(digest(entry.value))
        run, attempt = attempt_of(entry.value) or ("", 0)
        self.runs.append("" if "\n" in run else run)
        self.attempts.append(attempt)

    def told(self) -> Plain:
        texts = [self.texts, "".join(self.digests), "\n".join(self.runs)]
        return ["records", self.numbers, self.starts, self.ends, self.attempts, *texts]


def _told(task: Task) -> Iterator[Plain]:
    """In a child: where records stand, what they are like, and what is broken."""
    reader = SimpleReader()
    batch = _Batch()
    for number, part in task:
        for entry in part.entries(reader):
            if entry.start == 0 and "Global" in entry.value:
                part.problems.clear()
                yield ["definition", number]
                break
            if entry.start == 0 and _names_work_to_do(entry.value):
                yield ["perhaps", number]
            batch.add(number, entry)
            if len(batch.numbers) == _BATCH:
                yield batch.told()
                batch = _Batch()
        for problem in part.problems:
            yield ["problem", number, str(problem)]
        if part.strange:
            yield ["strange", number, part.strange]
    yield batch.told()


def _names_work_to_do(document: Mapping[Any, Plain]) -> bool:
    """As the first document of a definition does; a record says what became of the work as well."""
    return not document.keys().isdisjoint(_WORK) and document.keys().isdisjoint(_OUTCOME)


def _dumped(record: dict[Any, Plain]) -> str:
    from coolrun.yamlio import dump

    return f"---\n{dump(record)}"


class _Kept:
    """In the parent: the records of all children, until it is known which ones count."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self._rows: list[tuple[int, int, int, str, str, int, str | None]] = []
        self._definitions: set[int] = set()
        self._told: list[tuple[int, str]] = []
        self._strange = 0

    def take(self, what: str, *rest: Any) -> None:
        if what == "records":
            numbers, starts, ends, attempts, texts, digests, runs = rest
            for at, (number, start, end, run, attempt) in enumerate(
                zip(numbers, starts, ends, runs.split("\n"), attempts, strict=False)
            ):
                identity = digests[32 * at : 32 * at + 32]
                text = texts.get(at) if texts else None
                self._rows.append((number, start, end, identity, run, attempt, text))
        elif what == "definition":
            self._definitions.add(rest[0])
        elif what == "perhaps":
            # Somebody who names a file says that it is a log.
            if not self.sources[rest[0]].explicit:
                self._definitions.add(rest[0])
        elif what == "strange":
            self._strange += rest[1]
        else:
            self._told.append((rest[0], rest[1]))

    def finish(self, *, every_attempt: bool) -> Gathered:
        done = Gathered(strange=self._strange, definitions=len(self._definitions))
        done.problems = [text for number, text in self._told if number not in self._definitions]
        last = {} if every_attempt else latest(row[4:6] for row in self._rows if row[4])
        seen: set[str] = set()
        runs: set[tuple[str, int]] = set()
        for number, start, end, identity, run, attempt, text in self._rows:
            source = self.sources[number]
            if number in self._definitions:
                continue
            if source.session is not None:
                # Two logs may hold the same run of a session, and other sessions' runs as well.
                if run.rpartition(".")[0] != source.session or (run, attempt) in runs:
                    continue
                runs.add((run, attempt))
            done.read += 1
            if identity in seen:
                done.identical += 1
            elif attempt < last.get(run, 0):
                done.superseded += 1
            else:
                done.sources.add(number)
                seen.add(identity)
                done.pieces.append(_document(source, start, end, text))
        return done


def _document(source: Source, start: int, end: int, text: str | None) -> bytes:
    """The document as it was written, or as text where its bytes cannot stand alone."""
    if text is not None or not isinstance(source.log, LogFile):
        return (text or "").encode()
    return source.log.text_of(start, end)
