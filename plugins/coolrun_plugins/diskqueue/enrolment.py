"""Sessions and a queue: who has put what, and who is still there."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun import SessionError

from .documents import is_held, meta_of, text_of
from .roster import Roster, positions_of

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Plan
    from coolrun.store import SessionFolder

    from .ledger import Ledger
    from .sidefile import SideFile

CHUNK = 1000  # entries a line of the journal


def batch_of(plan: Plan, overrides: Sequence[str]) -> str:
    """What tells one plan from another: the definition, what changes it, and what is chosen."""
    chosen = ",".join(str(experiment.position) for experiment in plan.chosen)
    parts = (plan.source.data, "\n".join(overrides).encode(), chosen.encode())
    return blake2b(b"\0".join(parts), digest_size=8).hexdigest()


def begin_here(
    side: SideFile,
    roster: Roster,
    experiments: Sequence[Experiment],
    config: Config,
    *,
    name: str,
    folder: Path,
    batch: str,
    shown: str,
) -> None:
    """A new session: its plan is added, unless the same is being worked on already."""
    ledger = side.ledger
    count = max((e.position for e in experiments), default=-1) + 1
    put = ["put", name, str(folder), batch, count]
    other = _working_on(ledger, batch)
    if other is None:
        side.append([put])
        add(side, roster, experiments, config)
        return
    theirs = {at: id_ for id_, at in positions_of(ledger, other).items()}
    pairs = [[theirs[e.position], e.position] for e in experiments if e.position in theirs]
    side.append([put, ["adopt", name, pairs]])
    config.warn(
        f"{shown}: session {other} has put this definition there; "
        f"this session works on the {len(ledger.waiting)} that wait"
    )


def add(side: SideFile, roster: Roster, experiments: Sequence[Experiment], config: Config) -> None:
    """Put experiments of a session's own plan at the end."""
    enabled = gc.isenabled()
    gc.disable()  # nothing here is garbage, and looking for some takes a third of the time
    try:
        _add(side, roster, experiments, tuple(config.parser.words))
    finally:
        if enabled:
            gc.enable()


def _add(
    side: SideFile, roster: Roster, experiments: Sequence[Experiment], words: Sequence[str]
) -> None:
    pinned = _pinned(experiments)
    ids = {e.position: roster.new_id(e.position) for e in experiments}
    stream = iter(experiments)
    while chunk := list(islice(stream, CHUNK)):
        events: list[Any] = []
        for experiment in chunk:
            id_ = ids[experiment.position]
            after = [ids[p] for p in sorted(experiment.after) if p in ids]
            text = text_of(id_, experiment, words)
            pin = experiment.position in pinned
            events.append(
                ["add", id_, text, meta_of(experiment, after, hold=is_held(text), pin=pin)]
            )
            roster.learn(id_, experiment.position, experiment)
        side.append(events)


def complete(side: SideFile) -> None:
    """Take from the journals of sessions what the queue's own journal has lost in a crash."""
    from coolrun.journal import read_journal
    from coolrun.store import SessionFolder

    ledger = side.ledger
    for name, member in list(ledger.members.items()):
        if member.left or is_alive(member.folder):
            continue
        places: dict[int, list[str]] = {}
        for id_, position in positions_of(ledger, name).items():
            places.setdefault(position, []).append(id_)
        events: list[Any] = []
        for attempt in read_journal(SessionFolder(Path(member.folder)).journal).attempts.values():
            ids = places.get(attempt.position, [])
            own = f"{name}.{attempt.position}.{attempt.number}"
            id_ = own if own in ids else next((i for i in ids if not i.startswith(f"{name}.")), "")
            if id_ in ledger.waiting:
                events.append(["take", id_, name])
            if id_ in ledger.entries and attempt.final and ledger.entries[id_].ended is None:
                events.append(["end", id_, str(attempt.status)])
        side.append(events)


def left_behind(ledger: Ledger, batch: str) -> Iterable[str]:
    """Sessions that put this batch, or helped with it, and left something to do; the last first."""
    waiting = {id_.partition(".")[0] for id_ in ledger.waiting}
    for name, member in reversed(list(ledger.members.items())):
        if member.batch == batch and (name in waiting or ledger.unfinished(name)):
            yield name


def forgotten(path: Path, ledger: Ledger, plan: Plan, cwd: Path) -> Iterator[SessionFolder]:
    """Unfinished sessions with this very plan whose entries are in the file, and in it alone."""
    from coolrun.store import SessionFolder

    from .view import ids_in

    try:
        ids = ids_in(path.read_bytes())
    except FileNotFoundError:
        return
    unknown = {id_.partition(".")[0] for id_ in ids - ledger.entries.keys()}
    for folder in reversed(SessionFolder.all(cwd)):
        if folder.name in unknown and _is_left(folder, plan):
            yield folder


def _is_left(folder: SessionFolder, plan: Plan) -> bool:
    from coolrun.opening import Resumption

    try:
        resumption = Resumption.of(folder)
    except SessionError:
        return False
    known, ours = resumption.plan, plan.experiments
    theirs = [experiment.parameters for experiment in known.experiments[: len(ours)]]
    same = known.source.data == plan.source.data and theirs == [e.parameters for e in ours]
    return same and bool(resumption.unfinished())


def is_alive(folder: str) -> bool:
    """Whether a process runs the session in this folder."""
    from coolrun.store import SessionFolder

    if not Path(folder).is_dir():
        return False
    session = SessionFolder(Path(folder))
    if not session.lock():
        return True
    session.unlock()
    return False


def _working_on(ledger: Ledger, batch: str) -> str | None:
    waiting = _batches_waiting(ledger)
    for name, member in ledger.members.items():
        if member.batch != batch:
            continue
        if batch in waiting or (not member.left and is_alive(member.folder)):
            return name
    return None


def _batches_waiting(ledger: Ledger) -> set[str | None]:
    sessions = {id_.partition(".")[0] for id_ in ledger.waiting}
    return {ledger.members[name].batch for name in sessions if name in ledger.members}


def _pinned(experiments: Sequence[Experiment]) -> set[int]:
    """What reads results of earlier runs, and those runs: they stay in one session."""
    pinned: set[int] = set()
    for experiment in experiments:
        if experiment.pending:
            pinned |= {experiment.position, *experiment.after}
    return pinned
