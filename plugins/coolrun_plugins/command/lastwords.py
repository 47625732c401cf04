"""What a program said last, beside its exit code: `exit code 1: ValueError: no data`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINES = 200  # at the end of the output: a traceback may stand before what was printed
_CODE = re.compile(r"exit code \d+( \(.*\))?")
_TRACEBACK = "Traceback (most recent call last):"


def with_last_words(failure: str, output: Path) -> str | None:
    """The failure with what was printed about it; None if that adds nothing.

    Of a Python program this is its last exception, since what it printed before may come out
    after its traceback; of any other the last line.
    """
    from coolrun.output import last_lines

    if not _CODE.fullmatch(failure):
        return None
    try:
        lines = last_lines(output, LINES)
    except OSError:
        return None  # the program has put something else there
    said = _exception(lines) or (lines[-1].strip() if lines else "")
    return f"{failure}: {said}" if said not in ("", failure) else None


def _exception(lines: Sequence[str]) -> str | None:
    starts = [number for number, line in enumerate(lines) if line.strip() == _TRACEBACK]
    rest = lines[starts[-1] + 1 :] if starts else []
    return next((line for line in rest if not line[:1].isspace()), None)
