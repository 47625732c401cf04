"""Performing a run in the process that belongs to it.

All that is needed is imported before the work begins, for work that breaks importing.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from coolrun.errors import CoolrunError, PluginError
from coolrun.failure import describe, printed
from coolrun.owners import owner_of
from coolrun.parameters import Parameters, results, unread
from coolrun.plainness import to_plain
from coolrun.results import ResultsWriter
from coolrun.run import RECORD_KEYS, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coolrun.config import Config


def prepare(run: Run, config: Config) -> None:
    """Give this process the environment, the arguments and the working directory of the run."""
    os.environ.update(environment_of(run, config))
    settle(run, config)


def settle(run: Run, config: Config) -> None:
    """Take up the arguments and the working directory of the run; its environment is there."""
    sys.argv = [sys.argv[0] if sys.argv else "", *config.module_arguments]
    if run.cwd is not None:
        os.chdir(run.cwd)
        sys.path.insert(0, str(run.cwd))
    if "TZ" in run.environment:
        time.tzset()


def environment_of(run: Run, config: Config) -> dict[str, str]:
    """What a run finds in its environment besides the runner's own."""
    return {
        **run.environment,
        "COOLRUN_RUN_ID": run.id,
        "COOLRUN_RUN_DIR": str(run.folder),
        "COOLRUN_SESSION": run.session,
        "COOLRUN_ATTEMPT": str(run.attempt),
        "COOLRUN_RESUME": "1" if run.attempt > 1 else "0",
        "COOLRUN_RESULTS": str(run.written),
        "COOLRUN_TOKEN": run.token,
        "COOLRUN_CWD": str(config.cwd),
    }


class Performance:
    """A run that is about to be performed, here or in a fork of this process.

    Args:
        started: the local time now, as ISO 8601 text, if it is known.
    """

    def __init__(self, run: Run, config: Config, started: str | None = None) -> None:
        self._run = run
        self._config = config
        self._started = started or config.clock.now().isoformat(timespec="seconds")
        self._keeper = _Keeper(run)
        self._parameters = Parameters(run.experiment, self._keeper.keep)

    def perform(self, within: AbstractContextManager[object] | None = None) -> ResultsWriter:
        """Do the work of the run and write down what it gave and how it ended.

        `within` is entered around the work alone: what entering and leaving it raises is the
        failure of the run as well.

        Whatever the work raises is the failure of the run. In a process that the work forked and
        that comes back here as well, nothing is written and the process ends.

        Returns:
            the results file, still open for threads that the work has left running.

        Raises:
            Claimed: another process does, did or forbade the work of this attempt.
            OSError: the results file cannot be made, or not be completed at the end.
        """
        process = os.getpid()
        writer = ResultsWriter(self._run.results, self._run.token, self._started)
        self._keeper.writer = writer
        parameters = self._parameters
        failure, elapsed = _work(self._run, parameters, self._config, within or nullcontext())
        _flush()
        if os.getpid() != process:
            os._exit(0 if failure is None else 1)
        try:
            final = _final_results(parameters, writer)
            if failure is None:
                _warn_about_unread(self._run, parameters, self._config, writer)
            writer.finish(failure, self._started, elapsed, final)
        except BaseException:
            writer.close()
            raise
        return writer


def _work(
    run: Run, parameters: Parameters, config: Config, within: AbstractContextManager[object]
) -> tuple[str | None, float]:
    """Do the work; the failure in one line, or None, and the seconds inside the work itself.

    What went wrong is printed.
    """
    begun: float | None = None
    failure = None
    try:
        with within:
            work = config.hook.coolrun_execute(
                experiment=run.experiment, parameters=parameters, config=config
            )
            if work is None:
                raise CoolrunError(
                    "no plugin knows how to run this experiment",
                    cure="name what to run in it; `coolrun plugins` lists what is there"
                    f"{config.pluginmanager.left_out()}",
                ).at(experiment=run.experiment.label)
            if not callable(work):
                raise PluginError.answered(None, "coolrun_execute", work, "a function")
            begun = time.monotonic()
            work()
    # Everything, MemoryError and KeyboardInterrupt too: this is the outermost frame of the run.
    except BaseException as error:
        failure = describe(error) if begun is not None else _before_the_work(error, config)
        _print(printed(error))
    return failure, 0.0 if begun is None else time.monotonic() - begun


def _before_the_work(error: BaseException, config: Config) -> str:
    """The failure of what prepares the work: a plugin that is no built-in is named."""
    manager = config.pluginmanager
    owner = owner_of(error, manager)
    failure = describe(error)
    if failure is None or (owner is not None and isinstance(error, SystemExit)):
        failure = f"{failure or 'exit code 0'} before its work began"
    if owner is None or isinstance(error, CoolrunError):
        return failure
    return f"plugin {owner!r} failed in coolrun_execute: {failure}"


class _Keeper:
    """Writes each result the moment it is set."""

    writer: ResultsWriter

    def __init__(self, run: Run) -> None:
        self._reserved = frozenset({*RECORD_KEYS, *run.experiment.given, *run.extra})

    def keep(self, key: str, value: object) -> None:
        plain, warning = to_plain(value)
        self.writer.set(key, plain)
        if warning is not None:
            self.writer.warn(f"result {key!r}: {warning}")
        if key in self._reserved:
            self.writer.warn(f"result {key!r} is not recorded: the runner writes this key itself")


def _final_results(parameters: Parameters, writer: ResultsWriter) -> Mapping[str, Any]:
    """Read all results again, so that what was changed in place counts."""
    final: dict[str, Any] = {}
    for key, value in results(parameters).items():
        final[key], warning = to_plain(value)
        if warning is not None:
            writer.warn(f"result {key!r}: {warning}")
    writer.update(final)
    return final


def _warn_about_unread(
    run: Run, parameters: Parameters, config: Config, writer: ResultsWriter
) -> None:
    names = [
        name
        for name in unread(parameters)
        if not name.startswith("_")
        and not config.declares_key(name.partition(".")[0])
        and name not in run.experiment.given
    ]
    if names:
        listed = ", ".join(repr(name) for name in sorted(names))
        writer.warn(f"{'parameters' if len(names) > 1 else 'parameter'} never read: {listed}")


def _print(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    # The work may have closed or replaced it. The failure is in the record in any case.
    except Exception:
        _write_to_output(text)


def _write_to_output(text: str) -> None:
    try:
        os.write(2, text.encode("utf-8", "backslashreplace"))
    except OSError:
        return  # closed as well: nothing is left to print to


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        # Whatever the work put there; what cannot be flushed is lost to the work, not to us.
        except Exception as error:
            _write_to_output(f"output could not be flushed: {type(error).__name__}\n")
