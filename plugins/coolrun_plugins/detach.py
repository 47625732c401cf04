"""`--detach`: a session that outlives its terminal; `coolrun attach` follows what it prints."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from coolrun import CoolrunError, ExitCode, SessionError, UsageError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from coolrun import Config, Parser, Session
    from coolrun.store import SessionFolder

PRINTED = "printed.log"  # in the session's folder
LOOK = 0.1  # seconds between looks at what was printed


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option(
        "--detach", action="store_true", help="go on without this terminal; see `coolrun attach`"
    )
    parser.add_command(
        "attach",
        help="follow a session that was started with --detach",
        handler=attach,
        examples=("coolrun attach", "coolrun attach ab12"),
    )
    parser.add_option(
        "session",
        command="attach",
        nargs="?",
        metavar="SESSION",
        help="a part of its name (default: the one that runs)",
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    if config.option("detach") and config.option("in_process"):
        raise UsageError(
            "--detach leaves this terminal, and --in-process and --debug run in it",
            cure="give one of them",
        )
    if config.option("detach") and not config.option("dry"):
        config.pluginmanager.register(Detachment(config), "detach-fork")


class Detachment:
    """Goes on in a process of its own, before anything is held that belongs to one process."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._writer = -1
        self._printed: Path | None = None

    @hookimpl(tryfirst=True)
    def coolrun_main(self) -> None:
        """Return in the process that goes on; the other one tells where that is, and ends.

        Raises:
            SessionError: the working directory cannot be written.
        """
        folder = self._config.cwd / ".coolrun"
        self._printed = folder / f"detached.{os.getpid()}.log"
        try:
            folder.mkdir(exist_ok=True)
            output = os.open(self._printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise SessionError(
                f"cannot write in {str(folder)!r}: {error.strerror}",
                cure="start coolrun in a folder of yours: sessions and logs are kept there",
            ) from error
        reader, self._writer = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        other = os.fork()
        if other:
            os.close(self._writer)
            os.close(output)
            _tell(reader, other, self._printed)
        os.close(reader)
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((null, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, number)
        os.close(null)
        os.close(output)

    @hookimpl(tryfirst=True)
    def coolrun_session_start(self, session: Session) -> None:
        if self._printed is not None:
            self._printed.replace(session.folder.path / PRINTED)
        os.write(self._writer, session.name.encode())
        os.close(self._writer)


def _tell(reader: int, other: int, printed: Path) -> None:
    """Wait until the session has begun or could not, say so, and end this process."""
    with os.fdopen(reader, "rb") as file:
        name = file.read().decode()
    code = 0
    if name:
        print(f"session {name} goes on without this terminal\nto follow it: coolrun attach {name}")
    else:
        code = os.waitstatus_to_exitcode(os.waitpid(other, 0)[1])
        sys.stderr.write(printed.read_text() or "it could not begin\n")
        printed.unlink(missing_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything else belongs to the process that goes on.
    os._exit(code if code >= 0 else ExitCode.INTERNAL)


def attach(config: Config) -> int:
    """Show what a session prints until it has ended. Ctrl-C leaves it running.

    Returns:
        the exit code of the session.

    Raises:
        UsageError: it does not run, or was not started with --detach.
    """
    from coolrun.finding import find_running

    folder = find_running(config.cwd, config.option("session"))
    try:
        file = (folder.path / PRINTED).open("rb")
    except FileNotFoundError:
        raise UsageError(
            f"session {folder.name} prints in the terminal in which it was started",
            cure="see `coolrun status`, or start it with --detach",
        ) from None
    with file:
        try:
            return _follow(file, folder)
        except KeyboardInterrupt:
            print(f"\nsession {folder.name} goes on: coolrun attach {folder.name}")
            return ExitCode.OK


def _follow(file: BinaryIO, folder: SessionFolder) -> int:
    from coolrun.finding import is_running
    from coolrun.journal import read_finish
    from coolrun.streams import write

    runs = True
    while runs:
        runs = folder.is_held() or is_running(folder)
        while data := file.read(1 << 16):
            if not write(sys.stdout, data):
                return ExitCode.OK
        if runs:
            time.sleep(LOOK)
    code = read_finish(folder.journal)
    if code is None:
        raise CoolrunError(
            f"session {folder.name} ended before its time",
            cure=f"go on with `coolrun --resume {folder.name}`",
        )
    return code
