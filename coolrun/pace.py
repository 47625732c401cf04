"""How long the rest will take, judged by what has ended."""

from __future__ import annotations

import math

_UNITS = ((90.0, 1.0, "s"), (90 * 60.0, 60.0, "min"), (48 * 3600.0, 3600.0, "h"))


class Pace:
    """The durations so far: their number, mean and spread, in constant memory."""

    def __init__(self) -> None:
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    def add(self, seconds: float) -> None:
        """Take a duration into account."""
        self._count += 1
        before = seconds - self._mean
        self._mean += before / self._count
        self._squares += before * (seconds - self._mean)

    def left(self, waiting: int, running: list[float], places: int) -> tuple[float, float] | None:
        """Seconds until all is done, at least and at most; None while nothing has ended.

        Args:
            waiting: how many have not begun.
            running: how long those that run have been running.
            places: how many run at once.
        """
        if not self._count:
            return None
        number = waiting + len(running)
        under_way = sum(min(seconds, self._mean) for seconds in running)
        middle = number * self._mean - under_way
        variance = self._squares / (self._count - 1) if self._count > 1 else 0.0
        # The spread of the sum, and what is not known about the mean.
        spread = 2 * math.sqrt(variance * (number + number * number / self._count))
        places = max(1, min(places, number))
        # What runs for longer than others did may do so for as long again.
        late = max((seconds for seconds in running if seconds > 2 * self._mean), default=0.0)
        return max(0.0, middle - spread) / places, max((middle + spread) / places, late)


def words(span: tuple[float, float]) -> str:
    """`about 20 s left`, `4-7 min left`."""
    low, high = span
    unit, name = next(((u, n) for top, u, n in _UNITS if high < top), (86400.0, "d"))
    first, last = round(low / unit), max(1, math.ceil(high / unit - 0.05))
    if high - low < 0.25 * high or first == last:
        return f"about {max(1, round((low + high) / 2 / unit))} {name} left"
    return f"{first}-{last} {name} left" if first else f"up to {last} {name} left"
