"""The append-only journal of a session: what was started, how it ended, what was recorded.

One line per event. It is the truth about a session; the results files of runs complete it after
a crash. A torn last line says nothing.

    {"format": 1}
    ["begin", places, started, pid, moment, boot]   a runner took the session up
    ["start", position, attempt, token]      a run is about to be handed to the launcher
    ["end", token, status, failure, seconds] it ended; the seconds are those inside the work itself
    ["recorded", token]                      its record is where people look for it
    ["again", token]                         another attempt follows it
    ["hold", word, reason]                   nothing is started: paused, stopping, ending; or null
    ["dequeued", [position], [position]]     not to be run here any more; to be run after all
    ["finish", exit code]                    the session ended by itself

Where the plan does not say all about a run, its start has a fifth part, a mapping:

    folder    where its files are, if that is not in the session's folder
    record    what its leases add to its record
    note      what its leases want to find again
    values    its parameters, where some were known only when it was launched
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from coolrun.files import Appender
from coolrun.machine import boot, since_boot
from coolrun.plain import Plain, decode, encode
from coolrun.run import Run, Status

FORMAT = 1
_NOTHING_MORE: Mapping[str, Plain] = MappingProxyType({})  # shared: there are as many as runs


@dataclass(slots=True)
class Attempt:
    """One attempt as the journal knows it. `status` is None while nobody has said how it ended.

    `more` is what its start says beyond the plan; `again` whether another attempt was to follow;
    `seconds` how long its work took, where that is known.
    """

    position: int
    number: int
    token: str
    status: Status | None = None
    failure: str | None = None
    recorded: bool = False
    more: Mapping[str, Plain] = field(default_factory=lambda: _NOTHING_MORE)
    again: bool = False
    seconds: float | None = None

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
        if run.note:
            more["note"] = dict(run.note)
        if run.experiment.completed:
            more["values"] = run.experiment.parameters
        return cls(
            run.experiment.position,
            run.attempt,
            run.token,
            status,
            failure,
            more=more or _NOTHING_MORE,
        )


@dataclass
class Past:
    """What a journal says.

    Attributes:
        attempts: by token, in the order in which they were started.
        finished: the exit code of the session, or None when it never said that it ended.
        hold: why nothing is started for now, as a word and a reason, or None.
        dequeued: positions that were to be run and are not any more: they were removed, or
            another session has them.
        places: how many runs may go on at once; 1 where the journal does not say it.
        started: when the last runner took the session up, as local ISO 8601 text, or empty.
        pid, moment, boot: its process, and when it had this number, as `coolrun.machine` tells it.
    """

    attempts: dict[str, Attempt] = field(default_factory=dict)
    finished: int | None = None
    hold: tuple[str, str] | None = None
    dequeued: set[int] = field(default_factory=set)
    places: int = 1
    started: str = ""
    pid: int = 0
    moment: float = 0.0
    boot: str = ""

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
        fresh = not path.exists() or not path.stat().st_size
        self._file = Appender(path)
        if fresh:
            self._append([{"format": FORMAT}])

    def begun(self, started: str, places: int) -> None:
        """This process takes the session up; so many runs may go on at once."""
        self._append([["begin", places, started, os.getpid(), since_boot(), boot()]])

    def held(self, hold: tuple[str, str] | None) -> None:
        """Nothing is started for now, a word and a reason; or it goes on."""
        self._append([["hold", *(hold or (None, ""))]])

    def dequeued(self, out: Iterable[int], back: Iterable[int]) -> None:
        """These positions are not to be run by this session any more, and those are after all."""
        self._append([["dequeued", sorted(out), sorted(back)]])

    def started(self, runs: Iterable[Run]) -> None:
        """These runs are about to be handed to the launcher."""
        self._append([_start(Attempt.of(run)) for run in runs])

    def ended(
        self, token: str, status: Status, failure: str | None, seconds: float | None = None
    ) -> None:
        """A run ended; its work took so many seconds, if that is known."""
        took = [] if seconds is None else [round(seconds, 3)]
        self._append([["end", token, str(status), failure, *took]])

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


class JournalReader:
    """Reads a journal while it grows.

    Attributes:
        past: what was read so far.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.past = Past()

    def read(self, *, torn: bool = False) -> Past:
        """Take in what was added since the last time. With `torn` the last line may be unended."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return self.past
        *lines, rest = data.split(b"\n")
        self._read += len(data) - len(rest)
        for line in [*lines, rest] if torn else lines:
            event = _event(line)
            if event is not None:
                _take(self.past, event)
        return self.past


def read_journal(path: Path) -> Past:
    """What the journal at `path` says; lines that were torn say nothing."""
    return JournalReader(path).read(torn=True)


def read_finish(path: Path) -> int | None:
    """The exit code of a session that has ended by itself, from the end of its journal alone."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read().rstrip(b"\n").split(b"\n")
    except FileNotFoundError:
        return None
    event = _event(lines[-1])
    return event[1] if event is not None and event[0] == "finish" else None


_TAIL = 64


def _event(line: bytes) -> list[Plain] | None:
    try:
        # Wrapped values are rare, and plain JSON is read three times as fast.
        event = decode(line) if b"{" in line else json.loads(line)
    except ValueError:
        return None
    return event if type(event) is list and event else None


def _take(past: Past, event: list[Plain]) -> None:
    kind, *rest = event
    if kind == "start" and len(rest) in {3, 4}:
        position, number, token = rest[:3]
        more = rest[3] if len(rest) == 4 else _NOTHING_MORE
        past.attempts[token] = Attempt(position, number, token, more=more)
        past.dequeued.discard(position)
        past.finished = None
    elif kind == "finish":
        past.finished = rest[0]
    elif kind == "begin":
        _begin(past, *rest)
    elif kind == "hold":
        past.hold = (rest[0], rest[1]) if rest[0] else None
    elif kind == "dequeued":
        past.dequeued.update(rest[0])
        past.dequeued.difference_update(rest[1])
    elif rest and rest[0] in past.attempts:
        attempt = past.attempts[rest[0]]
        if kind == "end":
            attempt.status, attempt.failure = Status(rest[1]), rest[2]
            attempt.seconds = rest[3] if len(rest) > 3 else None
        elif kind == "recorded":
            attempt.recorded = True
        elif kind == "again":
            attempt.again = True


def _begin(past: Past, places: int, started: str, pid: int, moment: float, at_boot: str) -> None:
    """Whoever takes a session up runs again all that has no final record."""
    past.places, past.started = places, started
    past.pid, past.moment, past.boot = pid, moment, at_boot
    past.hold, past.finished = None, None
    for attempt in past.attempts.values():
        if attempt.status is not None and not attempt.status.final:
            attempt.again = True
