"""What is read: every file that some plugin knows, without what holds no records of runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coolrun import CoolrunError, DefinitionError
from coolrun.records import Foreign, LogFile, read_log

from .sessions import logs_of

if TYPE_CHECKING:
    from coolrun import Config

    from .walk import Found

SUFFIXES = (".yaml", ".yml")


class Source(NamedTuple):
    """A file with records; of a session's log only the records of that session count.

    `explicit`: a person named the file, or the plan of a session does.
    """

    log: LogFile | Foreign
    session: str | None = None
    explicit: bool = True


class Sources:
    """What is found on a walk.

    Attributes:
        problems: what could not be read.
        own: how many files were written by commands, and so hold what is found elsewhere.
    """

    def __init__(self, config: Config) -> None:
        self.problems: list[CoolrunError] = []
        self.own = 0
        self._config = config
        # Asking costs more than reading a small file; nobody else would answer.
        self._alone = len(config.hook.coolrun_collect.get_hookimpls()) == 1

    def read(self, files: Iterable[Found]) -> Iterator[Source]:
        """The files that some plugin knows, and the logs of sessions."""
        for found in files:
            try:
                if found.session is not None:
                    yield from self._session(found.path, found.session)
                else:
                    yield from self._file(found)
            except DefinitionError as error:
                self.problems.append(error)
            except OSError as error:
                reason = error.strerror or str(error)
                self.problems.append(CoolrunError(f"{found.path!r} cannot be read: {reason}"))

    def _session(self, shown: str, folder: str) -> Iterator[Source]:
        name = os.path.basename(os.path.realpath(folder))
        try:
            logs = logs_of(folder)
        except CoolrunError as error:
            self.problems.append(error)
            return
        for path in logs:
            if os.path.exists(path):
                yield Source(read_log(path, _shown(path, shown, folder)), name)

    def _file(self, found: Found) -> Iterator[Source]:
        records = self._records(found)
        if records is None:
            return
        if not isinstance(records, LogFile):
            blame = partial(self._config.pluginmanager.named, hook="coolrun_collect")
            yield Source(Foreign(found.path, records, blame))
            return
        records.path = found.path
        if records.written_by_command and not found.explicit:
            self.own += 1
        else:
            yield Source(records, explicit=found.explicit)

    def _records(self, found: Found) -> Any:
        full = os.path.join(self._config.cwd, found.path)
        if not (self._alone and found.path.endswith(SUFFIXES)):
            ask = self._config.pluginmanager.ask
            records = ask("coolrun_collect", path=Path(full), config=self._config)
            # Somebody who names a file says that it is a log.
            if records is not None or not found.explicit:
                return records
        return read_log(full, found.path)


def _shown(path: str, shown: str, folder: str) -> str:
    """A log inside the session's folder under the name by which that was given."""
    inside = os.path.relpath(path, os.path.realpath(folder))
    return path if inside.startswith("..") else f"{shown}/{inside}"
