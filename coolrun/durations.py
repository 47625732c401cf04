"""Lengths of time as people write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.plain import Plain

FORMS = "expected seconds, or text such as '90s', '10m', '2h', '1d', '1h30m' or '1:30:00'"
# What is understood, as a JSON Schema.
SCHEMA = {
    "type": ["number", "string"],
    "minimum": 0,
    "pattern": r"^\s*(\d+(\.\d+)?|(\d+(\.\d+)?\s*[smhd]\s*)+|(\d+:)?\d+:\d{2}(\.\d+)?)\s*$",
    "patternErrorMessage": FORMS,  # a word of editors; others pass it over
}
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PARTS = re.compile(r"(?:\d+(?:\.\d+)?\s*[smhd]\s*)+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d{2}(?:\.\d+)?)", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST = 100 * 365 * 86_400.0


def seconds(value: Plain) -> float:
    """How many seconds `value` says: a number of them, `90s`, `1h30m`, or `1:30:00`.

    Raises:
        ValueError: it says no length of time, or one below zero or above a century.
    """
    length = _number(value) if isinstance(value, (int, float)) else _text(value)
    if not 0 <= length <= _LONGEST:
        raise ValueError(FORMS)
    return length


def _number(value: float) -> float:
    if isinstance(value, bool):
        raise ValueError(FORMS)
    return float(value)


def _text(value: Plain) -> float:
    text = value.strip() if type(value) is str else ""
    if _NUMBER.fullmatch(text):
        return float(text)
    if _PARTS.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    clock = _CLOCK.fullmatch(text)
    if clock is None or float(clock[3]) >= 60 or (clock[1] and int(clock[2]) >= 60):
        raise ValueError(FORMS)
    return 3600.0 * int(clock[1] or 0) + 60.0 * int(clock[2]) + float(clock[3])
