"""Shows how sessions stand again and again, until they have ended or Ctrl-C is pressed."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from coolrun.standing import Onlooker
from coolrun.streams import write
from coolrun_plugins.status.choice import chosen
from coolrun_plugins.status.report import Report, report
from coolrun_plugins.status.showing import as_json, as_text, has_colour, width_of

if TYPE_CHECKING:
    from coolrun import Config

PAUSE = 1.0  # seconds


class Canvas(Protocol):
    """Where the text is shown; False when nobody looks any more."""

    def __call__(self, text: str, *, last: bool) -> bool: ...


def watch(config: Config) -> int:
    """Show the sessions until none of them runs any more, and return 0."""
    folders, _ = chosen(config)
    onlookers = [Onlooker(folder) for folder in folders]
    whole = bool(config.option("all"))
    try:
        with _canvas() as draw:
            while True:
                standings = [onlooker.look() for onlooker in onlookers]
                reports = [report(standing, config, whole=whole) for standing in standings]
                last = not any(standing.is_live for standing in standings)
                if config.option("json"):
                    text = as_json(reports)
                else:
                    text = screen(reports, config, cut=not last and sys.stdout.isatty())
                if not draw(text, last=last) or last:
                    return 0
                time.sleep(PAUSE)
    except KeyboardInterrupt:
        return 0


def screen(reports: Sequence[Report], config: Config, *, cut: bool) -> str:
    """The reports; with `cut` as many of their runs as the screen has lines for."""
    width, height, colour = width_of(sys.stdout), shutil.get_terminal_size().lines, has_colour()
    text = as_text(reports, config, width=width, colour=colour)
    while cut and (excess := text.count("\n") - height) > 0:
        longest = max(reports, key=lambda one: len(one.rows))
        if not longest.rows:
            break
        kept = longest.rows[: -excess - (not longest.more)]
        more = longest.more + len(longest.rows) - len(kept)
        shorter = replace(longest, rows=kept, more=more)
        reports = [shorter if one is longest else one for one in reports]
        text = as_text(reports, config, width=width, colour=colour)
    return text


@contextmanager
def _canvas() -> Iterator[Canvas]:
    """The terminal, where the text is replaced; elsewhere it is said when it has changed."""
    if not sys.stdout.isatty() or os.environ.get("TERM") in {"dumb", "unknown"}:
        yield _Pipe()
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=sys.stdout, force_terminal=True, force_jupyter=False, highlight=False)
    live = Live(console=console, auto_refresh=False, transient=False, vertical_overflow="crop")

    def draw(text: str, *, last: bool) -> bool:
        # All of the last one is left on the screen.
        live.vertical_overflow = "visible" if last else "crop"
        shown = Text.from_ansi(text.rstrip("\n"), no_wrap=True, overflow="crop")
        live.update(shown, refresh=True)
        return True

    with live:
        yield draw


class _Pipe:
    def __init__(self) -> None:
        self._said = ""

    def __call__(self, text: str, *, last: bool) -> bool:
        if text == self._said:
            return True
        between = "\n" if self._said else ""
        self._said = text
        return write(sys.stdout, between + text)
