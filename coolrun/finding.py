"""Which session is meant: by a part of its name, or because there is only one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coolrun.errors import UsageError
from coolrun.journal import read_finish
from coolrun.store import SessionFolder

LISTED = 8


def find_session(cwd: Path, which: str | None = None) -> SessionFolder:
    """The session whose name has `which` as a part; without it the newest.

    Raises:
        UsageError: there is none, or there are several.
    """
    folders = SessionFolder.all(cwd)
    if not folders:
        raise UsageError(
            f"there is no session in {str(cwd)!r}", cure="go to the folder in which it was started"
        )
    return _meant(folders, which) if which else folders[-1]


def find_running(cwd: Path, which: str | None = None) -> SessionFolder:
    """The session that runs and whose name has `which` as a part; without it the only one.

    Raises:
        UsageError: there is none, or there are several.
    """
    if which:
        folder = find_session(cwd, which)
        if not is_running(folder):
            raise UsageError(f"session {folder.name} does not run", cure="see `coolrun status`")
        return folder
    folders = [folder for folder in SessionFolder.all(cwd) if is_running(folder)]
    if not folders:
        raise UsageError(f"no session runs in {str(cwd)!r}", cure="see `coolrun status -a`")
    if len(folders) > 1:
        raise UsageError(
            f"{len(folders)} sessions run: {_listed(folders)}",
            cure="name one by a part of its name",
        )
    return folders[0]


def is_running(folder: SessionFolder) -> bool:
    """Whether a process runs the session now."""
    return read_finish(folder.journal) is None and folder.is_held()


def _meant(folders: Sequence[SessionFolder], which: str) -> SessionFolder:
    found = [f for f in folders if which == f.name] or [f for f in folders if which in f.name]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"no session has {which!r} in its name", cure=f"there are {_listed(folders)}"
        )
    raise UsageError(
        f"{len(found)} sessions have {which!r} in their names: {_listed(found)}",
        cure="write more of the name",
    )


def _listed(folders: Sequence[SessionFolder]) -> str:
    newest = [folder.name for folder in reversed(folders[-LISTED:])]
    more = f" and {len(folders) - LISTED} older ones" if len(folders) > LISTED else ""
    return ", ".join(newest) + more
