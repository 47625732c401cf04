"""Hands GPUs to runs, and takes them back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from coolrun import (
    Blocked,
    Busy,
    Config,
    DefinitionError,
    Experiment,
    Lease,
    Plan,
    Run,
    Session,
    hookimpl,
)
from coolrun_plugins.gpu.aftermath import PATIENCE, Aftermath
from coolrun_plugins.gpu.confinement import VISIBLE
from coolrun_plugins.gpu.fleet import Fleet
from coolrun_plugins.gpu.locks import locks_of_this_machine
from coolrun_plugins.gpu.measuring import INTERVAL, Peaks
from coolrun_plugins.gpu.needs import GPUS, MEMORY, Need, in_words, is_pending, need_of
from coolrun_plugins.gpu.slots import Card, Tenant, choose, is_possible, most
from coolrun_plugins.gpu.usage import Owners, card_of
from coolrun_plugins.gpu.visibility import GPUS as RECORDED
from coolrun_plugins.gpu.visibility import environment_of, names_of

if TYPE_CHECKING:
    from coolrun.plain import Plain
    from coolrun_plugins.gpu.settings import Choice

PEAK = "GPU_MEMORY_MIB"
ENTRIES, DECLARED, ALONE = "gpu_entries", "gpu_memory", "gpu_alone"  # in the journal
_SETTLED = 2.0  # seconds for which the driver still shows what an ended run computed
_LOOK = 0.05  # seconds between looks at what is being freed


class Leases:
    """The GPUs of a session: which run has which."""

    def __init__(self, config: Config, choice: Choice) -> None:
        self._config = config
        self._fleet = Fleet(config, choice)
        self._locks = locks_of_this_machine()
        self._tenants: dict[str, Tenant] = {}
        self._held: dict[str, int] = {}
        self._left: dict[str, float] = {}
        self._owners = Owners()
        self._peaks = Peaks()
        self._aftermath = Aftermath()
        self._session: Session | None = None
        self._surveyed = False
        self._least: int | None = None
        self._told_of_waiting = False

    # Before the first run

    @hookimpl
    def coolrun_check(self, plan: Plan) -> None:
        needs = [(e, need_of(e)) for e in plan.chosen if not is_pending(e)]
        if len(needs) < len(plan.chosen) or any(need.count for _, need in needs):
            self._survey()
        for experiment, need in needs:
            problem = self._problem(need)
            if problem is not None:
                key = (problem.key,) if problem.key and problem.key in experiment else ()
                problem.key = None
                raise experiment.blame(problem, key)
            _refuse_contradiction(experiment)
            if need.count and need.memory:
                self._least = min(need.memory, self._least or need.memory)
        if self._session is None:
            self._fleet.rest()

    def _survey(self) -> None:
        if self._surveyed:
            return
        self._fleet.survey()
        self._surveyed = True
        for uuid in self._fleet.memory:
            self._locks.check(uuid)

    def _problem(self, need: Need) -> DefinitionError | None:
        """Why a run can never have what it needs, or None; its key is the one to correct."""
        entries, memory = self._fleet.entries, self._fleet.memory
        if not need.count or is_possible(need, entries, memory):
            return None
        wanted = "a GPU" if need.count == 1 else f"{need.count} GPUs"
        if not memory:
            return DefinitionError(
                f"it needs {wanted}, and there is none: {self._fleet.why_none}",
                key=GPUS,
                cure=f"write `{GPUS}: 0` where none is needed; `--gpus none` leaves GPUs alone",
            )
        if not is_possible(replace(need, memory=None), entries, memory):
            there = "there is 1" if len(memory) == 1 else f"there are {len(memory)}"
            return DefinitionError(
                f"it needs {wanted}, and {there} to hand out",
                key=GPUS,
                cure="`coolrun gpus` shows which there are",
            )
        largest = in_words(max(memory.values()))
        return DefinitionError(
            f"it needs {wanted} with {in_words(need.memory or 0)}, and the largest has {largest}",
            key=MEMORY,
            cure="`coolrun gpus` shows which there are",
        )

    @hookimpl
    def coolrun_capacity(self) -> int | None:
        return most(self._fleet.entries, self._fleet.memory, self._least) or None

    # Handing out

    @hookimpl
    def coolrun_session_start(self, session: Session) -> None:
        self._begin(session)

    @hookimpl
    def coolrun_ready(self, experiment: Experiment) -> Blocked | None:
        try:
            problem = self._problem(need_of(experiment))
        except DefinitionError as error:
            problem = error
        if problem is None:
            return None
        lost = [f"{self._fleet.name(u)}: {why}" for u, why in self._fleet.drained.items()]
        return Blocked("; ".join([problem.message, *lost]))

    @hookimpl
    def coolrun_pre_launch(self, run: Run, session: Session) -> Lease:
        self._begin(session)
        need = self._need(run, session)
        if not need.count:
            return Lease(environment={VISIBLE: ""}, record={RECORDED: []})
        self._owners.add(run)
        try:
            entries = self._taken(need)
        except BaseException:
            self._owners.remove(run.token)
            raise
        uuids = [uuid for entry in entries for uuid in entry]
        self._tenants[run.token] = Tenant(entries, need.memory, need.alone)
        seen = {uuid: self._fleet.look()[uuid] for uuid in uuids}
        self._peaks.begin(run.token, seen)
        self._aftermath.begin(seen)
        gpus = self._fleet.in_order(uuids)
        note: dict[str, Plain] = {ENTRIES: [list(entry) for entry in entries]}
        note |= {DECLARED: need.memory} if need.memory is not None else {}
        note |= {ALONE: True} if need.alone else {}
        return Lease(
            environment=environment_of(gpus, self._config.setting("gpu_ids")),
            record={RECORDED: names_of(gpus)},
            descriptors=tuple(self._held[uuid] for uuid in uuids),
            note=note,
            release=partial(self._release, run),
        )

    def _need(self, run: Run, session: Session) -> Need:
        need = need_of(run.experiment)
        wish = self._config.pluginmanager.ask("coolrun_gpu_wish", run=run, session=session)
        return replace(need, alone=True) if wish is not None and wish.alone else need

    def _taken(self, need: Need) -> tuple[tuple[str, ...], ...]:
        """The entries that a run gets, locked.

        Raises:
            Busy: nothing that it could have is free.
        """
        cards = self._cards()
        while True:
            chosen = choose(need, self._fleet.entries, self._tenants.values(), cards)
            if chosen is None:
                raise self._busy(need, cards)
            uuids = [uuid for entry in chosen for uuid in entry.gpus]
            locked = self._locked(uuids)
            if locked is None:
                return tuple(entry.gpus for entry in chosen)
            holder = self._locks.holder(locked) or "another session"
            cards[locked] = replace(cards[locked], obstacle=f"{holder} has it")

    def _locked(self, uuids: Iterable[str]) -> str | None:
        """Lock them all, or tell which one another session has. Our runs share a lock."""
        fresh: dict[str, int] = {}
        for uuid in uuids:
            if uuid in self._held:
                continue
            descriptor = self._locks.take(uuid, self._signature())
            if descriptor is None:
                for other in fresh.values():
                    os.close(other)
                return uuid
            fresh[uuid] = descriptor
        self._held.update(fresh)
        return None

    def _signature(self) -> str:
        assert self._session is not None
        return f"session {self._session.name} of {_user()}"

    def _cards(self) -> dict[str, Card]:
        now = self._config.clock.monotonic()
        taken = {uuid for tenant in self._tenants.values() for uuid in tenant.gpus}
        cards = {}
        for uuid, gpu in self._fleet.look().items():
            card = card_of(
                gpu,
                self._owners.foreign(gpu),
                ours=uuid in taken,
                just_left=now - self._left.get(uuid, -_SETTLED) < _SETTLED,
                tolerance=self._config.setting("gpu_tolerance"),
            )
            cards[uuid] = replace(card, obstacle=self._fleet.drained.get(uuid, card.obstacle))
        return cards

    def _busy(self, need: Need, cards: Mapping[str, Card]) -> Busy:
        reasons = [
            f"{self._fleet.name(uuid)}: {card.obstacle or 'runs of this session have it'}"
            for uuid, card in cards.items()
            if card.obstacle or any(uuid in tenant.gpus for tenant in self._tenants.values())
        ]
        wanted = "a GPU is" if need.count == 1 else f"{need.count} GPUs are"
        message = f"waits until {wanted} free ({'; '.join(reasons)})"
        if not self._tenants and not self._told_of_waiting:
            self._told_of_waiting = True
            self._config.warn(f"nothing can be started yet: {message}")
        return Busy(message)

    # Taking back

    def _release(self, run: Run) -> Mapping[str, Plain]:
        tenant = self._tenants.pop(run.token)
        self._owners.remove(run.token)
        self._told_of_waiting = False
        now = self._config.clock.monotonic()
        still = {uuid for other in self._tenants.values() for uuid in other.gpus}
        for uuid in tenant.gpus:
            self._left[uuid] = now
            if uuid in self._held and uuid not in still:
                os.close(self._held.pop(uuid))
        self._fleet.forget()
        self._aftermath.ended(run, tenant.gpus, now)
        peak = self._peaks.end(run.token)
        return {} if peak is None else {PEAK: round(peak / (1 << 20))}

    def _begin(self, session: Session) -> None:
        """Take over what an earlier runner has started, and look from time to time."""
        if self._session is not None:
            return
        self._session = session
        session.every(INTERVAL, self._look)
        for run in session.running:
            entries = _entries(run.note.get(ENTRIES))
            if entries and all(uuid in self._fleet.memory for entry in entries for uuid in entry):
                # Their locks are their own: what has them alone cannot be shared any more.
                memory: Any = run.note.get(DECLARED)
                self._tenants[run.token] = Tenant(entries, memory, alone=True)
                self._owners.add(run)
                session.lease(run.token, Lease(release=partial(self._release, run)))

    def _look(self) -> None:
        """Measure what runs take, and see whether those that have ended have left something."""
        if not self._tenants and not self._aftermath.suspects:
            return
        gpus = self._fleet.look()
        self._peaks.take(gpus, self._tenants, self._owners)
        self._tell_of_leftovers()

    def _tell_of_leftovers(self) -> None:
        gpus, now = self._fleet.look(), self._config.clock.monotonic()
        busy = {uuid for tenant in self._tenants.values() for uuid in tenant.gpus}
        self._aftermath.clear(gpus, busy)
        for uuid, words in self._aftermath.overdue(gpus, busy, now):
            self._config.warn(f"{self._fleet.name(uuid)} is not free: {words}")

    @hookimpl
    def coolrun_session_finish(self) -> None:
        now = self._config.clock.monotonic
        while self._aftermath.suspects:
            self._fleet.forget()
            latest = max(since for _, since in self._aftermath.suspects.values())
            self._tell_of_leftovers()
            if now() > latest + PATIENCE:
                break
            if self._aftermath.suspects:
                time.sleep(_LOOK)
        self._fleet.rest()


def _refuse_contradiction(experiment: Experiment) -> None:
    written = experiment.get("Env")
    if isinstance(written, Mapping) and VISIBLE in written:
        error = DefinitionError(
            f"{VISIBLE} is set where GPUs are handed out",
            cure=f"leave it out and say how many with `{GPUS}`; `--gpus none` leaves GPUs alone",
        )
        raise experiment.blame(error, ("Env", VISIBLE))


def _entries(written: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(entry) for entry in written or ())


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
