"""`coolrun clean` removes sessions that are over; `coolrun keep` protects runs from it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from coolrun import ExitCode, SessionError, UsageError, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from coolrun import Config, Parser
    from coolrun.store import SessionFolder

KEPT = "kept"  # the name of the file in the folder of a run that is kept


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        "clean",
        help="remove the folders of sessions that are over; logs elsewhere stay",
        handler=clean,
        examples=("coolrun clean", "coolrun clean --yes", "coolrun clean --failed --yes"),
    )
    parser.add_option(
        "--failed",
        command="clean",
        action="store_true",
        help="only the folders of runs that did not end well and are not to be run again",
    )
    parser.add_option(
        "--yes", command="clean", action="store_true", help="remove it, instead of telling only"
    )
    parser.add_command(
        "keep",
        help="protect the folder of a run from `coolrun clean`",
        handler=keep,
        examples=("coolrun keep 20260102-030405-ab12.3", "coolrun keep 3"),
    )
    parser.add_option(
        "run",
        command="keep",
        metavar="RUN",
        help="a position or a name in the newest session, SESSION.POSITION or a RUN_ID",
    )


def clean(config: Config) -> int:
    """Tell, or with --yes do, what is to be removed. Sessions that run are never touched."""
    import shutil

    total = count = 0
    for path, why in _found(config):
        size = _size(path)
        total, count = total + size, count + 1
        shown = os.path.relpath(path, config.cwd)
        if config.option("yes"):
            shutil.rmtree(path)
        print(f"{_shown(size):>9}  {shown}  ({why})")
    if not count:
        print("there is nothing to remove")
        return ExitCode.OK
    done = config.option("yes")
    folders = f"{count} folder{'s' if count > 1 else ''}"
    print(f"{_shown(total):>9}  in {folders} {'removed' if done else 'would be removed'}")
    if not done:
        print("add --yes to remove them")
    return ExitCode.OK


def keep(config: Config) -> int:
    """Protect the folder of a run.

    Raises:
        UsageError: there is no such run.
    """
    from coolrun.finding import find_run

    meant = find_run(config.cwd, config.option("run"))
    folder = meant.folder.run_folder(meant.position)
    if not folder.is_dir():
        raise UsageError(f"run {meant.label} has no folder", cure="see `coolrun status -a`")
    (folder / KEPT).touch()
    print(f"{os.path.relpath(folder, config.cwd)} is kept", file=sys.stdout)
    return ExitCode.OK


def _found(config: Config) -> Iterator[tuple[Path, str]]:
    """What can be removed, and why."""
    from coolrun.finding import is_running
    from coolrun.store import SessionFolder

    for session in SessionFolder.all(config.cwd):
        if is_running(session) or not session.lock():
            continue
        try:
            yield from _found_in(session, failed=config.option("failed"))
        finally:
            session.unlock()


def _found_in(session: SessionFolder, *, failed: bool) -> Iterator[tuple[Path, str]]:
    from coolrun.standing import Onlooker

    try:
        # It is this process that holds it.
        standing = replace(Onlooker(session).look(), held=False)
    except SessionError:
        if not failed:
            yield session.path, "it ended before it had a plan"
        return
    if standing.left_behind:
        return  # runs of it go on without it
    if failed:
        for attempt in standing.last.values():
            folder = session.run_folder(attempt.position)
            bad = attempt.final and str(attempt.status) != "done"
            if bad and folder.is_dir() and not (folder / KEPT).exists():
                yield folder, str(attempt.status)
    elif any(session.runs.glob(f"*/{KEPT}")):
        for folder in sorted(session.runs.iterdir()):
            if not (folder / KEPT).exists():
                yield folder, "the session keeps other runs"
    else:
        yield session.path, standing.state


def _shown(size: int) -> str:
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{-(-size // 1000)} kB"


def _size(path: Path) -> int:
    from pathlib import Path

    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    return sum(file.lstat().st_size for file in files)
