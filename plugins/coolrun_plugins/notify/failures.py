"""Failures that are to be told: equal ones together, and the longer it goes on the rarer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coolrun import Status
from coolrun.causes import cause
from coolrun.display import shortened, visible
from coolrun.output import last_lines
from coolrun_plugins.notify.notification import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coolrun import Record

BAD = frozenset({Status.FAILED, Status.TIMEOUT, Status.LOST, Status.BLOCKED})
LINES = 5  # of the output of one run of each cause
SHOWN = 5  # causes in one message
AGAIN = 10  # a cause is told again when it has grown so many times
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds between two messages about failures
_CAUSES = 500  # that are kept apart
_REASON = 300


@dataclass
class Group:
    """The runs that failed for one cause; `told` is how many people know of."""

    failure: Failure
    count: int = 0
    told: int = 0

    @property
    def news(self) -> bool:
        return self.told == 0 or self.count >= AGAIN * self.told

    def tell(self) -> Failure:
        """What is said of it now; the output is shown the first time only."""
        lines = () if self.told else self.failure.lines
        self.told = self.count
        return replace(self.failure, count=self.count, lines=lines)


class Failures:
    """All failures of a session, by cause."""

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}
        self._pause = FIRST_PAUSE
        self._not_before = 0.0

    def add(self, record: Record) -> None:
        """Take a run that failed for good."""
        reason = record.failure or str(record.status)
        text = cause(reason)
        if text not in self._groups and len(self._groups) >= _CAUSES:
            text = "other causes"
        group = self._groups.get(text)
        if group is None:
            group = self._groups[text] = Group(_failure(record, text, reason))
        group.count += 1

    def news(self, now: float) -> list[Failure]:
        """What is to be told now; the most frequent cause first, none if it is too early."""
        news = [group for group in self._groups.values() if group.news]
        if not news or now < self._not_before:
            return []
        self._not_before, self._pause = now + self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return [group.tell() for group in _by_count(news)]

    def all(self) -> list[Failure]:
        """Every cause with everything that is known of it, the most frequent first."""
        groups = _by_count(self._groups.values())
        return [replace(group.failure, count=group.count) for group in groups]


def _by_count(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: -group.count)


def _failure(record: Record, text: str, reason: str) -> Failure:
    lines = last_lines(record.run.output, LINES)
    label = visible(shortened(record.run.experiment.label, 80))
    shown = visible(shortened(" ".join(reason.split()), _REASON))
    return Failure(visible(text), 0, label, shown, tuple(lines))
