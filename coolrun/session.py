"""A session, readable from top to bottom: read, plan, enqueue, run, finish."""

from __future__ import annotations

import secrets
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING, Any

from coolrun.errors import DefinitionError, ExitCode, NothingToRun, PluginError, SessionError
from coolrun.run import Exit, Record, Run, Status
from coolrun.scheduler import (
    Action,
    Cancel,
    Close,
    Ended,
    Event,
    Interrupt,
    Launch,
    QueueEmpty,
    Ready,
    Say,
    State,
    Submitted,
    Terminate,
    deadline,
    decide,
)
from coolrun.store import SessionFolder

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.planning import Plan
    from coolrun.protocols import Launcher, Queue


@dataclass
class Session:
    """What observers are told about: what runs, what ended, and how to be woken.

    Attributes:
        running: the runs that were submitted and have not ended, in order of their start.
        ended: the status of each run that ended, by position.
        started: the local time of the session's start; `begun` the same on the monotonic clock.
    """

    config: Config
    plan: Plan
    folder: SessionFolder
    queue: Queue
    launcher: Launcher
    started: datetime
    begun: float
    state: State = field(default_factory=State)
    ended: dict[int, Status] = field(default_factory=dict)
    _timers: list[_Timer] = field(default_factory=list)
    _closing: str | None = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def running(self) -> list[Run]:
        return list(self.state.running.values())

    def count(self, status: Status) -> int:
        """How many runs ended with this status."""
        return sum(1 for ended in self.ended.values() if ended is status)

    def every(self, seconds: float, function: Callable[[], None]) -> None:
        """Have `function` called about every so many seconds while the session runs."""
        now = self.config.clock.monotonic()
        self._timers.append(_Timer(seconds, now + seconds, function))

    # Running

    def run(self) -> ExitCode:
        """Run everything; the exit code says how it went."""
        with _signals() as wakeup:
            self._perform(decide(self.state, Ready(self._now())))
            while self._closing is None:
                self._wait(wakeup)
        ended = self._closing == "ended"
        if ended:
            return ExitCode.ENDED
        good = all(status is Status.DONE for status in self.ended.values())
        return ExitCode.OK if good else ExitCode.FAILED

    def _wait(self, wakeup: socket.socket) -> None:
        moments = [timer.due for timer in self._timers]
        resume = deadline(self.state)
        if resume is not None:
            moments.append(resume)
        timeout = max(0.0, min(moments) - self._now()) if moments else None
        readable, _, _ = select.select([self.launcher, wakeup], [], [], timeout)
        if wakeup in readable:
            for number in wakeup.recv(64):
                self._tell(_EVENTS[number](self._now()))
        for exited in self.launcher.poll():
            self._tell(Ended(exited, self._now()))
        now = self._now()
        for timer in self._timers:
            if timer.due <= now:
                timer.due = now + timer.interval
                timer.function()
        if resume is not None and resume <= now:
            self._tell(Ready(now))

    def _tell(self, event: Event) -> None:
        self._perform(decide(self.state, event))

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Launch):
                self._launch(action.count)
            elif isinstance(action, Close):
                self._close_run(action.run, action.exit, action.status)
            elif isinstance(action, Cancel):
                self.launcher.cancel(action.tokens, grace=action.grace)
            elif isinstance(action, Say):
                self.config.warn(action.message)
            else:
                self._closing = "ended" if action.ended else "finished"

    def _launch(self, count: int) -> None:
        runs: list[Run] = []
        for _ in range(count):
            experiment = self.queue.take()
            if experiment is None:
                break
            environment: dict[str, str] = {}
            run = Run(
                session=self.name,
                experiment=experiment,
                attempt=1,
                token=secrets.token_hex(8),
                folder=self.folder.run_folder(experiment.position),
                environment=environment,
            )
            for part in self.config.pluginmanager.ask(
                "coolrun_pre_launch", run=run, config=self.config
            ):
                environment.update(part or {})
            runs.append(run)
        for run in runs:
            self._perform(decide(self.state, Submitted(run)))
        if runs:
            self.launcher.submit(runs)
            for run in runs:
                self.config.pluginmanager.notify("coolrun_run_start", run=run, session=self)
        if len(runs) < count:
            self._tell(QueueEmpty())

    def _close_run(self, run: Run, exited: Exit, status: Status) -> None:
        record = Record(run, exited, status)
        ask = self.config.pluginmanager.ask
        try:
            ask("coolrun_record", run=run, record=record, config=self.config)
        except OSError as error:
            raise SessionError(f"cannot record {run.id}: {error}") from error
        self.ended[run.experiment.position] = status
        self.config.pluginmanager.notify("coolrun_post_run", run=run, record=record, session=self)

    def _now(self) -> float:
        return self.config.clock.monotonic()


@dataclass
class _Timer:
    interval: float
    due: float
    function: Callable[[], None]


_EVENTS: dict[int, Any] = {
    signal.SIGINT: Interrupt,
    signal.SIGTERM: Terminate,
    signal.SIGHUP: Ready,
}


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Signals arrive as bytes on a socket, so that one select waits for everything.

    SIGHUP is taken and does nothing: the session goes on without its terminal.
    """
    receiver, sender = socket.socketpair()
    receiver.setblocking(False)
    sender.setblocking(False)

    def nothing(number: int, frame: FrameType | None) -> None:
        """A handler has to exist for the descriptor to be written to."""

    before = {number: signal.signal(number, nothing) for number in _EVENTS}
    descriptor = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    try:
        yield receiver
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in before.items():
            signal.signal(number, handler)
        receiver.close()
        sender.close()


def start_session(plan: Plan, config: Config) -> ExitCode:
    """Check, enqueue, run and finish a plan.

    Raises:
        NothingToRun: no experiment is left to launch.
        CoolrunError: a check failed; nothing was launched.
    """
    if not plan.chosen:
        raise nothing_to_run(plan)
    ask = config.pluginmanager.ask
    started, begun = config.clock.now(), config.clock.monotonic()
    check_ways(plan, config)
    ask("coolrun_check", plan=plan, config=config)
    queue: Queue = _found(ask("coolrun_queue", config=config), "gives a queue")
    config.add_cleanup(queue.close)
    folder = SessionFolder.create(config.cwd, started)
    config.session_folder = folder
    folder.write_definition(plan.source)
    folder.write_plan(plan.experiments)
    launcher: Launcher = _found(ask("coolrun_launch", config=config), "launches runs")
    config.add_cleanup(launcher.close)
    queue.put(plan.chosen)
    session = Session(config, plan, folder, queue, launcher, started, begun)
    config.pluginmanager.notify("coolrun_session_start", session=session)
    code = ExitCode.INTERNAL
    try:
        code = session.run()
    finally:
        config.pluginmanager.notify("coolrun_session_finish", session=session, exitcode=int(code))
    return code


def check_ways(plan: Plan, config: Config) -> None:
    """Every experiment has to say what it runs.

    Raises:
        DefinitionError: one does not.
    """
    for experiment in plan.chosen:
        if config.way_of(experiment) is None:
            ways = [repr(key.name) for key in config.parser.keys.values() if key.runs]
            names = " or ".join(ways) if ways else "a key, but no loaded plugin has one"
            raise experiment.blame(
                DefinitionError(
                    f"nothing says what to run: there is no {names}",
                    cure="name it once in the default config (`coolrun plugins` lists the keys)",
                )
            )


def nothing_to_run(plan: Plan) -> NothingToRun:
    """Why there is nothing to run, and what to do."""
    if not plan.experiments:
        return NothingToRun(
            f"{plan.source.path}: there is no experiment in it",
            cure="experiments start after a line `---`; "
            "add `---` and `{}` to run the default config once",
        )
    reasons = sorted(set(plan.skipped.values()))
    return NothingToRun(
        f"{plan.source.path}: nothing to run: all {len(plan.experiments)} experiments are skipped",
        cure="; ".join(reasons[:3]),
    )


def _found(answer: Any, what: str) -> Any:
    if answer is None:
        raise PluginError(f"no plugin {what}", cure="`coolrun plugins` lists what is blocked")
    return answer
