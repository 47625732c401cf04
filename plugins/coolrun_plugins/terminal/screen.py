"""Standard output: lines that stay and, on a terminal, a line below them that changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coolrun.display import shortened
from coolrun.streams import is_terminal, write

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

_COLOURS = {"green": "32", "red": "31", "yellow": "33", "bold": "1", "dim": "2"}


class Screen:
    """Writes lines to standard output.

    Attributes:
        live: whether there is a line that changes. Until `open` is called there is none.
        colour: whether text may be coloured.
    """

    def __init__(self) -> None:
        self._stream = sys.stdout
        self._gone = False
        self._at_start = True
        self._waiting: list[str] = []
        self._console: Console | None = None
        self._live: Live | None = None
        self._shown = ("", "")
        self.colour = is_terminal(self._stream) and not os.environ.get("NO_COLOR")

    @property
    def live(self) -> bool:
        return self._console is not None

    @property
    def width(self) -> int:
        return self._console.width if self._console is not None else 80

    def open(self) -> None:
        """Begin the line that changes, if this is a terminal."""
        if not is_terminal(self._stream):
            return
        from rich.console import Console

        self._console = Console(
            file=self._stream, force_terminal=True, force_jupyter=False, highlight=False
        )

    def close(self) -> None:
        """Write what waits, and take the changing line away."""
        self._take_away()
        self._console = None
        waiting = "".join(self._waiting)
        self._waiting.clear()
        if waiting:
            self._write(waiting)

    def styled(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def line(self, text: str) -> None:
        """Say a line. Beside a changing line it waits for the next flush."""
        self.text(f"{text}\n")

    def text(self, text: str) -> None:
        """Write whole lines."""
        if not self.live:
            self._write(text if self._at_start else f"\n{text}")
            self._at_start = True
        else:
            self._waiting.append(text)

    def copy(self, data: bytes) -> None:
        """Write bytes as they are."""
        if data:
            self._write(data)
            self._at_start = data.endswith(b"\n")

    def flush(self) -> None:
        """Write the lines that wait, above the changing one."""
        if self._waiting:
            with self.aside():
                self._write("".join(self._waiting))
                self._waiting.clear()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the changing line away for a moment."""
        shown = self._shown
        self._take_away()
        yield
        self.change(*shown)

    def change(self, above: str, below: str) -> None:
        """Show two lines, the first only when there is something in it, cut to the width."""
        if self._console is None or self._gone or (above, below) == self._shown:
            return
        self._shown = (above, below)
        self._guarded(self._draw)

    def _draw(self) -> None:
        from rich.console import Group
        from rich.live import Live
        from rich.text import Text

        room = self.width - 1
        texts = [
            Text(shortened(one, room), no_wrap=True, overflow="crop") for one in self._shown if one
        ]
        if self._live is None:
            # It is refreshed by the session's own timer: a thread would be lost in every fork.
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                vertical_overflow="crop",
            )
            self._live.start()
        self._live.update(Group(*texts), refresh=True)

    def _take_away(self) -> None:
        live, self._live = self._live, None
        self._shown = ("", "")
        if live is not None:
            self._guarded(live.stop)

    def _write(self, data: str | bytes) -> None:
        if not self._gone:
            self._gone = not write(self._stream, data)

    def _guarded(self, work: Callable[[], object]) -> None:
        """Do it unless the terminal was closed, which is no reason to stop the runs."""
        if self._gone:
            return
        try:
            work()
        except OSError:
            if write(self._stream, ""):
                raise
            self._gone = True
