"""What went wrong in a run, in one line for the record and in full for its output."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from coolrun.errors import CoolrunError

if TYPE_CHECKING:
    from types import TracebackType

LONGEST = 500  # characters of a failure


def describe(error: BaseException) -> str | None:
    """The failure in one line, such as `ValueError: no such file`; None for a clean `sys.exit`.

    Never raises, whatever the exception's own code does.
    """
    if isinstance(error, SystemExit):
        return _describe_exit(error.code)
    text = _text(error)
    if isinstance(error, CoolrunError):
        return text or type(error).__name__
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def printed(error: BaseException) -> str:
    """What is printed about it: the traceback from the first frame that is not the runner's."""
    if isinstance(error, SystemExit):
        return f"{_shown(error.code)}\n" if type(error.code) not in (int, bool, type(None)) else ""
    if isinstance(error, CoolrunError) and not _is_from_outside(error.__traceback__):
        return f"{_shown(error)}\n"
    try:
        trace = _outside(error.__traceback__) or error.__traceback__
        return "".join(traceback.format_exception(type(error), error, trace))
    # An exception's own code runs while it is shown, which may raise anything.
    except BaseException as failure:
        return f"{describe(error)}\n(no traceback: {type(failure).__name__} while it was made)\n"


def _describe_exit(code: object) -> str | None:
    if code is None:
        return None
    if isinstance(code, int):
        number = int.__int__(code)  # not by code of its own
        return None if number == 0 else f"exit code {number}"
    return _line(_shown(code)) or "exit code 1"


def _text(error: BaseException) -> str:
    return _line(_shown(error))


def _shown(value: object) -> str:
    try:
        return str(value)
    # An exception's own code; the run has failed already and its record is to be written.
    except BaseException as failure:
        return f"<no text: {type(failure).__name__} in its __str__>"


def _line(text: str) -> str:
    line = " ".join(text.split()).encode("utf-8", "backslashreplace").decode()
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def _outside(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from its first frame outside of the runner and its hooks."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _is_from_outside(trace: TracebackType | None) -> bool:
    return _outside(trace) is not None


def _is_ours(trace: TracebackType) -> bool:
    name = trace.tb_frame.f_globals.get("__name__", "")
    return str(name).partition(".")[0] in {"coolrun", "coolrun_plugins", "pluggy", "importlib"}
