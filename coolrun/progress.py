"""A line on standard error that says how far long work has come, where a person looks on."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from coolrun.display import shortened
from coolrun.pace import words
from coolrun.streams import is_terminal, write

if TYPE_CHECKING:
    from types import TracebackType

    from coolrun.clock import Clock

PATIENCE = 1.0  # seconds of work that nobody has to be told about
INTERVAL = 0.1  # seconds between two changes of the line
_TAKE_AWAY = "\r\x1b[K"


class ProgressLine:
    """Shows how far the work inside a `with` has come. Piped or redirected there is nothing.

    Args:
        stream: where; standard error by default.
    """

    def __init__(self, clock: Clock, stream: TextIO | None = None) -> None:
        self._clock = clock
        self._stream = stream or sys.stderr
        self._begun = clock.monotonic()
        self._due = self._begun + PATIENCE if is_terminal(self._stream) else float("inf")
        self._shown = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            write(self._stream, _TAKE_AWAY)

    def show(self, what: str, fraction: float | None = None) -> None:
        """Say what is being done and, where it is known, how much of it has been done."""
        now = self._clock.monotonic()
        if now < self._due:
            return
        self._due = now + INTERVAL
        text = what
        if fraction:
            text += f"  {fraction:.0%}"
        if fraction and fraction < 1:
            left = (now - self._begun) * (1 - fraction) / fraction
            text += f"  {words((left, left))}"
        width = os.get_terminal_size(self._stream.fileno()).columns or 80
        self._shown = True
        write(self._stream, _TAKE_AWAY + shortened(text, width - 1))
