"""What is to be done every so many seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class _Timer:
    interval: float
    due: float
    function: Callable[[], None]


@dataclass
class Timers:
    """Functions that are called about every so many seconds. Times are those of one clock."""

    _timers: list[_Timer] = field(default_factory=list)

    def add(self, seconds: float, function: Callable[[], None], now: float) -> None:
        """Have `function` called for the first time after so many seconds."""
        self._timers.append(_Timer(seconds, now + seconds, function))

    def next(self) -> float | None:
        """When the next one is due; None where there is none."""
        return min((timer.due for timer in self._timers), default=None)

    def call(self, now: float) -> None:
        """Call those that are due; one that is late is not called several times."""
        for timer in self._timers:
            if timer.due <= now:
                timer.due = now + timer.interval
                timer.function()
