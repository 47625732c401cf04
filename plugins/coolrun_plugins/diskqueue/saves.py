"""Lets what people save in the file happen, or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun import Config, CoolrunError, Experiment, Session, UsageError

from .documents import comments_of, meta_of, text_of, with_id
from .intake import Intake, Understood
from .ledger import Ledger, Seen, digest
from .merge import Edited, Fresh, Merge, Same, merge, order_of
from .view import Document, Save, parse

if TYPE_CHECKING:
    from .roster import Roster
    from .sidefile import SideFile


class Saves:
    """Takes in one save after another. Only with the lock held."""

    def __init__(self, side: SideFile, roster: Roster, session: Session, shown: str) -> None:
        self._side, self._roster, self._session, self._shown = side, roster, session, shown
        self._config: Config = session.config
        self._words = tuple(session.config.parser.words)
        self._intake = Intake(session, shown)
        self._journals: dict[str, set[tuple[int, int]]] = {}
        self._pairs: list[list[Any]] = []
        self._changed: list[Experiment] = []

    def take_in(self, data: bytes, started: Sequence[Experiment]) -> tuple[Save, bool]:
        """Let a save happen; returns it, and whether the file should be written anew.

        Raises:
            CoolrunError: it is wrong, and nothing of it has happened.
        """
        ledger = self._side.ledger
        save = parse(data, self._shown)
        if not save.documents and save.version is None and ledger.waiting:
            raise UsageError(
                f"{self._shown} is empty, and {len(ledger.waiting)} wait: nothing was removed",
                cure="`coolrun queue rm all` removes all of them",
            )
        ours = save.version is not None and save.queue == ledger.queue
        if ours and save.version is not None and save.version > ledger.version:
            self._side.append([["view", save.version]])
        merged = merge(ledger, self._without_started(save))
        back = [i.entry for i in merged.items if isinstance(i, Edited) and i.restored]
        self._roster.place(back, self._session)
        understood = Understood()
        if merged.work:
            known = self._roster.experiment
            understood = self._intake.understand(merged.items, save, known, started)
        fresh = self._commit(ledger, merged, understood)
        self._tell(merged)
        return save, fresh or not ours or bool(merged.removed or merged.late)

    def _commit(self, ledger: Ledger, merged: Merge, understood: Understood) -> bool:
        """Note what follows; whether something is new."""
        events: list[Any] = [["remove", entry.id] for entry in merged.removed]
        ids: list[str] = []
        self._pairs, self._changed = [], []
        for item in merged.items:
            if isinstance(item, Same):
                ids.append(item.entry.id)
            elif isinstance(item, Edited):
                ids.append(item.entry.id)
                events.append(self._edited(item, understood))
            else:
                added = self._added(item, understood)
                ids += [event[1] for event in added]
                events += added
                text = digest(item.document.text)
                merged.seen.fresh.append((text, [event[1] for event in added]))
        order = order_of(ledger, ids)
        if order is not None:
            events.append(["order", order])
        seen = merged.seen.plain()
        if seen != ledger.saves.get(merged.version, Seen()).plain():
            events.append(["save", merged.version, seen])
        if self._pairs:
            events.append(["adopt", self._session.name, self._pairs])
        self._session.extend(sorted(self._changed, key=lambda e: e.position))
        self._side.append(events)
        for entry in merged.removed:
            self._roster.leave_out(entry.id, self._session, "removed from the queue")
        for item in merged.items:
            if isinstance(item, Edited) and item.restored:
                self._roster.let_in(item.entry.id, self._session)
        return bool(self._pairs)

    def _edited(self, item: Edited, understood: Understood) -> list[Any]:
        id_, document = item.entry.id, item.document
        experiment, text = understood.edited.get(id_), document.text
        hold = id_ in understood.held
        meta: dict[str, Any] = {**item.entry.meta, "hold": hold}
        if experiment is not None:
            meta = self._meta(experiment, hold=hold, pin=bool(item.entry.meta.get("pin")))
            text = self._text(id_, document, experiment, understood, hold=hold)
            self._changed.append(experiment)
            self._roster.learn(id_, experiment.position, experiment)
        return ["restore" if item.restored else "edit", id_, text, _shortened(meta)]

    def _added(self, item: Fresh, understood: Understood) -> list[list[Any]]:
        hold = item.document.number in understood.held
        events = []
        for experiment in understood.fresh[item.document.number]:
            id_ = self._roster.new_id(experiment.position)
            text = self._text(id_, item.document, experiment, understood, hold=hold)
            events.append(["add", id_, text, self._meta(experiment, hold=hold, pin=False)])
            self._pairs.append([id_, experiment.position])
            self._changed.append(experiment)
            self._roster.learn(id_, experiment.position, experiment)
        return events

    def _text(
        self,
        id_: str,
        document: Document,
        experiment: Experiment,
        understood: Understood,
        *,
        hold: bool,
    ) -> str:
        """The person's own text where it says all; else all values, with his comments."""
        if understood.says_all(document, experiment):
            return with_id(document.text, id_)
        head, _, body = text_of(id_, experiment, self._words).partition("\n")
        own, _, rest = body.partition("\n")
        held = "Hold: true\n" if hold else ""
        return f"{head}\n{own}\n{held}{comments_of(document.text)}{rest}"

    def _meta(self, experiment: Experiment, *, hold: bool, pin: bool) -> dict[str, Any]:
        after = self._roster.ids_at(sorted(experiment.after))
        return meta_of(experiment, after, hold=hold, pin=pin or bool(experiment.pending))

    def _without_started(self, save: Save) -> Save:
        """Leave out what a session's journal says has run, where the queue's own was lost."""
        entries = self._side.ledger.entries
        unknown = [d for d in save.documents if d.id is not None and d.id not in entries]
        started = {d.id for d in unknown if d.id is not None and self._has_run(d.id)}
        if started:
            names = ", ".join(sorted(started)[:5])
            self._config.warn(f"{self._shown}: {names} has run already and is left out")
            save.documents = [d for d in save.documents if d.id not in started]
        return save

    def _has_run(self, id_: str) -> bool:
        from coolrun.journal import read_journal
        from coolrun.store import SessionFolder

        name, _, numbers = id_.partition(".")
        position, _, attempt = numbers.partition(".")
        if not (position.isdigit() and attempt.isdigit()) or Path(name).name != name:
            return False
        if name not in self._journals:
            folder = SessionFolder(self._session.folder.path.parent / name)
            attempts = read_journal(folder.journal).attempts.values()
            self._journals[name] = {(a.position, a.number) for a in attempts}
        return (int(position), int(attempt)) in self._journals[name]

    def _tell(self, merged: Merge) -> None:
        if merged.removed:
            labels = ", ".join(entry.label for entry in merged.removed[:5])
            more = f" and {len(merged.removed) - 5} more" if len(merged.removed) > 5 else ""
            self._config.warn(
                f"{self._shown}: removed {labels}{more}; `coolrun queue undo` takes it back"
            )
        for sentence in merged.late[:20]:
            self._config.warn(f"{self._shown}: {sentence}")


def broken(error: CoolrunError, shown: str) -> str:
    """A refusal in words: where, what, and that nothing was lost."""
    text = str(error)
    return f"{text if shown in text else f'{shown}: {text}'}\n  what waited before is in force"


def _shortened(meta: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in meta.items() if value}
