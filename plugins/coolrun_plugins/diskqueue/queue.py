"""The queue of one session, in a file that people and other sessions change as well."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun import Config, CoolrunError, Experiment

from .documents import text_of
from .enrolment import add, begin_here, complete, is_alive
from .roster import Roster
from .saves import Saves, broken
from .sidefile import SideFile
from .view import Mark, View

if TYPE_CHECKING:
    from coolrun import Session

    from .ledger import Ledger

PAUSE = 0.3  # seconds between two rewritings of the file
SHARE = 20  # a rewriting takes at most the 20th part of the time


class DiskQueue:
    """Holds what waits in a file; what was started is noted beside it, at a constant cost.

    Args:
        path: the file.
        shown: the file as the person wrote it, for messages.
        session: the name of the session; `folder` its folder.
        batch: what tells one plan from another, so that the same is not put twice.
    """

    def __init__(
        self, path: Path, shown: str, config: Config, session: str, folder: Path, batch: str
    ) -> None:
        self._config, self._shown = config, shown
        self._name, self._folder, self._batch = session, folder, batch
        self._view, self._side = View(path), SideFile(path)
        self._roster = Roster(self._side, session, shown, config)
        self._session: Session | None = None
        self._saves: Saves | None = None
        self._started: list[Experiment] = []
        self._news = self._dirty = True
        self._aligned = False
        self._understood = False  # whether the file, as last looked at, says nothing new
        self._last: bytes | None = None
        self._due = 0.0
        with self._side.locked() as ledger:
            _mend_name(path)
            self._resumed = session in ledger.members
            if self._resumed:
                self._side.append([["join", session, str(folder)]])
            complete(self._side)
            self._roster.know()
            self._understood = self._view.load() is None or self._is_ours(ledger)
            self._view.sure = False
            self._flush(ledger)

    def begin(self, session: Session) -> None:
        """Learn which session this is: from now on what others write can be taken in."""
        self._session = session
        self._saves = Saves(self._side, self._roster, session, self._shown)
        self._started = [session.plan.experiments[p] for p in session.attempts]
        self._view.sure = False

    # What the core asks

    def put(self, experiments: Iterable[Experiment]) -> None:
        several = list(experiments)
        with self._side.locked() as ledger:
            member = ledger.members.get(self._name)
            if member is None:
                begin_here(
                    self._side, self._roster, several, self._config,
                    name=self._name, folder=self._folder, batch=self._batch, shown=self._shown,
                )  # fmt: skip
                self._roster.know()
            else:
                self._put_again(ledger, several, member.count)
            self._dirty = True
            self._flush(ledger)
        self._news = True

    def refresh(self) -> bool:
        self._side.catch_up()
        self._hear()
        changed = self._view.changed()
        if self._session is not None and (changed or self._roster.has_strangers()):
            with self._side.locked():
                self._hear()
                self._take_in()
        news, self._news = self._news, False
        return news

    def waiting(self) -> Sequence[Experiment]:
        may, experiment = self._roster.may_start, self._roster.experiment
        return [experiment(entry.id) for entry in self._side.ledger.waits() if may(entry)]

    def take(self, experiment: Experiment) -> Experiment | None:
        id_ = self._roster.id_at(experiment.position)
        if id_ is None:
            return None
        with self._side.locked() as ledger:
            self._hear()
            if self._view.changed():
                self._take_in()
            if id_ not in ledger.waiting or not self._roster.may_start(ledger.entries[id_]):
                return None
            taken = self._roster.experiment(id_)
            if self._session is not None:
                self._roster.align_one(taken, self._session)
            self._side.append([["take", id_, self._name]])
            self._dirty = True
        self._roster.forget(id_)
        self._started.append(taken)
        return taken

    def give_back(self, experiment: Experiment) -> None:
        with self._side.locked() as ledger:
            self._give_back(ledger, experiment)
        self._dirty = self._news = True

    def close(self) -> None:
        with self._side.locked() as ledger:
            self._flush(ledger)
            self._side.append([["leave", self._name]])
            left = sum(1 for _ in ledger.waits())
            held = sum(1 for entry in ledger.waits() if entry.meta.get("hold"))
            others = [n for n, m in ledger.members.items() if n != self._name and not m.left]
            helped = any(is_alive(ledger.members[name].folder) for name in others)
        self._side.close()
        if left and not helped:
            which = f"{left} ({held} held)" if held else str(left)
            self._config.warn(f"{self._shown}: {which} still wait; the same command goes on")

    # What the plugin asks

    def tend(self) -> bool:
        """Called several times a second: whether there is something new to start.

        Shows in the file what has been started, but not where that costs more than it is worth.
        """
        self._news = self.refresh()
        self._side.sync()
        now = time.monotonic()
        if self._dirty and now >= self._due:
            with self._side.locked() as ledger:
                self._flush(ledger)
            self._due = max(self._due, time.monotonic() + PAUSE + SHARE * (time.monotonic() - now))
        return self._news

    def ended(self, experiment: Experiment, status: str) -> None:
        """Note that the run of an experiment has ended for good: others may wait for that."""
        id_ = self._roster.id_at(experiment.position)
        if id_ is not None and id_ in self._side.ledger.entries:
            with self._side.locked():
                self._side.append([["end", id_, status]])

    # Steps

    def _put_again(self, ledger: Ledger, experiments: Sequence[Experiment], count: int) -> None:
        """A session that is taken up: what waits stays where it is, what was lost comes first."""
        self._roster.know()
        new: list[Experiment] = []
        lost: list[Experiment] = []
        for experiment in experiments:
            entry = ledger.entries.get(self._roster.id_at(experiment.position) or "")
            if entry is None and (experiment.position < count or not self._resumed):
                new.append(experiment)
            elif entry is not None and entry.by == self._name:
                lost.append(experiment)
        most = max((e.position + 1 for e in new), default=0)
        if most > count:
            put = ["put", self._name, str(self._folder), self._batch, most]
            self._side.append([put])
        add(self._side, self._roster, new, self._config)
        for experiment in reversed(lost):
            self._give_back(ledger, experiment)

    def _give_back(self, ledger: Ledger, experiment: Experiment) -> None:
        position = experiment.position
        old = self._roster.id_at(position)
        assert old is not None
        new = self._roster.new_id(position)
        text = text_of(new, experiment, tuple(self._config.parser.words))
        meta = {k: v for k, v in ledger.entries[old].meta.items() if k != "hold"}
        events: list[Any] = [["back", old, new, text, meta]]
        self._side.append([*events, ["adopt", self._name, [[new, position]]]])
        self._roster.learn(new, position, experiment)

    def _hear(self) -> None:
        """Take note of what others did."""
        for event in self._side.news():
            kind, rest = (event[0], event[1:]) if isinstance(event, list) and event else ("", [])
            if kind in {"edit", "restore"}:
                self._roster.forget(rest[0])
            if kind == "take" and rest[1] != self._name:
                self._roster.leave_out(rest[0], self._session, f"session {rest[1]} has it")
            elif kind == "remove":
                self._roster.leave_out(rest[0], self._session, "removed from the queue")
            elif kind == "restore" and self._session is not None:
                self._roster.let_in(rest[0], self._session)
            if kind in {"take", "end", "remove"}:
                self._news = self._news or rest[0] in self._side.ledger.needed
            elif kind in {"add", "edit", "back", "restore", "order"}:
                self._news = True

    def _take_in(self) -> None:
        """Take in what others have put, and then what was saved."""
        if self._session is None or self._saves is None:
            return
        ledger = self._side.ledger
        if not self._aligned:
            self._aligned = True
            self._roster.align(self._session)
            for entry in ledger.entries.values():
                if entry.removed:
                    self._roster.leave_out(entry.id, self._session, "removed from the queue")
                elif entry.by not in {None, self._name}:
                    self._roster.leave_out(entry.id, self._session, f"session {entry.by} has it")
        if self._roster.adopt(self._session):
            self._news = True
        if self._is_ours(ledger):
            self._understood = True
            return
        data = self._view.load()
        if data is None or data == self._last:
            self._understood = self._understood or data is None
            self._dirty = self._dirty or data is None
            return
        self._last, self._understood = data, False
        try:
            save, stale = self._saves.take_in(data, self._started)
        except CoolrunError as error:
            self._config.warn(broken(error, self._shown))
            return
        self._understood = True
        self._view.preamble = save.preamble
        self._dirty = self._dirty or stale
        self._news = True

    def _is_ours(self, ledger: Ledger) -> bool:
        """Whether the file is as a session has written it, and nobody has saved it since."""
        mark = Mark.of(self._view.path)
        if mark is None or mark != ledger.mark:
            return False
        self._view.mark, self._view.sure = mark, True
        return True

    def _flush(self, ledger: Ledger) -> None:
        """Write the file anew, unless it says something that was not understood."""
        if not self._dirty or not self._understood:
            return
        version = ledger.version + 1
        assert ledger.queue is not None
        self._side.append([["view", version]])
        try:
            self._side.sync()  # the file must not know of what a power loss could still take
            written = self._view.write(ledger.queue, version, ledger.shown())
        except OSError as error:
            self._due = time.monotonic() + 10.0
            self._config.warn(f"{self._shown} cannot be written: {error.strerror}")
            return
        if written and self._view.mark is not None:
            self._side.append([["wrote", list(self._view.mark)]])
            self._dirty = False
            self._last = None


def _mend_name(path: Path) -> None:
    """Give the file its name back, where a crash took it between two files."""
    from coolrun.files import aside_of

    aside = aside_of(path)
    if aside.exists():
        if path.exists():
            aside.unlink()
        else:
            os.rename(aside, path)
