"""Whatever is planned: every experiment ends exactly once, and never starts before its needs ended.

A real session decides and records; only the launcher is simulated, so that any run may end at any
moment.
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coolrun import Blocked, Busy, Experiment, Halt, Lease, Record, Retry, Run, Source, hookimpl
from coolrun.config import Config
from coolrun.control import Control
from coolrun.declarations import Parser
from coolrun.errors import ExitCode
from coolrun.journal import Journal, read_journal
from coolrun.planning import Plan
from coolrun.plugins import PluginManager
from coolrun.run import Exit, Status
from coolrun.scheduler import State
from coolrun.session import LOOKS, Session
from coolrun.store import SessionFolder
from coolrun_plugins.memoryqueue import MemoryQueue


class Simulated:
    """A launcher whose runs end when a random choice says so."""

    def __init__(self, choice: random.Random, failing: set[tuple[int, int]]) -> None:
        self.running: dict[str, Run] = {}
        self._choice = choice
        self._failing = failing
        self._reader, self._writer = os.pipe()
        os.write(self._writer, b".")  # always readable: some run may always have ended

    def submit(self, runs: Sequence[Run]) -> None:
        self.running.update((run.token, run) for run in runs)

    def fileno(self) -> int:
        return self._reader

    def poll(self) -> Sequence[Exit]:
        tokens = list(self.running)
        if not tokens:
            return []
        ended = self._choice.sample(tokens, self._choice.randint(1, len(tokens)))
        return [self._exit(self.running.pop(token)) for token in ended]

    def _exit(self, run: Run) -> Exit:
        fails = (run.experiment.position, run.attempt) in self._failing
        return Exit(run.token, "no luck" if fails else None, "2026-01-01T00:00:00", 0.0)

    def cancel(self, tokens: Collection[str], *, grace: float) -> None:
        raise AssertionError("nothing is to be stopped here")

    def attach(self, runs: Sequence[Run]) -> Sequence[Run]:
        return []

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class OneByOne(random.Random):
    """The oldest run ends, and no other."""

    def sample(self, population: Any, k: Any = None, **_: Any) -> Any:
        return list(population)[:1]


class CountingQueue(MemoryQueue):
    """Counts how often somebody looks at all that waits."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def waiting(self) -> Sequence[Experiment]:
        self.looks += 1
        return super().waiting()


class Watcher:
    """Leases slots of two kinds, retries, and notes what happens in which order."""

    def __init__(self, slots: dict[str, int], retries: dict[int, int]) -> None:
        self.free = dict(slots)
        self.retries = retries
        self.events: list[tuple[str, int]] = []
        self.most = 0
        self.running = 0
        self.limit: int | None = None
        self.blocks: set[int] = set()

    @hookimpl
    def coolrun_ready(self, experiment: Experiment) -> Blocked | None:
        return Blocked("not today") if experiment.position in self.blocks else None

    @hookimpl
    def coolrun_pre_launch(self, run: Run) -> Lease:
        needs: dict[str, int] = run.experiment.get("needs") or {}
        for kind, count in needs.items():
            if self.free[kind] < count:
                raise Busy(f"no {kind} is free")
        if self.limit is not None:
            if self.limit == 0:
                raise Halt("enough")
            self.limit -= 1
        for kind, count in needs.items():
            self.free[kind] -= count
        return Lease(release=lambda: self._give_back(needs))

    def _give_back(self, needs: dict[str, int]) -> None:
        for kind, count in needs.items():
            self.free[kind] += count

    @hookimpl
    def coolrun_retry(self, run: Run) -> Retry | None:
        left = self.retries.get(run.experiment.position, 0)
        if not left:
            return None
        self.retries[run.experiment.position] = left - 1
        return Retry(run.experiment, 0.0)

    @hookimpl
    def coolrun_run_start(self, run: Run) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.events.append(("start", run.experiment.position))

    @hookimpl
    def coolrun_post_run(self, run: Run, record: Record, session: Session) -> None:
        if record.status is not Status.BLOCKED:
            self.running -= 1
        for_good = session.ended.get(run.experiment.position) is not None
        self.events.append(("ended" if for_good else "attempt", run.experiment.position))


def simulate(
    folder: Path,
    experiments: Sequence[Experiment],
    watcher: Watcher,
    *,
    capacity: int = 1,
    failing: Iterable[tuple[int, int]] = (),
    choice: random.Random | None = None,
) -> Any:
    """Run a plan to its end; what the session knew then."""
    manager = PluginManager()
    manager.register(watcher, "watcher")
    config = Config([], folder, Parser(), manager)
    source = Source("experiment.yaml", b"")
    session_folder = SessionFolder(folder / secrets.token_hex(4))
    session_folder.runs.mkdir(parents=True)
    journal, control = Journal(session_folder.journal), Control(session_folder.control)
    queue, launcher = CountingQueue(), Simulated(choice or random.Random(0), set(failing))
    plan = Plan(list(experiments), {}, source)
    queue.put(plan.chosen)
    clock = config.clock
    session = Session(
        config,
        plan,
        session_folder,
        journal,
        queue,
        launcher,
        control,
        clock.now(),
        clock.monotonic(),
        State(capacity=capacity),
    )
    try:
        code = session.run()
    finally:
        for thing in (journal, control, launcher):
            thing.close()
    past = read_journal(session_folder.journal)
    return SimpleNamespace(session=session, code=code, past=past, looks=queue.looks)


def experiment(position: int, after: Iterable[int] = (), **values: Any) -> Experiment:
    return Experiment({"Name": f"e{position}", **values}, position=position, after=frozenset(after))


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[Experiment], set[tuple[int, int]], dict[int, int]]:
    """Experiments that wait for others, earlier and later ones, without cycles."""
    count = draw(st.integers(1, 9))
    order = draw(st.permutations(range(count)))
    places = {position: place for place, position in enumerate(order)}
    made = []
    for position in range(count):
        possible = [p for p in range(count) if places[p] < places[position]]
        after = draw(st.sets(st.sampled_from(possible), max_size=3)) if possible else set()
        needs = draw(
            st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 2), max_size=2),
        )
        made.append(experiment(position, after, needs=needs))
        if draw(st.integers(0, 5)) == 0:
            made[-1].skipped = "left out"
    failing = draw(st.sets(st.tuples(st.integers(0, count - 1), st.integers(1, 3))))
    retries = draw(st.dictionaries(st.integers(0, count - 1), st.integers(0, 2)))
    return made, failing, retries


@settings(max_examples=120, deadline=None)
@given(plans(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_every_experiment_ends_exactly_once_and_never_starts_before_its_needs_ended(
    plan: tuple[list[Experiment], set[tuple[int, int]], dict[int, int]],
    capacity: int,
    choice: random.Random,
) -> None:
    experiments, failing, retries = plan
    chosen = {e.position for e in experiments if e.skipped is None}
    allowed = dict(retries)
    watcher = Watcher({"a": 2, "b": 3}, retries)
    with TemporaryDirectory() as folder:
        done = simulate(
            Path(folder), experiments, watcher, capacity=capacity, failing=failing, choice=choice
        )
    ended = [position for what, position in watcher.events if what == "ended"]
    assert sorted(ended) == sorted(chosen)
    assert done.session.ended.keys() == chosen
    over: set[int] = set()
    for what, position in watcher.events:
        if what == "start":
            assert experiments[position].after & chosen <= over
        elif what == "ended":
            over.add(position)
    assert watcher.most <= capacity
    assert watcher.free == {"a": 2, "b": 3}
    for position in chosen:
        started = watcher.events.count(("start", position))
        expected = next(n for n in range(1, 9) if (position, n) not in failing)
        assert started == min(expected, 1 + allowed.get(position, 0))
        good = expected <= 1 + allowed.get(position, 0)
        assert done.session.ended[position] is (Status.DONE if good else Status.FAILED)
    assert done.code == (
        ExitCode.OK
        if all(status is Status.DONE for status in done.session.ended.values())
        else ExitCode.FAILED
    )
    assert {a.position for a in done.past.last_attempts().values() if a.final} == chosen


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(0, 12), st.randoms(), st.sets(st.integers(0, 9)))
def test_a_session_that_is_halted_lets_what_runs_finish_and_starts_nothing_more(
    capacity: int, limit: int, choice: random.Random, blocked: set[int]
) -> None:
    watcher = Watcher({}, {})
    watcher.limit, watcher.blocks = limit, blocked
    experiments = [experiment(position) for position in range(10)]
    with TemporaryDirectory() as folder:
        done = simulate(Path(folder), experiments, watcher, capacity=capacity, choice=choice)
    started = [position for what, position in watcher.events if what == "start"]
    assert started == [p for p in range(10) if p not in blocked][:limit]
    assert watcher.running == 0
    statuses = set(done.session.ended.values())
    assert done.code == (ExitCode.FAILED if Status.BLOCKED in statuses else ExitCode.OK)


def test_first_come_first_served(tmp_path: Path) -> None:
    watcher = Watcher({}, {})
    simulate(tmp_path, [experiment(n) for n in range(20)], watcher, capacity=3)
    started = [position for what, position in watcher.events if what == "start"]
    assert started == list(range(20))


def test_what_fits_overtakes_what_does_not(tmp_path: Path) -> None:
    watcher = Watcher({"a": 1, "b": 1}, {})
    needs = [{"a": 1}, {"a": 1}, {"b": 1}]
    experiments = [experiment(n, needs=need) for n, need in enumerate(needs)]
    simulate(tmp_path, experiments, watcher, capacity=2)
    started = [position for what, position in watcher.events if what == "start"]
    assert started == [0, 2, 1]


@pytest.mark.parametrize("seed", range(5))
def test_what_needs_much_is_overtaken_only_so_often(tmp_path: Path, seed: int) -> None:
    """Two of the slots are never free at once, as long as others may overtake."""
    watcher = Watcher({"a": 2}, {})
    experiments = [experiment(n, needs={"a": 2 if n == 2 else 1}) for n in range(80)]
    done = simulate(tmp_path, experiments, watcher, capacity=4, choice=OneByOne(seed))
    started = [position for what, position in watcher.events if what == "start"]
    assert started.index(2) <= 2 + LOOKS
    assert sorted(started) == list(range(80))
    assert done.code == ExitCode.OK


def test_one_that_is_overtaken_often_does_not_hold_what_stands_before_it(tmp_path: Path) -> None:
    """Each of several that need much has its turn, in order."""
    watcher = Watcher({"a": 2}, {})
    experiments = [experiment(n, needs={"a": 2 if n % 10 == 2 else 1}) for n in range(60)]
    simulate(tmp_path, experiments, watcher, capacity=4, choice=OneByOne(1))
    started = [position for what, position in watcher.events if what == "start"]
    large = [position for position in started if position % 10 == 2]
    assert large == sorted(large)
    assert sorted(started) == list(range(60))


def test_only_so_many_that_are_busy_are_looked_past(tmp_path: Path) -> None:
    asked: list[int] = []

    class Asking(Watcher):
        @hookimpl
        def coolrun_pre_launch(self, run: Run) -> Lease:
            asked.append(run.experiment.position)
            return super().coolrun_pre_launch(run)

    watcher = Asking({"a": 1}, {})
    simulate(tmp_path, [experiment(n, needs={"a": 1}) for n in range(60)], watcher, capacity=60)
    assert asked[: LOOKS + 2] == list(range(LOOKS + 2))
    assert max(asked.count(position) for position in range(60)) <= 2 * (LOOKS + 2)


def test_nobody_goes_through_all_that_waits_more_than_once(tmp_path: Path) -> None:
    watcher = Watcher({}, dict.fromkeys(range(0, 300, 3), 1))
    failing = [(position, 1) for position in range(0, 300, 3)]
    experiments = [experiment(n, {n - 1} if n % 2 else ()) for n in range(300)]
    done = simulate(tmp_path, experiments, watcher, capacity=4, failing=failing)
    assert done.looks == 1
    assert len(done.session.ended) == 300
