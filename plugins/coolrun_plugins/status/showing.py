"""Shows how sessions stand, once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from coolrun import display
from coolrun.errors import CoolrunError
from coolrun.standing import Onlooker
from coolrun.streams import write
from coolrun_plugins.status.choice import chosen
from coolrun_plugins.status.lines import lines
from coolrun_plugins.status.report import Report, document, report

if TYPE_CHECKING:
    from coolrun import Config

WIDTH = 100  # columns, where there is no terminal


def show(config: Config) -> int:
    """Show the sessions that were asked for, and return 0."""
    folders, others = chosen(config)
    whole = bool(config.option("all"))
    reports, broken = [], []
    for folder in folders:
        try:
            standing = Onlooker(folder).look()
        except CoolrunError as error:
            # One that was killed while it began must not hide the others.
            if config.option("which"):
                raise
            broken.append(error.message)
            continue
        if whole or len(folders) == 1 or standing.state != "finished":
            reports.append(report(standing, config, whole=whole))
        else:
            others += 1
    if config.option("json"):
        write(sys.stdout, as_json(reports))
        return 0
    text = as_text(reports, config, width=width_of(sys.stdout), colour=has_colour())
    for message in broken:
        text += f"{message}\n"
    if others:
        some = "another session" if others == 1 else f"{others} other sessions"
        text += f"{some}: coolrun status -a\n"
    write(sys.stdout, text)
    return 0


def as_json(reports: Iterable[Report]) -> str:
    """The reports as a JSON list; what JSON does not have is text."""
    documents = [display.as_json(document(one)) for one in reports]
    return json.dumps(documents, indent=2, allow_nan=False) + "\n"


def as_text(reports: Sequence[Report], config: Config, *, width: int, colour: bool) -> str:
    """The reports as people read them, a blank line between them when they have several lines."""
    now = config.clock.now()
    parts = ["\n".join(lines(one, width, now, colour=colour)) for one in reports]
    texts = [f"{part}\n" for part in parts]
    return "\n".join(texts) if any(one.rows for one in reports) else "".join(texts)


def width_of(stream: object) -> int:
    """The columns there are: what COLUMNS says, else those of the terminal."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return WIDTH


def has_colour() -> bool:
    """Whether standard output may be coloured."""
    dumb = os.environ.get("TERM") in {"dumb", "unknown"}
    return sys.stdout.isatty() and not dumb and not os.environ.get("NO_COLOR")
