"""Failures by their cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coolrun import Status
from coolrun.causes import cause
from coolrun.finding import find_session
from coolrun.standing import Onlooker, Standing

if TYPE_CHECKING:
    from coolrun import Config
    from coolrun.journal import Attempt, Past

BAD = frozenset({Status.FAILED, Status.TIMEOUT, Status.LOST, Status.BLOCKED})


@dataclass
class Group:
    """Failures of one cause.

    Attributes:
        number: counted from 1 by the first failure; it stays when other failures come or go.
        attempts: the last attempts of the experiments that still count as failed.
    """

    number: int
    cause: str
    attempts: list[Attempt] = field(default_factory=list)


def groups(past: Past) -> list[Group]:
    """The failures that a journal tells of, the most frequent cause first."""
    found: dict[str, Group] = {}
    last = past.last_attempts()
    for attempt in past.attempts.values():
        if attempt.status not in BAD:
            continue
        text = cause_of(attempt)
        # An attempt that was followed by another one has numbered its group all the same.
        group = found.setdefault(text, Group(len(found) + 1, text))
        if last[attempt.position] is attempt and not attempt.again:
            group.attempts.append(attempt)
    return sorted((g for g in found.values() if g.attempts), key=lambda g: -len(g.attempts))


def failed_for(attempts: Iterable[Attempt], text: str) -> list[int]:
    """The positions of the attempts that failed for this cause."""
    return [a.position for a in attempts if a.status in BAD and cause_of(a) == text]


def cause_of(attempt: Attempt) -> str:
    """Why an attempt failed, without what differs from one run to the next."""
    return cause(attempt.failure or str(attempt.status))


def standing_of(config: Config) -> Standing:
    """How the session stands that is meant."""
    return Onlooker(find_session(config.cwd, config.option("which"))).look()
