"""What launchers are written with: a process for each run, its end, and stopping it.

A launcher that starts runs in another way inherits `ProcessLauncher` and overrides `command`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from select import select
from subprocess import Popen, TimeoutExpired
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from coolrun.handover import task

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from coolrun.config import Config
    from coolrun.run import Exit, Run


class ProcessLauncher:
    """Starts a process for each run, which inherits the open files of the run's leases.

    Attributes:
        config: what it was made with.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._processes: dict[str, Popen[bytes]] = {}
        self._exits: deque[Exit] = deque()
        # A byte for each exit that is still to be told.
        self._pipe = [*os.pipe()]

    def command(self, run: Run) -> list[str]:
        """What to start: it has to end in a `python -m coolrun.handover` that gets our input."""
        return [sys.executable, "-m", "coolrun.handover"]

    def submit(self, runs: Sequence[Run]) -> None:
        for run in runs:
            begun = monotonic()
            try:
                process = self._start(run)
            except OSError as error:
                reason = f"it cannot be started: {error.strerror}: {error.filename!r}"
                self._tell(exit_of(run, 1).because(reason))
                continue
            self._processes[run.token] = process
            Thread(target=self._watch, args=(run, process, begun)).start()

    def fileno(self) -> int:
        return self._pipe[0]

    def poll(self) -> Sequence[Exit]:
        readable = select([self._pipe[0]], [], [], 0)[0]
        return [self._exits.popleft() for _ in os.read(self._pipe[0], 4096)] if readable else []

    def cancel(self, tokens: Collection[str], *, grace: float) -> None:
        for process in map(self._processes.get, tokens):
            if process is not None:
                Thread(target=stop, args=(process, grace)).start()

    def attach(self, runs: Sequence[Run]) -> Sequence[Run]:
        """What another runner's process has started cannot be taken over."""
        return []

    def close(self) -> None:
        while self._pipe:
            os.close(self._pipe.pop())

    def _start(self, run: Run) -> Popen[bytes]:
        with task(run, self.config) as stdin, open(run.output, "ab") as output:
            return Popen(
                self.command(run),
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=run.descriptors,
                start_new_session=True,
            )

    def _watch(self, run: Run, process: Popen[bytes], begun: float) -> None:
        code = process.wait()
        del self._processes[run.token]
        self._tell(exit_of(run, code, monotonic() - begun))

    def _tell(self, exited: Exit) -> None:
        self._exits.append(exited)
        if self._pipe:  # or nobody asks any more
            os.write(self._pipe[1], b".")


def exit_of(run: Run, code: int, seconds: float = 0.0) -> Exit:
    """How a run ended whose process is gone.

    Args:
        code: the exit code of the process; negative if a signal ended it.
        seconds: how long it lived, for one that never said how long it worked.
    """
    from datetime import datetime, timedelta

    from coolrun.programs import ended_badly
    from coolrun.results import read_results

    written = read_results(run.results, run.token)
    if written.exit is not None:
        return written.exit
    begun = datetime.now().astimezone() - timedelta(seconds=seconds)
    failure = ended_badly(code) or "its process ended before its work did"
    return written.end(run.token, failure, begun.isoformat(timespec="seconds"), seconds)


def stop(process: Popen[bytes], grace: float) -> None:
    """End the process of a run, with its group: INT, TERM, KILL, so many seconds apart.

    It has to lead a group of its own. Returns when it has ended; with a grace of 0 it is killed.
    """
    for number in (signal.SIGINT, signal.SIGTERM) if grace > 0 else ():
        _signal(process, number)
        try:
            process.wait(grace)
            break
        except TimeoutExpired:
            continue
    _signal(process, signal.SIGKILL)  # what it left behind as well
    process.wait()


def _signal(process: Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return  # all of them have ended
