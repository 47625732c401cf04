"""What is read: every file that some plugin knows, without what holds no records of runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun import CoolrunError
from coolrun.records import Foreign, LogFile, read_log

from .sessions import logs_of

if TYPE_CHECKING:
    from coolrun import Config

    from .walk import Found, Walk


@dataclass(frozen=True)
class Source:
    """A file with records; of a session's log only the records of that session count."""

    log: LogFile | Foreign
    session: str | None = None


@dataclass
class Sources:
    """What was found.

    Attributes:
        problems: what could not be read.
        own: how many files were written by commands, and so hold what is found elsewhere.
    """

    found: list[Source] = field(default_factory=list)
    problems: list[CoolrunError] = field(default_factory=list)
    own: int = 0

    def take(self, found: Found, config: Config) -> None:
        """Read a file, if it is one that a plugin knows, or the logs of a session."""
        try:
            if found.session is not None:
                self._session(found.path, found.session)
                return
            self._file(found, config)
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"{found.path!r} cannot be read: {reason}"
            self.problems.append(CoolrunError(message))

    def _session(self, shown: str, folder: str) -> None:
        name = os.path.basename(os.path.normpath(folder))
        try:
            logs = logs_of(folder)
        except CoolrunError as error:
            self.problems.append(error)
            return
        for path in logs:
            if os.path.exists(path):
                self.found.append(Source(read_log(path, _shown(path, shown, folder)), name))

    def _file(self, found: Found, config: Config) -> None:
        ask = config.pluginmanager.ask
        records = ask("coolrun_collect", path=Path(config.cwd, found.path), config=config)
        if records is None:
            if not found.explicit:
                return
            # Somebody who names a file says that it is a log.
            records = read_log(config.cwd / found.path, found.path)
        if not isinstance(records, LogFile):
            blame = partial(config.pluginmanager.named, hook="coolrun_collect")
            self.found.append(Source(Foreign(found.path, records, blame)))
            return
        records.path = found.path
        if records.written_by_command and not found.explicit:
            self.own += 1
        else:
            self.found.append(Source(records))


def find(paths: Sequence[str], walk: Walk, config: Config) -> Sources:
    """Everything that is to be read.

    Raises:
        UsageError: a path that does not exist.
    """
    sources = Sources()
    for found in walk.files(paths):
        sources.take(found, config)
    sources.problems[:0] = walk.problems
    return sources


def _shown(path: str, shown: str, folder: str) -> str:
    """A log inside the session's folder under the name by which that was given."""
    inside = os.path.relpath(path, os.path.realpath(folder))
    return path if inside.startswith("..") else f"{shown}/{inside}"
