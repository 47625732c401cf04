"""Opening a session: a new one from a plan, or one that ended before its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coolrun.control import Control
from coolrun.errors import ExitCode, NothingToRun, PluginError, SessionError
from coolrun.journal import Attempt, Journal, Past, read_journal
from coolrun.planning import Plan, check_ways, nothing_to_run
from coolrun.resurvey import Resurvey
from coolrun.scheduler import State
from coolrun.session import Session, reason_of
from coolrun.store import SessionFolder

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.plain import Plain
    from coolrun.protocols import Launcher, Queue
    from coolrun.run import Record


def start_session(plan: Plan, config: Config, launcher: Launcher) -> ExitCode:
    """Check, enqueue, run and finish a plan.

    Raises:
        NothingToRun: no experiment is left to launch.
        CoolrunError: a check failed; nothing was launched.
    """
    if not plan.chosen:
        raise nothing_to_run(plan)
    check_ways(plan, config)
    config.pluginmanager.ask("coolrun_check", plan=plan, config=config)
    left = config.pluginmanager.ask("coolrun_continue", plan=plan, config=config)
    if left is not None:
        launcher.close()  # the session that goes on may want another
        return resume_session(Resumption.of(left), config)
    folder = SessionFolder.create(config.cwd, config.clock.now(), config.sessions)
    with _told(folder):
        folder.lock()
        config.add_cleanup(folder.unlock)
        folder.write_definition(plan.source)
        settings = {**plan.settings, **config.given_settings()}
        command: dict[str, Plain] = {
            "argv": [*config.argv],
            "arguments": [*config.module_arguments],
        }
        folder.write_plan(plan.experiments, settings, plan.source, command)
        session = open_session(plan, folder, config, launcher)
    return _run(session)


@dataclass(frozen=True)
class Resumption:
    """A session that is taken up again, and what became of its runs.

    Attributes:
        plan: what it was to run.
        past: what its journal says.
        command: what the command line was that began it.
    """

    folder: SessionFolder
    plan: Plan
    past: Past = field(repr=False)
    command: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: SessionFolder) -> Resumption:
        """Read a session's own plan and journal; nothing is evaluated again."""
        experiments, settings, source = folder.read_plan()
        skipped = {e.position: e.skipped for e in experiments if e.skipped is not None}
        plan = Plan(experiments, settings, source, _skipped=skipped)
        past = read_journal(folder.journal)
        for attempt in past.last_attempts().values():
            if attempt.position >= len(experiments):
                raise folder.without_plan(f"experiment {attempt.position} is not in it")
            if "values" in attempt.more:
                experiments[attempt.position].settle(dict(attempt.more["values"]))
        return cls(folder, plan, past, folder.read_head()["command"])

    def unfinished(self) -> list[int]:
        """The positions that have no final record."""
        last = self.past.last_attempts()
        return [
            e.position
            for e in self.plan.chosen
            if not ((attempt := last.get(e.position)) and attempt.recorded and attempt.final)
        ]


def resume_session(
    resumption: Resumption, config: Config, again: Callable[[Attempt], bool] = lambda _: False
) -> ExitCode:
    """Take up a session: record what was not, adopt what still runs, run what has no record.

    Args:
        again: whether an attempt that has a final record is to be run once more all the same.

    Raises:
        SessionError: another process runs the session.
        NothingToRun: everything has its final record.
    """
    folder, plan = resumption.folder, resumption.plan
    if not folder.lock():
        raise SessionError(
            f"session {folder.name} is running", cure="see `coolrun status`; it needs no help"
        )
    config.add_cleanup(folder.unlock)
    config.session_folder = folder
    if resumption.command:
        # A run finds the same arguments as it would have found then.
        config.argv = list(resumption.command["argv"])
        config.module_arguments = list(resumption.command["arguments"])
    config.take_settings(plan.settings, plan.source)
    launcher = launcher_of(config)
    check_ways(plan, config)
    config.pluginmanager.ask("coolrun_check", plan=plan, config=config)
    with _told(folder):
        session = open_session(plan, folder, config, launcher, enqueue=False)
        session.dequeued = frozenset(resumption.past.dequeued)
        survey = Resurvey(session, resumption.past)
        survey.complete()
        waiting = survey.take_up(again)
        session.queue.put(plan.experiments[position] for position in waiting)
    if not (waiting or session.running or session.queue.waiting() or survey.replayed):
        session.journal.finished(int(ExitCode.OK))
        raise NothingToRun(
            f"session {folder.name}: every run has its record",
            cure="`--retry-failed` runs those that failed once more, `--force` all of them",
        )
    return _run(session, survey.replayed)


@contextmanager
def _told(folder: SessionFolder) -> Iterator[None]:
    """Tell in words what the disk does not let us do before the first run."""
    try:
        yield
    except OSError as error:
        raise SessionError(
            f"cannot write in {str(folder.path)!r}: {reason_of(error)}",
            cure="make room, or start coolrun in a folder of yours; nothing is lost",
        ) from error


def launcher_of(config: Config) -> Launcher:
    """The launcher that the settings ask for."""
    launcher: Launcher = _found("coolrun_launch", "launches runs", config)
    config.add_cleanup(launcher.close)
    if not config.hook.coolrun_record.get_hookimpls():
        config.warn("no plugin writes records: results stay in the folders of the runs")
    return launcher


def open_session(
    plan: Plan,
    folder: SessionFolder,
    config: Config,
    launcher: Launcher,
    *,
    enqueue: bool = True,
) -> Session:
    """A session that can be run, with all that it needs; `enqueue` what is to be launched."""
    config.session_folder = folder
    started, begun = config.clock.now(), config.clock.monotonic()
    queue: Queue = _found("coolrun_queue", "gives a queue", config)
    config.add_cleanup(queue.close)
    journal = Journal(folder.journal)
    config.add_cleanup(journal.close)
    control = Control(folder.control)
    config.add_cleanup(control.close)
    if enqueue:
        queue.put(plan.chosen)
    state = State(capacity=_capacity(config))
    return Session(config, plan, folder, journal, queue, launcher, control, started, begun, state)


def _run(session: Session, untold: Iterable[Record] = ()) -> ExitCode:
    notify = session.config.pluginmanager.notify
    notify("coolrun_session_start", session=session)
    for record in untold:
        notify("coolrun_post_run", run=record.run, record=record, session=session)
    code = ExitCode.INTERNAL
    try:
        code = session.run()
    finally:
        notify("coolrun_session_finish", session=session, exitcode=int(code))
    return code


def _capacity(config: Config) -> int:
    """The smallest answer; with none of at least one the session would wait for ever."""
    manager = config.pluginmanager
    answers = [a for a in manager.ask("coolrun_capacity", config=config) if a is not None]
    for wrong in (a for a in answers if not isinstance(a, int) or a < 1):
        each = manager.each("coolrun_capacity", config=config)
        plugin = next((plugin for plugin, answer in each if answer == wrong), None)
        raise PluginError.answered(plugin, "coolrun_capacity", wrong, "a positive whole number")
    return min(answers, default=1)


def _found(hook: str, what: str, config: Config) -> Any:
    """The answer to a hook that a session cannot do without."""
    answer = config.pluginmanager.ask(hook, config=config)
    if answer is None:
        cure = f"`coolrun plugins` lists what there is{config.pluginmanager.left_out()}"
        raise PluginError(f"no plugin {what}", cure=cure)
    return answer
