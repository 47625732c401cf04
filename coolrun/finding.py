"""Which session or run is meant: by a part of its name, or because there is only one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coolrun.display import numbers
from coolrun.errors import UsageError
from coolrun.journal import Attempt, read_finish
from coolrun.outline import Outline
from coolrun.standing import Onlooker, Standing
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


@dataclass
class Meant:
    """A run that a person has named.

    Attributes:
        number: which attempt is meant; None: the last.
    """

    folder: SessionFolder
    position: int
    number: int | None = None

    def __post_init__(self) -> None:
        self._onlooker = Onlooker(self.folder)
        self.attempt: Attempt | None = None

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.folder.name}.{self.position}" + (f".{self.number}" if self.number else "")

    def look(self) -> Standing:
        """How its session stands now; `attempt` is the one that is meant, once there is one."""
        standing = self._onlooker.look()
        if self.number is None:
            self.attempt = standing.last.get(self.position)
        else:
            wanted = (self.position, self.number)
            attempts = standing.past.attempts.values()
            found = (a for a in attempts if (a.position, a.number) == wanted)
            self.attempt = next(found, None)
        return standing


def find_run(cwd: Path, which: str) -> Meant:
    """The run that is meant: `3`, a name, `SESSION.3`, or `SESSION.3.1`, which is a RUN_ID.

    Positions and names are those of the newest session; of a session's name a part is enough.

    Raises:
        UsageError: there is none, or there are several.
    """
    newest = find_session(cwd)
    if which.isdecimal():
        return _checked(Meant(newest, int(which)))
    written = _RUN.fullmatch(which)
    if written and any(written["session"] in folder.name for folder in SessionFolder.all(cwd)):
        folder = find_session(cwd, written["session"])
        number = int(written["number"]) if written["number"] else None
        return _checked(Meant(folder, int(written["position"]), number))
    positions = Outline(newest).named(which)
    if len(positions) == 1:
        return Meant(newest, positions[0])
    if positions:
        raise UsageError(
            f"{len(positions)} runs of session {newest.name} are called {which!r}",
            cure=f"name one by its position: {numbers(positions)}",
        )
    raise UsageError(
        f"session {newest.name} has no run {which!r}",
        cure="name a position, a name, SESSION.POSITION or a RUN_ID",
    )


_RUN = re.compile(r"(?P<session>[^.]+)\.(?P<position>\d+)(?:\.(?P<number>\d+))?")


def _checked(meant: Meant) -> Meant:
    standing = meant.look()
    count = len(standing.outline)
    if meant.position >= count:
        raise UsageError(
            f"session {meant.folder.name} has no run {meant.position}",
            cure=f"its positions are 0 to {count - 1}",
        )
    if meant.number is not None and meant.attempt is None:
        raise UsageError(f"there is no attempt {meant.label}", cure="see `coolrun errors`")
    return meant
