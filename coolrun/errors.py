"""What can go wrong, in words for people, and the exit codes that say so to programs."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_Self = TypeVar("_Self", bound="CoolrunError")


class ExitCode(IntEnum):
    """What the process tells its caller.

    OK: all runs are done. FAILED: at least one run failed. ENDED: the session was ended by a
    person or a signal. INTERNAL: coolrun or one of its plugins is broken. USAGE: the command line
    or the definition is wrong. NOTHING: there was nothing to run.
    """

    OK = 0
    FAILED = 1
    ENDED = 2
    INTERNAL = 3
    USAGE = 4
    NOTHING = 5


class Place(NamedTuple):
    """A place in a file. `line` and `column` count from 1; 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        numbers = [str(n) for n in (self.line, self.column) if n]
        return ":".join([self.path, *numbers])


class CoolrunError(Exception):
    """An error that is meant for a person: what is wrong, where, and what to do.

    Args:
        message: what is wrong; lower case, no full stop, values shown with `!r`.
        place: where it was written.
        experiment: which experiment, as a person would name it (`experiment 2 'prune'`).
        key: which key, dotted (`optimizer.lr`).
        cure: what to do about it, as a short imperative sentence.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        experiment: str | None = None,
        key: str | None = None,
        cure: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.experiment = experiment
        self.key = key
        self.cure = cure

    def at(
        self: _Self,
        *,
        place: Place | None = None,
        experiment: str | None = None,
        key: str | None = None,
        cure: str | None = None,
    ) -> _Self:
        """Fill in what is not known yet, and return self: callers further out know more."""
        self.place = self.place or place
        self.experiment = self.experiment or experiment
        self.key = self.key or key
        self.cure = self.cure or cure
        return self

    def __str__(self) -> str:
        where = ", ".join(
            part for part in (self.experiment, f"key {self.key!r}" if self.key else None) if part
        )
        parts = [str(self.place) if self.place else "", where, self.message]
        text = ": ".join(part for part in parts if part)
        return f"{text}\n  {self.cure}" if self.cure else text


class UsageError(CoolrunError):
    """The command line is wrong."""


class DefinitionError(CoolrunError):
    """A file that a person wrote is wrong: a definition, a log, a queue."""


class ExpressionError(DefinitionError):
    """An expression was refused or failed."""


class NothingToRun(CoolrunError):
    """The definition is fine and holds no run."""

    exit_code = ExitCode.NOTHING


class PluginError(CoolrunError):
    """A plugin failed where the session cannot go on without its answer."""

    exit_code = ExitCode.INTERNAL

    @classmethod
    def answered(
        cls,
        plugin: str | None,
        hook: str,
        answer: object,
        expected: str,
        lacks: Sequence[str] = (),
    ) -> PluginError:
        """It answered something else than the hook asks for.

        Args:
            plugin: None if it is not known.
            lacks: names of functions that the answer should have.
        """
        who = f"plugin {plugin!r}" if plugin else "a plugin"
        missing = f": it has no {', '.join(lacks)}" if lacks else ""
        return cls(
            f"{who} answered {hook} with {answer!r:.60} (expected {expected} or None){missing}",
            cure=f"leave it out: -p no:{plugin}" if plugin else "find it with --trace-hooks",
        )


class SessionError(CoolrunError):
    """The machine does not let the session go on: a full disk, a folder that is not ours."""

    exit_code = ExitCode.INTERNAL
