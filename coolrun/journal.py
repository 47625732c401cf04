"""The append-only journal of a session: what was started, how it ended, what was recorded.

One line per event. It is the truth about a session; the results files of runs complete it after
a crash. A torn last line says nothing.

    {"format": 1}
    ["start", position, attempt, token]      a run is about to be handed to the launcher
    ["end", token, status, failure]          it ended
    ["recorded", token]                      its record is where people look for it
    ["again", token]                         another attempt follows it
    ["finish", exit code]                    the session ended by itself

Where the plan does not say all about a run, its start has a fifth part, a mapping:

    folder    where its files are, if that is not in the session's folder
    record    what its leases add to its record
    values    its parameters, where some were known only when it was launched
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coolrun.files import Appender
from coolrun.plain import Plain, decode, encode
from coolrun.run import Run, Status

FORMAT = 1


@dataclass
class Attempt:
    """One attempt as the journal knows it. `status` is None while nobody has said how it ended.

    `more` is what its start says beyond the plan; `again` whether another attempt was to follow.
    """

    position: int
    number: int
    token: str
    status: Status | None = None
    failure: str | None = None
    recorded: bool = False
    more: Mapping[str, Plain] = field(default_factory=dict)
    again: bool = False

    @property
    def final(self) -> bool:
        """Whether it is never to be run again by itself."""
        return self.status is not None and self.status.final and not self.again

    @classmethod
    def of(cls, run: Run, status: Status | None = None, failure: str | None = None) -> Attempt:
        """What a journal says about a run."""
        more: dict[str, Plain] = {"folder": str(run.folder)} if run.moved else {}
        if run.extra:
            more["record"] = dict(run.extra)
        if run.experiment.completed:
            more["values"] = run.experiment.parameters
        return cls(run.experiment.position, run.attempt, run.token, status, failure, more=more)


@dataclass
class Past:
    """What a journal says.

    Attributes:
        attempts: by token, in the order in which they were started.
        finished: the exit code of the session, or None when it never said that it ended.
    """

    attempts: dict[str, Attempt] = field(default_factory=dict)
    finished: int | None = None

    def last_attempts(self) -> dict[int, Attempt]:
        """The last attempt at each position."""
        last: dict[int, Attempt] = {}
        for attempt in self.attempts.values():
            known = last.get(attempt.position)
            if known is None or attempt.number >= known.number:
                last[attempt.position] = attempt
        return last


class Journal:
    """Writes the events of a session, each with one system call; `sync` is a group commit."""

    def __init__(self, path: Path) -> None:
        fresh = not path.exists()
        self._file = Appender(path)
        if fresh:
            self._append([{"format": FORMAT}])

    def started(self, runs: Iterable[Run]) -> None:
        """These runs are about to be handed to the launcher."""
        self._append([_start(Attempt.of(run)) for run in runs])

    def ended(self, token: str, status: Status, failure: str | None) -> None:
        """A run ended."""
        self._append([["end", token, str(status), failure]])

    def recorded(self, token: str) -> None:
        """The record of a run is written."""
        self._append([["recorded", token]])

    def again(self, token: str) -> None:
        """Another attempt follows the one that has just ended."""
        self._append([["again", token]])

    def finished(self, code: int) -> None:
        """The session has ended by itself. Nothing is told to anybody before this is synced."""
        self._append([["finish", code]])
        self.sync()

    def sync(self) -> None:
        """Make everything survive a power loss."""
        self._file.sync()

    def close(self) -> None:
        self._file.close()

    def _append(self, events: Iterable[Plain]) -> None:
        self._file.append("".join(f"{encode(event)}\n" for event in events).encode())


def _start(attempt: Attempt) -> Plain:
    start = ["start", attempt.position, attempt.number, attempt.token]
    return [*start, attempt.more] if attempt.more else start


def read_journal(path: Path) -> Past:
    """What the journal at `path` says; lines that were torn say nothing."""
    past = Past()
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return past
    for line in lines:
        try:
            event = decode(line)
        except ValueError:
            continue
        if isinstance(event, list) and event:
            _take(past, event)
    return past


def _take(past: Past, event: list[Plain]) -> None:
    kind, *rest = event
    if kind == "start" and len(rest) in {3, 4}:
        position, number, token = rest[:3]
        more = rest[3] if len(rest) == 4 else {}
        past.attempts[token] = Attempt(position, number, token, more=more)
        past.finished = None
    elif kind == "finish":
        past.finished = rest[0]
    elif rest and rest[0] in past.attempts:
        attempt = past.attempts[rest[0]]
        if kind == "end":
            attempt.status, attempt.failure = Status(rest[1]), rest[2]
        elif kind == "recorded":
            attempt.recorded = True
        elif kind == "again":
            attempt.again = True
