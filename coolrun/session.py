"""A session, readable from top to bottom: read, plan, enqueue, run, finish."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun.errors import CoolrunError, ExitCode, PluginError, SessionError
from coolrun.journal import Attempt, Journal
from coolrun.leases import Leases
from coolrun.results import read_results
from coolrun.run import Blocked, Busy, Exit, Halt, Lease, Record, Retry, Run, Status
from coolrun.scheduler import (
    Action,
    Cancel,
    Close,
    Drain,
    Ended,
    Event,
    Finish,
    Interrupt,
    Launch,
    Looked,
    Pause,
    Resume,
    Say,
    State,
    Stopped,
    Submitted,
    Terminate,
    Tick,
    deadline,
    decide,
)
from coolrun.signals import Signals
from coolrun.timers import Timers
from coolrun.waiting import Waiting

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.control import Control
    from coolrun.experiment import Experiment
    from coolrun.plain import Plain
    from coolrun.planning import Plan
    from coolrun.protocols import Launcher, Queue
    from coolrun.store import SessionFolder

LOOKS = 16  # how many busy experiments are looked past, and how often each may be overtaken
SYNC = 1.0  # seconds between group commits


@dataclass
class Session:
    """What observers are told about: what runs, what ended, and how to be woken.

    Attributes:
        ended: how each experiment ended for good, by position.
        started: the local time of the session's start; `begun` the same on the monotonic clock.
        attempts: how often each experiment has been started, by position.
        settled: the attempts behind `ended`.
        held: why experiments could not start when they were last looked at, by position.
        dequeued: positions of which the journal says that they are not to be run here any more.
    """

    config: Config
    plan: Plan
    folder: SessionFolder
    journal: Journal
    queue: Queue
    launcher: Launcher
    control: Control
    started: datetime
    begun: float
    state: State = field(default_factory=State)
    ended: dict[int, Status] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    settled: dict[int, Attempt] = field(default_factory=dict)
    held: dict[int, str] = field(default_factory=dict)
    dequeued: frozenset[int] = frozenset()
    waiting: Waiting = field(default_factory=Waiting)
    _delayed: list[tuple[float, Experiment]] = field(default_factory=list)
    _to_repeat: set[int] = field(default_factory=set)
    _overtaken: dict[int, int] = field(default_factory=dict)
    _timers: Timers = field(default_factory=Timers)
    _commits: list[Callable[[], None]] = field(default_factory=list)
    _unwritten: list[Record] = field(default_factory=list)
    _unplanned: frozenset[int] = frozenset()
    _turns: int = -1
    _trouble: str | None = None
    _crowded: Path | None = None
    _finish: Finish | None = None

    def __post_init__(self) -> None:
        self._leases = Leases(self.config)
        self._unplanned = frozenset(self.plan.skipped)  # of which the plan on the disk says so

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def running(self) -> list[Run]:
        """What runs, in the order of its start."""
        return list(self.state.running.values())

    def count(self, status: Status) -> int:
        """How many experiments ended with this status."""
        return sum(1 for ended in self.ended.values() if ended is status)

    def run_of(self, attempt: Attempt) -> Run:
        """The run of an attempt, as far as the journal knows it."""
        experiment = self.plan.experiments[attempt.position]
        moved = "folder" in attempt.more
        folder = self.folder.run_folder(attempt.position)
        return Run(
            self.name,
            experiment,
            attempt.number,
            attempt.token,
            Path(attempt.more["folder"]) if moved else folder,
            extra=attempt.more.get("record", {}),
            note=attempt.more.get("note", {}),
            moved=moved,
        )

    def record_of(self, position: int) -> Mapping[str, Plain] | None:
        """The record of an experiment that has ended, read again from its files."""
        attempt = self.settled.get(position)
        if attempt is None or attempt.status is None:
            return None
        run = self.run_of(attempt)
        exited = read_results(run.results, run.token).end(run.token, attempt.failure, "", 0.0)
        return Record(run, exited, attempt.status).document()

    # What plugins may ask for

    def lease(self, token: str, lease: Lease) -> None:
        """Have a lease end together with a run that an earlier runner has started."""
        self._leases.add(token, lease)

    def every(self, seconds: float, function: Callable[[], None]) -> None:
        """Have `function` called about every so many seconds while the session runs."""
        self._timers.add(seconds, function, self._now())

    def on_commit(self, function: Callable[[], None]) -> None:
        """Have `function` called whenever what was written is made to survive a power loss.

        That is once a second, and before anybody is told that the session has ended. The journal
        follows: it never says of anything that it is recorded that a power loss could still take.
        """
        self._commits.append(function)

    def stop_run(self, token: str, status: Status, reason: str) -> None:
        """Stop one run; its record has this status and reason."""
        self.tell(Stopped(token, status, reason))

    def pause(self, reason: str) -> None:
        """Start nothing more until a person says to go on."""
        self.tell(Pause(reason))

    def drain(self, reason: str) -> None:
        """Start nothing more; end when what runs has ended."""
        self.tell(Drain(reason, self._now(), ended=False))

    def extend(self, experiments: Sequence[Experiment]) -> None:
        """Let the plan grow by experiments that have the next positions, or change some of it.

        It is written down before this returns, so that a resumed session knows them.
        """
        if not experiments:
            return
        self.folder.extend_plan(experiments)
        for experiment in experiments:
            self.plan.take(experiment)

    def run_again(self, positions: Iterable[int]) -> int:
        """Run experiments that have ended once more; returns how many that are."""
        if self.state.ending or self.state.draining:
            return 0
        again = [position for position in positions if self.ended.pop(position, None)]
        for position in again:
            self.journal.again(self.settled.pop(position).token)
            self._delayed.append((self._now(), self.plan.experiments[position]))
        if again:
            self.tell(Tick(self._now()))
        return len(again)

    def tell(self, event: Event) -> None:
        """Take an event into account and do what follows from it."""
        before = self.state.hold
        actions = decide(self.state, event)
        if self.state.hold != before:
            self._tell_hold()
        for action in actions:
            self._perform(action)

    # Running

    def run(self) -> ExitCode:
        """Run everything; the exit code says how it went."""
        started = self.started.isoformat(timespec="seconds")
        self.journal.begun(started, self.state.capacity)
        self.every(SYNC, self._write_down)
        self._fill()
        with Signals() as signals:
            self.tell(Tick(self._now()))
            while self._finish is None:
                self._wait(signals)
        if self._finish.ended:
            code = ExitCode.ENDED
        else:
            good = all(status is Status.DONE for status in self.ended.values())
            good = good and not self._to_repeat  # those failed, and were not run again
            code = ExitCode.OK if good else ExitCode.FAILED
        self._finish_writing(code)
        return code

    def _finish_writing(self, code: ExitCode) -> None:
        """Write and sync everything, before anybody is told that the session has ended."""
        self._write_down()
        if self._trouble is None:
            try:
                self.journal.finished(int(code))
            except OSError as error:
                self._trouble = f"cannot write: {reason_of(error)}"
        if self._trouble is not None:
            raise SessionError(
                self._trouble,
                cure=f"make room, then go on with `coolrun --resume {self.name}`: nothing is lost",
            )

    def _wait(self, signals: Signals) -> None:
        wake = deadline(self.state)
        moments = [moment for moment in (self._timers.next(), wake) if moment is not None]
        timeout = max(0.0, min(moments) - self._now())
        watched: list[Any] = [self.launcher, signals, self.control]
        readable, _, _ = select.select(watched, [], [], timeout)
        if signals in readable:
            for event in signals.events(self._now()):
                self.tell(event)
        if self.control in readable:
            for words in self.control.orders():
                self._obey(words)
        for exited in self.launcher.poll():
            self.tell(Ended(exited, self._now()))
        now = self._now()
        self._timers.call(now)
        if wake is not None and wake <= now:
            self.tell(Tick(now))

    def _obey(self, words: Sequence[str]) -> None:
        verb = words[0]
        if verb == "pause":
            self.tell(Pause("from another terminal"))
        elif verb == "continue":
            self.tell(Resume(self._now()))
        elif verb == "stop":
            self.tell(Drain("stopped from another terminal", self._now()))
        elif verb == "abort":
            self.tell(Terminate(self._now()))
        elif verb == "kill":
            self.tell(Terminate(self._now()))
            self.tell(Interrupt(self._now()))
        elif verb == "look":
            self.tell(Tick(self._now()))
        else:
            self.config.pluginmanager.ask("coolrun_control", words=words, session=self)

    def _perform(self, action: Action) -> None:
        if isinstance(action, Launch):
            self._launch(action.count)
        elif isinstance(action, Close):
            self._close_run(action)
        elif isinstance(action, Cancel):
            self.launcher.cancel(action.tokens, grace=action.grace)
        elif isinstance(action, Say):
            self.config.warn(action.message)
        else:
            self._finish = action

    # Starting

    def _fill(self) -> None:
        running = [run.experiment.position for run in self.running]
        delayed = [experiment.position for _, experiment in self._delayed]
        self.waiting.fill(self.queue.waiting(), [*running, *delayed])

    def _launch(self, count: int) -> None:
        if self.state.holds:
            return  # since what ended was told: a plugin had enough of it
        self._take_back_delayed()
        if self.queue.refresh():
            self._fill()
        runs: list[Run] = []
        halt: Halt | None = None
        self.held = {}
        try:
            for experiment in self.waiting.free():
                if len(runs) == count or not self._may_look_further():
                    break
                try:
                    run = self._prepared(experiment)
                except Busy as busy:
                    self.held[experiment.position] = busy.message
                    continue
                if run is not None:
                    runs.append(run)
                    for position in self.held:
                        self._overtaken[position] = self._overtaken.get(position, 0) + 1
        except Halt as error:
            halt = error
        except BaseException:
            for run in reversed(runs):
                self._take_back(run)
            raise
        self._submit(runs)
        if halt is not None:
            self.drain(str(halt))
            return
        if not runs and self.queue.refresh():
            self._fill()  # it changed while it was looked at
            self._launch(count)
            return
        until = min((moment for moment, _ in self._delayed), default=None)
        left = len(self.waiting) + len(self._delayed)
        self.tell(Looked(left, self._now(), bool(self.held), until))

    def _may_look_further(self) -> bool:
        """First come, first served: what could not start is overtaken, but not for ever."""
        often = any(self._overtaken.get(position, 0) >= LOOKS for position in self.held)
        return not often and len(self.held) <= LOOKS

    def _prepared(self, experiment: Experiment) -> Run | None:
        """The run of an experiment with all it needs; None if it is not to run after all.

        Raises:
            Busy: what it needs is taken.
            Halt: nothing more is to be started.
        """
        position = experiment.position
        attempt = self.attempts.get(position, 0) + 1
        run = self.run_of(Attempt(position, attempt, os.urandom(8).hex()))
        try:
            verdict = self._verdict(experiment)
            if verdict is None:
                self._leases.take(run, self)
        except PluginError as error:
            raise error.at(experiment=experiment.label) from error.__cause__
        taken = self.queue.take(experiment)
        self.waiting.remove(position)
        self._overtaken.pop(position, None)
        if taken is None:
            self._leases.release(run.token)
            return None
        self.attempts[position] = attempt
        run = self._leases.applied(run, taken)
        if verdict is not None:
            self._close_blocked(run, verdict)
            return None
        return run

    def _verdict(self, experiment: Experiment) -> Blocked | None:
        """Give what needs earlier records; Blocked when they are not as they should be."""
        answers = self.config.pluginmanager.ask(
            "coolrun_ready", experiment=experiment, session=self
        )
        return next((answer for answer in answers if answer is not None), None)

    def _submit(self, runs: list[Run]) -> None:
        if not runs:
            return
        try:
            for run in runs:
                run.folder.mkdir(parents=True, exist_ok=True)
            self.journal.started(runs)
        except OSError as error:
            for run in reversed(runs):
                self._take_back(run)
            self._fill()
            self._hold_on(f"cannot start anything: {reason_of(error)}")
            return
        for run in runs:
            self.tell(Submitted(run))
        self.launcher.submit(runs)
        for run in runs:
            self.config.pluginmanager.notify("coolrun_run_start", run=run, session=self)

    def _take_back(self, run: Run) -> None:
        """It was not started after all."""
        self._leases.release(run.token)
        self.attempts[run.experiment.position] -= 1
        self.queue.give_back(run.experiment)

    # Ending

    def _close_run(self, action: Close) -> None:
        run, exited, status = action.run, action.exit, action.status
        if action.reason is not None:
            exited = exited.because(action.reason)
        elif status is Status.FAILED:
            exited = self.diagnosed(run, exited)
        if exited.trouble is not None:
            self._hold_on(f"cannot start {run.id}: {exited.trouble}", run.folder)
        found = self._leases.release(run.token)
        if found:
            run = replace(run, extra={**run.extra, **found})
        self._record_end(Record(run, exited, status))

    def diagnosed(self, run: Run, exited: Exit) -> Exit:
        """The exit of a run that failed, with a better reason if a plugin knows one."""
        reason = self._asked("coolrun_diagnose", run=run, exited=exited, config=self.config)
        return exited if reason is None else exited.because(reason)

    def _asked(self, hook: str, **arguments: Any) -> Any:
        """What plugins say of a run that has ended; a failure is told and says nothing."""
        try:
            return self.config.pluginmanager.ask(hook, **arguments)
        except CoolrunError as error:
            named = isinstance(error, PluginError)
            self.config.warn(str(error) if named else f"{hook} failed: {error}")
            return None

    def _close_blocked(self, run: Run, verdict: Blocked) -> None:
        now = self.config.clock.now().isoformat(timespec="seconds")
        exited = Exit(run.token, verdict.reason, now, 0.0)
        self._record_end(Record(run, exited, Status.BLOCKED))

    def _record_end(self, record: Record) -> None:
        """Write down how a run ended, or hold it until that is possible; what runs goes on."""
        if not self._unwritten:
            try:
                self._write_end(record)
                return
            except OSError as error:
                self._hold_on(f"cannot record {record.run.id}: {reason_of(error)}")
        # A log may hold a part of it, or all.
        self._unwritten.append(replace(record, replayed=True))

    def _write_end(self, record: Record) -> None:
        run = record.run
        if record.status is Status.BLOCKED:
            self.journal.started([run])
            self.journal.ended(run.token, record.status, record.failure)
        else:
            self.journal.ended(run.token, record.status, record.failure, record.exit.elapsed)
        self.record(record)
        self._retry_or_end(record)

    def record(self, record: Record) -> None:
        """Have a record written where people look for it, and say so in the journal.

        Raises:
            OSError: the disk does not let us.
        """
        try:
            self.config.pluginmanager.ask(
                "coolrun_record", run=record.run, record=record, config=self.config
            )
        except PluginError as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from error
            raise error.at(experiment=record.run.experiment.label) from error.__cause__
        self.journal.recorded(record.run.token)

    # What cannot be written is held, and tried again

    def _write_down(self) -> None:
        """Write what could not be written, and make everything survive a power loss."""
        try:
            while self._unwritten:
                self._write_end(self._unwritten[0])
                del self._unwritten[0]
            self._write_dequeued()
            for commit in self._commits:
                commit()
            self.journal.sync()
            if self._trouble is not None:
                self.folder.find_room(self._crowded)
        except OSError as error:
            self._hold_on(f"cannot write: {reason_of(error)}")
            return
        trouble, self._trouble = self._trouble, None
        if trouble is not None and self.state.paused == trouble:
            self.tell(Resume(self._now()))

    def _write_dequeued(self) -> None:
        """Write down what is not to be run here any more, where that has changed."""
        turns = self.plan.turns
        if turns == self._turns:
            return
        now = self.plan.skipped.keys() - self._unplanned
        if now != self.dequeued:
            self.journal.dequeued(now - self.dequeued, self.dequeued - now)
        self.dequeued, self._turns = frozenset(now), turns

    def _hold_on(self, trouble: str, folder: Path | None = None) -> None:
        """Start nothing more until what has to be written can be written again, there too."""
        if self._trouble is None:
            self._crowded = folder
            self._trouble = f"{trouble}; it is tried again every second, and nothing is lost"
            self.pause(self._trouble)

    def _tell_hold(self) -> None:
        try:
            self.journal.held(self.state.hold)
        except OSError as error:
            self._hold_on(f"cannot write: {reason_of(error)}")

    def _retry_or_end(self, record: Record) -> None:
        run = record.run
        again = Retry(run.experiment) if record.exit.trouble is not None else None
        if record.status.final and record.status is not Status.DONE:
            again = self._asked("coolrun_retry", run=run, record=record, session=self)
        if again is not None and again.experiment.position not in {-1, run.experiment.position}:
            self.config.warn(
                f"coolrun_retry answered for {run.experiment.label} with another one: "
                f"{again.experiment.label}; it is not run again"
            )
            again = None
        if again is None or self.state.ending or self.state.draining:
            self._end_for_good(record)
            return
        self.journal.again(run.token)
        self._to_repeat.add(run.experiment.position)
        again.experiment.position = run.experiment.position
        if again.experiment is not self.plan.experiments[run.experiment.position]:
            again.experiment.completed = True  # so that its values are journalled
        self._delayed.append((self._now() + again.delay, again.experiment))
        self.config.pluginmanager.notify("coolrun_post_run", run=run, record=record, session=self)

    def _end_for_good(self, record: Record) -> None:
        run = record.run
        attempt = Attempt.of(run, record.status, record.failure)
        attempt.recorded = True
        self.settle(attempt)
        self._to_repeat.discard(attempt.position)
        self.waiting.ended(attempt.position)
        self.config.pluginmanager.notify("coolrun_post_run", run=run, record=record, session=self)

    def settle(self, attempt: Attempt) -> None:
        """This attempt is the last at its position, and has ended."""
        assert attempt.status is not None
        self.ended[attempt.position] = attempt.status
        self.settled[attempt.position] = attempt

    def _take_back_delayed(self) -> None:
        now = self._now()
        due = [experiment for moment, experiment in self._delayed if moment <= now]
        if due:
            self._delayed = [entry for entry in self._delayed if entry[0] > now]
            for experiment in reversed(due):
                self.queue.give_back(experiment)
                self.waiting.put_first(experiment)
            if any(experiment.position not in self._to_repeat for experiment in due):
                self._fill()  # others may wait for it again, or it for others

    def _now(self) -> float:
        return self.config.clock.monotonic()


def reason_of(error: OSError) -> str:
    """What went wrong with which file, in words."""
    where = f" ({str(error.filename)!r})" if error.filename else ""
    return f"{error.strerror or error}{where}"
