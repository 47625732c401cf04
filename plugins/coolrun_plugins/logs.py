"""`coolrun logs`: what a run printed, byte for byte, and as it goes on."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from coolrun import UsageError, hookimpl
from coolrun.streams import write

if TYPE_CHECKING:
    from coolrun import Config, Parser
    from coolrun.finding import Meant

COMMAND = "logs"
CHUNK = 1 << 18
PAUSE = 0.1  # seconds between two looks at a file that grows


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        COMMAND,
        help="print what a run printed",
        handler=_print,
        description="Print what a run printed, byte for byte as `cat` does. RUN is a position or\n"
        "a name in the newest session, SESSION.POSITION, or a RUN_ID for one of several attempts.",
        examples=("coolrun logs 3", "coolrun logs -f baseline", "coolrun logs 1432.3"),
    )
    parser.add_option("run", command=COMMAND, metavar="RUN", help="which run")
    parser.add_option(
        "-f",
        "--follow",
        command=COMMAND,
        action="store_true",
        help="go on until the run ends; wait for one that has not begun",
    )


def _print(config: Config) -> int:
    from coolrun.finding import find_run

    meant = find_run(config.cwd, config.option("run"))
    follow = config.option("follow")
    try:
        descriptor = _opened(meant, follow=follow)
    except KeyboardInterrupt:
        return 0
    try:
        while _copy(descriptor) and follow:
            # In this order: what is printed last is there when the end is known.
            over = _is_over(meant)
            if not _copy(descriptor) or over:
                break
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        return 0  # the way to stop following
    finally:
        os.close(descriptor)
    return 0


def _opened(meant: Meant, *, follow: bool) -> int:
    """The output of the run, opened; with `follow` as soon as it is there.

    Raises:
        UsageError: there is none, and none will come.
    """
    while True:
        standing = meant.look()
        over = _is_over(meant)
        if meant.attempt is not None:
            path = standing.run(meant.attempt).output
            try:
                return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                if over:
                    gone = not path.parent.is_dir()
                    raise UsageError(
                        f"run {meant.label} has printed nothing",
                        cure="or its folder was removed: there is none" if gone else None,
                    ) from None
        skipped = standing.outline.skipped.get(meant.position)
        if skipped is not None:
            raise UsageError(f"run {meant.label} is skipped: {skipped}")
        if not standing.is_live or not follow:
            cure = "-f waits for it" if standing.is_live else "see `coolrun status`"
            raise UsageError(f"run {meant.label} has not begun", cure=cure)
        time.sleep(PAUSE)


def _is_over(meant: Meant) -> bool:
    """Whether the run has ended, or nobody is there any more who would run it."""
    standing = meant.look()
    attempt = meant.attempt
    if attempt is None:
        return not standing.is_live
    if attempt.status is not None:
        return True
    return not standing.is_live and attempt not in standing.left_behind


def _copy(descriptor: int) -> bool:
    """Write out what there is; False when nobody reads any more."""
    while data := os.read(descriptor, CHUNK):
        if not write(sys.stdout, data):
            return False
    return True
