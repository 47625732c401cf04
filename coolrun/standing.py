"""How a session stands, told by what lies on the disk alone: nobody has to answer."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.journal import Attempt, JournalReader, Past
from coolrun.outline import Outline
from coolrun.pace import Pace
from coolrun.results import read_results
from coolrun.run import Run, Status

if TYPE_CHECKING:
    from coolrun.store import SessionFolder


@dataclass
class Standing:
    """A session at one moment.

    Attributes:
        past, outline: what its journal and its plan say.
        held: whether a process runs it.
    """

    folder: SessionFolder
    past: Past = field(repr=False)
    outline: Outline = field(repr=False)
    held: bool

    @cached_property
    def last(self) -> dict[int, Attempt]:
        """The last attempt at each position."""
        return self.past.last_attempts()

    @cached_property
    def chosen(self) -> list[int]:
        """The positions that are for this session to run, or were."""
        out = self.past.dequeued
        return [position for position in self.outline.chosen if position not in out]

    @cached_property
    def waiting(self) -> list[int]:
        """The positions that have not begun, or are to run once more."""
        last = self.last
        return [p for p in self.chosen if (a := last.get(p)) is None or a.again]

    @cached_property
    def under_way(self) -> list[Attempt]:
        """The attempts that have begun and of which nobody has said that they ended."""
        return [attempt for attempt in self.last.values() if attempt.status is None]

    @cached_property
    def ended(self) -> Counter[Status]:
        """How many experiments ended with each status."""
        ends = ((a.status, a.again) for a in self.last.values())
        return Counter(status for status, again in ends if status is not None and not again)

    @cached_property
    def unfinished(self) -> int:
        """How many experiments have no final record: what a resumed session would run."""
        return sum(1 for p in self.chosen if (a := self.last.get(p)) is None or not a.final)

    @property
    def state(self) -> str:
        """One word.

        `running`, `paused`, `stopping` (what runs may finish), `ending` (what runs is stopped),
        `ended` (before all was run, by a person or a crash), or `finished`.
        """
        if self.past.finished is None and self.held:
            return self.past.hold[0] if self.past.hold else "running"
        return "ended" if self.unfinished else "finished"

    @property
    def is_live(self) -> bool:
        """Whether a process runs it."""
        return self.held and self.past.finished is None

    @property
    def reason(self) -> str:
        """Why nothing is started, where somebody has said so."""
        return self.past.hold[1] if self.is_live and self.past.hold else ""

    @cached_property
    def left_behind(self) -> list[Attempt]:
        """The attempts that go on although the process that ran the session has gone."""
        if self.is_live:
            return []
        return [a for a in self.under_way if read_results(self.run(a).results, a.token).is_there]

    def waits(self) -> dict[int, list[int]]:
        """For every experiment that waits for others: for whom, of those that have not ended."""
        pending = {*self.waiting, *(attempt.position for attempt in self.under_way)}
        after = self.outline.after
        found = ((p, sorted(after[p] & pending - {p})) for p in self.waiting if p in after)
        return {position: needs for position, needs in found if needs}

    def run(self, attempt: Attempt) -> Run:
        """The run of an attempt: its parameters and where its files are."""
        experiment = self.outline.experiment(attempt.position)
        if "values" in attempt.more:
            experiment.settle(dict(attempt.more["values"]))
        folder = attempt.more.get("folder") or self.folder.run_folder(attempt.position)
        name = self.folder.name
        return Run(name, experiment, attempt.number, attempt.token, Path(folder))

    def started(self, run: Run) -> datetime | None:
        """When the process of a run began; None while it has not."""
        try:
            with run.results.open("rb") as file:
                header = json.loads(file.readline())
        except (OSError, ValueError):
            return None
        if header.get("token") != run.token or not header.get("started"):
            return None
        return datetime.fromisoformat(header["started"])

    def left(self, running: list[float]) -> tuple[float, float] | None:
        """Seconds until all is done, at least and at most; None while nobody can tell.

        Of a session that starts nothing any more it is all that runs, and of one that is paused
        the pause does not count.

        Args:
            running: for how many seconds those that run have been running.
        """
        pace = Pace()
        for attempt in self.last.values():
            if attempt.status is Status.DONE and attempt.seconds is not None:
                pace.add(attempt.seconds)
        waiting = 0 if self.state in {"stopping", "ending"} else len(self.waiting)
        return pace.left(waiting, running, self.past.places)


class Onlooker:
    """Looks at a session again and again; what was read before is not read again."""

    def __init__(self, folder: SessionFolder) -> None:
        self._folder = folder
        self._journal = JournalReader(folder.journal)
        self._outline: Outline | None = None
        self._seen = (0, 0)

    def look(self) -> Standing:
        """The session as it is now.

        Raises:
            SessionError: its folder holds no whole plan.
        """
        held = self._folder.is_held()  # first, so that the last word of a session counts
        past = self._journal.read()
        return Standing(self._folder, past, self._plan(), held)

    def _plan(self) -> Outline:
        outline = self._outline
        try:
            state = self._folder.plan.stat()
        except OSError as error:
            raise self._folder.without_plan(error.strerror) from error
        seen = (state.st_mtime_ns, state.st_size)
        if outline is None or seen != self._seen:
            outline = self._outline = Outline(self._folder)
            self._seen = seen
        return outline
