"""The only clock. Tests replace it as a whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Clock:
    """Wall time for people, monotonic time for durations and deadlines."""

    def now(self) -> datetime:
        """The local time with its offset."""
        from datetime import datetime

        return datetime.now().astimezone()

    def monotonic(self) -> float:
        """Seconds from some fixed point; never goes back."""
        return time.monotonic()
