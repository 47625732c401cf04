"""What launchers are written with: a run in another interpreter, its end, and stopping it.

`python -m coolrun.launching` performs the run that its input holds:

    with task(run, config) as stdin, open(run.output, "ab") as output:
        command = [sys.executable, "-m", "coolrun.launching"]
        process = Popen(command, stdin=stdin, stdout=output, stderr=output, start_new_session=True)
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import signal
import sys
import tempfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import Popen

    from coolrun.config import Config
    from coolrun.run import Exit, Run


def pack(run: Run, config: Config) -> bytes:
    """All that another interpreter needs in order to perform a run."""
    settings = {name: config.setting(name) for name in config.parser.settings}
    sent = dataclasses.replace(run, descriptors=())
    return pickle.dumps((str(config.cwd), list(config.argv), settings, sent))


def unpack(packed: bytes) -> tuple[Run, Config]:
    """The run and a Config like the one it was packed with; the working directory is its own."""
    from coolrun.cli import configure

    cwd, argv, settings, run = pickle.loads(packed)  # noqa: S301 - from our own runner
    os.chdir(cwd)
    config = configure(argv)
    for name, value in settings.items():
        declared = config.parser.settings[name]
        config.parser.settings[name] = dataclasses.replace(declared, default=value)
    return run, config


def task(run: Run, config: Config) -> IO[bytes]:
    """The input of `python -m coolrun.launching`: an open file that has no name."""
    run.folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(pack(run, config))
    file.flush()
    file.seek(0)
    return file


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
    from subprocess import TimeoutExpired

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


def main() -> None:
    """Perform the run that the input holds."""
    from coolrun.execution import perform, prepare

    packed = sys.stdin.buffer.read()
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    run, config = unpack(packed)
    if sys.path[:1] != [str(config.cwd)]:
        sys.path.insert(0, str(config.cwd))
    prepare(run, config)
    perform(run, config)


if __name__ == "__main__":
    main()
