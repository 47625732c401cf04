"""Which entry is which experiment of this session's plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coolrun import Config, Experiment, Source

from .documents import restored

if TYPE_CHECKING:
    from coolrun import Session

    from .ledger import Entry, Ledger
    from .sidefile import SideFile

ELSEWHERE = -1  # the position of what was started or removed before this session knew of it


class Roster:
    """Ids, positions and experiments, as one session knows them.

    Experiments are read from their documents where nobody has them at hand.
    """

    def __init__(self, side: SideFile, session: str, shown: str, config: Config) -> None:
        self._side = side
        self._name, self._shown, self._config = session, shown, config
        self._experiments: dict[str, Experiment] = {}
        self._positions: dict[str, int] = {}
        self._ids: dict[int, str] = {}

    @property
    def _ledger(self) -> Ledger:
        return self._side.ledger

    def know(self) -> None:
        """Read from the ledger which entries have positions in the plan of this session."""
        for id_, position in positions_of(self._ledger, self._name).items():
            if id_ not in self._positions:
                self.learn(id_, position)

    def learn(self, id_: str, position: int, experiment: Experiment | None = None) -> None:
        """An entry has this position; the last one that is told is the one that runs there."""
        self._positions[id_] = position
        self._ids[position] = id_
        if experiment is not None:
            self._experiments[id_] = experiment
        elif id_ in self._experiments:
            del self._experiments[id_]

    def forget(self, id_: str) -> None:
        """Somebody else has changed it, or it has started: its document has to be read again."""
        self._experiments.pop(id_, None)

    def id_at(self, position: int) -> str | None:
        """The entry at a position."""
        return self._ids.get(position)

    def ids_at(self, positions: Sequence[int]) -> list[str]:
        """The entries at those positions that have one."""
        return [self._ids[p] for p in positions if p in self._ids]

    def new_id(self, position: int) -> str:
        """An id for another attempt at a position; it is that of the run, as the record has it."""
        number = 1
        while (id_ := f"{self._name}.{position}.{number}") in self._ledger.entries:
            number += 1
        return id_

    def experiment(self, id_: str) -> Experiment:
        """The experiment of an entry that waits or was removed."""
        experiment = self._experiments.get(id_)
        if experiment is None:
            entry = self._ledger.entries[id_]
            source = Source(self._shown, entry.text.encode())
            experiment = restored(entry, self._config, source)
            experiment.position = self._positions.get(id_, ELSEWHERE)
            needs = (self._positions.get(n, ELSEWHERE) for n in entry.meta.get("after", ()))
            experiment.after = frozenset(p for p in needs if p != ELSEWHERE)
            self._experiments[id_] = experiment
        return experiment

    def has_strangers(self) -> bool:
        """Whether there are entries that this session has not looked at yet. Cheap."""
        return len(self._positions) < len(self._ledger.entries)

    def adopt(self, session: Session) -> bool:
        """Give what others put here positions in the plan; whether there was any."""
        ledger = self._ledger
        strangers = [e for e in ledger.waits() if self._positions.get(e.id, -1) < 0]
        if self.has_strangers():
            for id_ in ledger.entries:
                if id_ not in ledger.waiting:
                    self._positions.setdefault(id_, ELSEWHERE)
        self.place(strangers, session)
        return bool(strangers)

    def place(self, entries: Sequence[Entry], session: Session) -> None:
        """Give entries the next positions of the plan, where they have none."""
        entries = [e for e in entries if self._positions.get(e.id, ELSEWHERE) == ELSEWHERE]
        if not entries:
            return
        position = len(session.plan.experiments)
        for at, entry in enumerate(entries, start=position):
            self.learn(entry.id, at)
        pairs = [[entry.id, at] for at, entry in enumerate(entries, start=position)]
        session.extend([self.experiment(entry.id) for entry in entries])
        self._side.append([["adopt", self._name, pairs]])

    def align(self, session: Session) -> None:
        """Let the plan say what the queue says, where a person has changed it in the meantime."""
        different = []
        for entry in self._ledger.waits():
            experiment = self.experiment(entry.id)
            if experiment.position >= 0 and not _is_planned(experiment, session):
                different.append(experiment)
        session.extend(different)

    def align_one(self, experiment: Experiment, session: Session) -> None:
        """The same for one that is about to start."""
        if not _is_planned(experiment, session):
            session.extend([experiment])

    def leave_out(self, id_: str, session: Session | None, reason: str) -> None:
        """It is not for this session to run, so that nobody asks for its record here."""
        position = self._positions.get(id_, ELSEWHERE)
        if session is not None and 0 <= position < len(session.plan.experiments):
            session.plan.skip(position, reason)

    def let_in(self, id_: str, session: Session) -> None:
        """It is to run after all."""
        position = self._positions.get(id_, ELSEWHERE)
        if 0 <= position < len(session.plan.experiments):
            session.plan.choose_again(position)

    def may_start(self, entry: Entry) -> bool:
        """Whether this session may start an entry, as far as others are concerned."""
        if entry.meta.get("hold"):
            return False
        if entry.meta.get("pin") and not entry.id.startswith(f"{self._name}."):
            return False
        return all(self._is_met(need) for need in entry.meta.get("after", ()))

    def _is_met(self, need: str) -> bool:
        """Whether the session itself sees to it that this need has ended, or it has."""
        last = self._ledger.last_of(need)
        if last is None or last.removed or last.ended is not None:
            return True
        if last.by not in {None, self._name}:
            return False
        return self._positions.get(last.id) == self._positions.get(need)


def positions_of(ledger: Ledger, session: str) -> dict[str, int]:
    """The positions of entries in a session's plan, in the order of the attempts at each."""
    adopted = ledger.positions.get(session, {})
    prefix = f"{session}."
    found: dict[str, int] = {}
    for id_ in ledger.entries:
        if id_ in adopted:
            found[id_] = adopted[id_]
        elif id_.startswith(prefix):
            found[id_] = int(id_[len(prefix) :].partition(".")[0])
    return found


def _is_planned(experiment: Experiment, session: Session) -> bool:
    planned = session.plan.experiments[experiment.position]
    return planned is experiment or (
        planned.given == experiment.given
        and list(planned.parameters.items()) == list(experiment.parameters.items())
    )
