"""The hooks: everything that a plugin can do.

The five stages of an experiment's life are parse, pre_launch, launch, post_run and collect; the
other hooks set up, decide or observe around them.

Three kinds of hook fail in three ways:

* *setup*: a failure disables a third-party plugin as a whole and is reported; a built-in's
  failure ends the command.
* *deciding*: a failure ends the work on that definition or that run, loudly, and names the
  plugin, the hook and the experiment.
* *observing*: a failure is reported once per plugin and stops nothing; the others are still told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from coolrun.config import Config
    from coolrun.declarations import Parser
    from coolrun.definition import Definition
    from coolrun.experiment import Experiment
    from coolrun.planning import Plan
    from coolrun.plugins import PluginManager
    from coolrun.programs import Program
    from coolrun.protocols import Launcher, Queue
    from coolrun.run import Blocked, Exit, Lease, Record, Retry, Run
    from coolrun.session import Session
    from coolrun.store import SessionFolder

hookspec = pluggy.HookspecMarker("coolrun")
hookimpl = pluggy.HookimplMarker("coolrun")


@hookspec
def coolrun_addoption(parser: Parser, pluginmanager: PluginManager) -> None:
    """Declare commands, options, experiment keys, settings and marking words. [setup]

    Called once per plugin before the command line is read, in the runner and in every interpreter
    that a run gets of its own. A plugin may add hook specs of its own with
    `pluginmanager.add_hookspecs`. Return nothing. When it raises, all that the plugin declared is
    taken back.
    """


@hookspec
def coolrun_configure(config: Config) -> None:
    """Prepare for one command. [setup]

    Called once when the command line is known and before anything is read, in the runner and in
    every interpreter that a run gets of its own. Register stateful objects only when they are asked
    for, and undo what has to be undone with `config.add_cleanup`.
    """


@hookspec(firstresult=True)
def coolrun_read(path: Path, config: Config) -> Definition | None:
    """Read a definition file. [deciding, first result]

    Called in the runner (or in a limited child of it, for a dry run). None means: not a format
    that this plugin knows. Wrap it to change what was read before anything is expanded.
    """


@hookspec
def coolrun_expand(experiment: Experiment, config: Config) -> Iterable[Experiment] | None:
    """Make several experiments out of one, lazily, before any expression is evaluated. [deciding]

    Called in the runner, plugin by plugin, each on everything that the one before made. None means:
    leave it as it is. An empty iterable removes the experiment.
    """


@hookspec
def coolrun_names(config: Config) -> Mapping[str, Any] | None:
    """Give functions that expressions may call, and mappings they may read, by name. [deciding]

    Called in the runner, once before the first expression is evaluated; every plugin is asked.
    Functions are called with plain copies, and what they return has to be plain data. Mappings
    are read key by key, never listed or copied. None means: nothing.
    """


@hookspec
def coolrun_parse(experiment: Experiment, previous: Sequence[Experiment], config: Config) -> None:
    """Give the experiment its final values, in place. [deciding]

    Called in the runner once per experiment, in the order of the plan. `previous` holds the
    experiments before it in its series, already parsed; it grows and is never copied. Fill
    `experiment.after` with the positions that it depends on.
    """


@hookspec
def coolrun_plan(plan: Plan, config: Config) -> None:
    """Look at the whole plan once everything is parsed. [deciding]

    Called in the runner. Skip experiments with `plan.skip(position, reason)`, or refuse the plan by
    raising a CoolrunError. Called for a dry run too: write and import nothing.
    """


@hookspec
def coolrun_check(plan: Plan, config: Config) -> None:
    """Find out before the first launch what would make runs fail. [deciding]

    Called in the runner, for a real session only. Raise a CoolrunError for what a person has to
    mend first: a log that cannot be written, a function that does not exist.
    """


@hookspec(firstresult=True)
def coolrun_main(config: Config) -> int | None:
    """Do something else than running the definition, and return the exit code. [deciding, first]

    Called in the runner before the definition is read. None means: go on. This is how a dry run
    takes the place of a session.
    """


@hookspec(firstresult=True)
def coolrun_continue(plan: Plan, config: Config) -> SessionFolder | None:
    """Find a session that is to be taken up instead of beginning a new one. [deciding, first]

    Called in the runner, once the plan is checked and before anything is made. The session has to
    be locked already. None means: begin a new one.
    """


@hookspec(firstresult=True)
def coolrun_queue(config: Config) -> Queue | None:
    """Give the queue of this session. [deciding, first result]

    Called in the runner, once per session, when its folder is there. None means: not asked for.
    """


@hookspec(firstresult=True)
def coolrun_launch(config: Config) -> Launcher | None:
    """Give the launcher that this session asked for. [deciding, first result]

    Called in the runner, once per session, when the definition is read and while there is a single
    thread. None means: not asked for.
    """


@hookspec
def coolrun_capacity(config: Config) -> int | None:
    """How many runs may go on at once. [deciding]

    Called in the runner, once per session, before the first launch; every plugin is asked. None
    means: no opinion. The smallest answer counts; one when nobody says anything.
    """


@hookspec
def coolrun_ready(experiment: Experiment, session: Session) -> Blocked | None:
    """Give values that had to wait for earlier runs, in place. [deciding]

    Called in the runner just before an experiment is launched, when all of its `after` have ended.
    Every plugin is asked. None means: it may start. Return Blocked when it cannot be launched any
    more.
    """


@hookspec
def coolrun_pre_launch(run: Run, session: Session, config: Config) -> Lease | None:
    """Give a run what it needs for as long as it runs: a device, a place, a licence. [deciding]

    Called in the runner, plugin by plugin, just before the run is submitted, and has to return at
    once; `run.environment` holds what the plugins before this one have given already. None means:
    nothing. Raise `Busy` when it is taken (everything leased so far is given back, and it is asked
    again when something has ended), `Halt` when nothing more is to be started in this session.
    """


@hookspec(firstresult=True)
def coolrun_retry(run: Run, record: Record, session: Session) -> Retry | None:
    """Say whether a run that ended badly is to be run again. [deciding, first result]

    Called in the runner when its record is written. None means: not by this plugin. A failure is
    told, and the run is not run again.
    """


@hookspec(firstresult=True)
def coolrun_control(words: Sequence[str], session: Session) -> bool | None:
    """Obey an order from another terminal that the core does not know. [deciding, first result]

    Called in the runner when the order arrives. `words` are a verb and its arguments. Return True
    when it was understood; None means: no order of this plugin's.
    """


@hookspec(firstresult=True)
def coolrun_program(experiment: Experiment, config: Config) -> Program | None:
    """Say which program does the whole work of a run. [deciding, first result]

    Called in the runner just before the run is submitted, by launchers that can start a program
    in the place of a process of Python; `coolrun_execute` is not called then. Where it is called
    for the same experiment, it runs the program below the process of the run. None means: the
    work is not a program's. A failure is found again, and told, in the process of the run.
    """


@hookspec(firstresult=True)
def coolrun_execute(
    experiment: Experiment, parameters: Any, config: Config
) -> Callable[[], object] | None:
    """Prepare the work of a run and return it as a function. [deciding, first result]

    Called in the process of the run. The function takes no argument and is called once; only the
    time inside it counts as the run's, so import and build what is needed before. `parameters` is
    the mapping that the work is given; what is set in it is a result. An exception, here or there,
    is the failure of the run. None means: this experiment is not for this plugin. Wrap it to
    prepare objects or the process.
    """


@hookspec(firstresult=True)
def coolrun_diagnose(run: Run, exited: Exit, config: Config) -> str | None:
    """Say in one line why a run failed whose own words do not say it. [deciding, first result]

    Called in the runner when a run has failed by itself, before that is written down; what is
    returned is its `FAILURE`. None means: what the run said stands. So it does after a failure,
    which is told.
    """


@hookspec
def coolrun_record(run: Run, record: Record, config: Config) -> None:
    """Write the record where people look for it. [deciding]

    Called in the runner for every run that ended, however it ended. A failure stops launching; it
    is never passed over.
    """


@hookspec(firstresult=True)
def coolrun_recorded(run: Run, config: Config) -> bool | None:
    """Say whether the record of a run is where people look for it. [deciding, first result]

    Called in the runner when a session is taken up that never said that it ended, for every run of
    which the journal says that it is recorded: a crash of the machine may have taken that back.
    False: it is written again. None means: not written by this plugin.
    """


@hookspec
def coolrun_session_start(session: Session) -> None:
    """Told when a session begins, before the first run. [observing]

    Called in the runner.
    """


@hookspec
def coolrun_run_start(run: Run, session: Session) -> None:
    """Told when a run was submitted. [observing]

    Called in the runner. The run may not have begun yet.
    """


@hookspec
def coolrun_post_run(run: Run, record: Record, session: Session) -> None:
    """Told when a run has ended and its record is written. [observing]

    Called in the runner for every run, however it ended.
    """


@hookspec
def coolrun_session_finish(session: Session, exitcode: int) -> None:
    """Told when a session has ended, however it ended. [observing]

    Called in the runner. `exitcode` is what the command is about to return.
    """


@hookspec
def coolrun_notice(message: str, config: Config) -> None:
    """Told about everything a person should know and that is no error. [observing]

    Called in the runner whenever somebody calls `config.warn`. Where nobody listens it is printed
    when the command ends.
    """


@hookspec(firstresult=True)
def coolrun_collect(path: Path, config: Config) -> Iterable[Any] | None:
    """Find the records in one file, lazily. [deciding, first result]

    Called in the runner for every file that is looked at for records. Return mappings. None means:
    not a format that this plugin knows.
    """
