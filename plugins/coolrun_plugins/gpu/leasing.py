"""Hands GPUs to runs, and takes them back."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
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
    UsageError,
    hookimpl,
)
from coolrun_plugins.gpu.aftermath import PATIENCE, Aftermath
from coolrun_plugins.gpu.confinement import VISIBLE
from coolrun_plugins.gpu.contradiction import LastWord, refuse_contradiction
from coolrun_plugins.gpu.feasibility import problem_of
from coolrun_plugins.gpu.fleet import Fleet
from coolrun_plugins.gpu.holding import RENEWAL, Holdings, Refused
from coolrun_plugins.gpu.locks import locks_of_this_machine
from coolrun_plugins.gpu.measuring import INTERVAL, Peaks
from coolrun_plugins.gpu.needs import Need, is_pending, need_of
from coolrun_plugins.gpu.settings import UUID
from coolrun_plugins.gpu.slots import Card, Tenant, choose, most
from coolrun_plugins.gpu.usage import Owners, card_of
from coolrun_plugins.gpu.visibility import GPUS as RECORDED
from coolrun_plugins.gpu.visibility import environment_of, names_of

if TYPE_CHECKING:
    from coolrun.plain import Plain
    from coolrun_plugins.gpu.settings import Choice

PEAK = "GPU_MEMORY_MIB"
ENTRIES = "gpu_entries"  # in the journal
_SETTLED = 2.0  # seconds for which the driver still shows what an ended run computed
_LOOK = 0.05  # seconds between looks at what is being freed


class Leases:
    """The GPUs of a session: which run has which. `last_word` is to be registered as well."""

    def __init__(self, config: Config, choice: Choice) -> None:
        self._config = config
        self._choice = choice
        self._fleet = Fleet(config, choice)
        self._holdings = Holdings(locks_of_this_machine())
        self._tenants: dict[str, Tenant] = {}
        self._left: dict[str, float] = {}
        self._owners = Owners()
        self._peaks = Peaks()
        self._aftermath = Aftermath()
        self._session: Session | None = None
        self._surveyed = False
        self._unusable: set[str] = set()
        self._least: int | None = None
        self._waiting_since: float | None = None
        self.last_word = LastWord(config)

    # Before the first run

    @hookimpl
    def coolrun_check(self, plan: Plan) -> None:
        needs = [(e, need_of(e)) for e in plan.chosen if not is_pending(e)]
        if len(needs) < len(plan.chosen) or any(need.count for _, need in needs):
            self._survey(plan)
        good: set[Need] = set()
        for experiment, need in needs:
            refuse_contradiction(experiment)
            if need not in good:
                self._refuse_the_impossible(experiment, need)
                good.add(need)
        declared = [need.memory for need in good if need.count and need.memory]
        self._least = min(declared, default=None)
        if self._session is None:
            self._fleet.rest()

    def _survey(self, plan: Plan) -> None:
        if self._surveyed:
            return
        try:
            self._fleet.survey()
        except UsageError as error:
            if self._choice.setting:
                error.at(place=plan.source.place(0, ("Global", self._choice.setting)))
            raise
        self._surveyed = True
        self._holdings.check(self._fleet.memory)

    def _refuse_the_impossible(self, experiment: Experiment, need: Need) -> None:
        problem = problem_of(need, self._fleet)
        if problem is not None:
            path = (problem.key,) if problem.key in experiment else ()
            problem.key = None  # one is needed where nothing is written
            raise experiment.blame(problem, path)

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
            problem = problem_of(need_of(experiment), self._fleet)
        except DefinitionError as error:
            problem = error
        return None if problem is None else Blocked(problem.message)

    @hookimpl
    def coolrun_pre_launch(self, run: Run, session: Session) -> Lease:
        self._begin(session)
        need = self._need(run, session)
        if not need.count:
            self.last_word.remember(run.token, {VISIBLE: ""})
            return Lease(environment={VISIBLE: ""}, record={RECORDED: []})
        entries = self._taken(need)
        uuids = [uuid for entry in entries for uuid in entry]
        self._tenants[run.token] = Tenant(entries, need.memory, need.alone)
        self._owners.add(run)
        seen = {uuid: self._fleet.look()[uuid] for uuid in uuids}
        self._peaks.begin(run.token, seen)
        self._aftermath.begin(seen)
        gpus = self._fleet.in_order(uuids)
        form = self._config.setting("gpu_ids") if self._fleet.counts_all else UUID
        environment = environment_of(gpus, form)
        self.last_word.remember(run.token, environment)
        return Lease(
            environment=environment,
            record={RECORDED: names_of(gpus)},
            descriptors=self._holdings.descriptors(uuids),
            note={ENTRIES: [list(entry) for entry in entries]},
            release=partial(self._release, run.token),
        )

    @hookimpl
    def coolrun_run_start(self, run: Run) -> None:
        if run.token in self._tenants:
            self._owners.add(run)  # now its files are where another lease wants them

    def _need(self, run: Run, session: Session) -> Need:
        need = need_of(run.experiment)
        wish = self._config.pluginmanager.ask("coolrun_gpu_wish", run=run, session=session)
        return replace(need, alone=True) if wish is not None and wish.alone else need

    def _taken(self, need: Need) -> tuple[tuple[str, ...], ...]:
        """The entries that a run gets, locked.

        Raises:
            Busy: nothing that it could have is free.
        """
        cards, entries = self._cards(), self._fleet.entries_for(need)
        while True:
            chosen = choose(need, entries, self._tenants.values(), cards)
            if chosen is None:
                raise self._busy(need, cards)
            refused = self._holdings.take(uuid for entry in chosen for uuid in entry.gpus)
            if refused is None:
                return tuple(entry.gpus for entry in chosen)
            cards[refused.uuid] = replace(cards[refused.uuid], obstacle=refused.reason)
            self._tell_of_unusable(refused)

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
            obstacle = self._fleet.drained.get(uuid, self._fleet.silence or card.obstacle)
            cards[uuid] = replace(card, obstacle=obstacle)
        return cards

    def _busy(self, need: Need, cards: Mapping[str, Card]) -> Busy:
        reasons = [
            f"{self._fleet.name(uuid)}: {card.obstacle or 'runs of this session have it'}"
            for uuid, card in cards.items()
            if card.obstacle or any(uuid in tenant.gpus for tenant in self._tenants.values())
        ]
        wanted = "a GPU is" if need.count == 1 else f"{need.count} GPUs are"
        message = f"waits until {wanted} free ({'; '.join(reasons)})"
        self._tell_of_waiting(message)
        return Busy(message)

    def _tell_of_waiting(self, message: str) -> None:
        """Say it once that others have all, unless they have it for a moment only."""
        now = self._config.clock.monotonic()
        if self._tenants:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now > self._waiting_since + _SETTLED:
            self._waiting_since = float("inf")
            self._config.warn(f"nothing can be started yet: {message}")

    def _tell_of_unusable(self, refused: Refused) -> None:
        if refused.is_unusable and refused.uuid not in self._unusable:
            self._unusable.add(refused.uuid)
            name = self._fleet.name(refused.uuid)
            self._config.warn(f"{name} is left out for now: {refused.reason}")

    # Taking back

    def _release(self, token: str) -> Mapping[str, Plain]:
        tenant = self._tenants.pop(token)
        now = self._config.clock.monotonic()
        still = {uuid for other in self._tenants.values() for uuid in other.gpus}
        for uuid in tenant.gpus:
            self._left[uuid] = now
        self._holdings.give_back(tenant.gpus - still)
        self._fleet.forget()
        self._aftermath.ended(self._owners.take(token), tenant.gpus, now)
        peak = self._peaks.end(token)
        return {} if peak is None else {PEAK: round(peak / (1 << 20))}

    def _begin(self, session: Session) -> None:
        """Take over what an earlier runner has started, and look from time to time."""
        if self._session is not None:
            return
        self._session = session
        self._holdings.owner = f"session {session.name} of {_user()}"
        session.every(INTERVAL, self._look)
        session.every(RENEWAL, self._holdings.renew)
        for run in session.running:
            tenant = Tenant(_entries(run.note.get(ENTRIES)), alone=True)  # its lock is its own
            if tenant.gpus and tenant.gpus <= self._fleet.memory.keys():
                self._tenants[run.token] = tenant
                self._owners.add(run)
                session.lease(run.token, Lease(release=partial(self._release, run.token)))

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


def _entries(written: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(entry) for entry in written or ())


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
