"""`--in-process`: runs in the runner's own process and terminal, one at a time, for debuggers."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from coolrun import Config, Exit, Launcher, Parser, Run


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option(
        "--in-process",
        action="store_true",
        help="run in this process and terminal, one after the other, for breakpoints",
    )


@hookimpl
def coolrun_capacity(config: Config) -> int | None:
    return 1 if config.option("in_process") else None


@hookimpl(tryfirst=True)
def coolrun_launch(config: Config) -> Launcher | None:
    """The launcher of a session that is being debugged."""
    return InlineLauncher(config) if config.option("in_process") else None


class InlineLauncher:
    """Performs runs inside `poll`: once everybody has been told that they start."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._runs: list[Run] = []
        self._exits: list[Exit] = []
        # Readable while there are runs to be performed, or exits to be told.
        self._pipe = [*os.pipe()]

    def submit(self, runs: Sequence[Run]) -> None:
        if not self._runs and not self._exits:
            os.write(self._pipe[1], b".")
        self._runs += runs

    def fileno(self) -> int:
        return self._pipe[0]

    def poll(self) -> Sequence[Exit]:
        """What was performed is told the next time: a Ctrl-C meanwhile is heard before that."""
        exits, runs = self._exits, self._runs
        self._exits, self._runs = [], []
        self._exits += [self._perform(run) for run in runs]
        if exits and not self._exits:
            os.read(self._pipe[0], 1)
        return exits

    def cancel(self, tokens: Collection[str], *, grace: float) -> None:
        """What has begun cannot be asked; what has not does not begin."""
        from coolrun import Exit

        now = self._config.clock.now().isoformat(timespec="seconds")
        cancelled = [run for run in self._runs if run.token in tokens]
        self._runs = [run for run in self._runs if run.token not in tokens]
        self._exits += [Exit(run.token, "KeyboardInterrupt", now, 0.0) for run in cancelled]

    def attach(self, runs: Sequence[Run]) -> Sequence[Run]:
        """Whatever ran in another runner's process has ended with that."""
        return []

    def close(self) -> None:
        while self._pipe:
            os.close(self._pipe.pop())

    def _perform(self, run: Run) -> Exit:
        from coolrun.execution import Performance, prepare
        from coolrun.results import read_results

        started = self._config.clock.now().isoformat(timespec="seconds")
        begun = self._config.clock.monotonic()
        failure: str | None = None
        with _as_it_was(), _interruptible():
            try:
                _put_first(str(self._config.cwd))
                prepare(run, self._config)
                Performance(run, self._config).perform().close()
            except KeyboardInterrupt:
                failure = "KeyboardInterrupt"
            except OSError as error:
                failure = f"cannot write {str(run.results)!r}: {error.strerror}"
        written = read_results(run.results, run.token)
        elapsed = self._config.clock.monotonic() - begun
        return written.exit or written.end(run.token, failure, started, elapsed)


def _put_first(folder: str) -> None:
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Whatever a run does to the process as a whole is undone after it."""
    arguments, path = list(sys.argv), list(sys.path)
    environment = dict(os.environ)
    folder = os.open(".", os.O_RDONLY)
    streams = sys.stdin, sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.argv, sys.path[:] = arguments, path
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        time.tzset()
        os.fchdir(folder)
        os.close(folder)
        sys.stdin, sys.stdout, sys.stderr = streams


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C stops the run, as it stops any program in a terminal.

    The session learns of it as well: a signal reaches its descriptor whoever handles it.
    """

    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
