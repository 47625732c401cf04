"""What a scalar is: YAML 1.2 core, and marked text.

Facts: https://yaml.org/spec/1.2.2/#1032-tag-resolution
"""

from __future__ import annotations

import re
from collections.abc import Collection

from coolrun.plain import Marked
from coolrun.yamlio.limits import INT_DIGITS

# One object for every nan, so that it is found again as a key.
NAN = float("nan")

NAMED: dict[str, bool | float | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    **{f".{word}": NAN for word in ("nan", "NaN", "NAN")},
    **{
        f"{sign}.{word}": float(f"{sign}inf")
        for sign in ("", "+", "-")
        for word in ("inf", "Inf", "INF")
    },
}

# A plain scalar that begins otherwise is text.
INITIALS = frozenset({name[:1] for name in NAMED} | set("0123456789+-."))

# A whole number has neither of the groups.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_INFINITIES = (float("inf"), float("-inf"))
_TOO_LONG = f"a whole number of more than {INT_DIGITS:,} digits"

_CORE = "tag:yaml.org,2002:"
CORE_TAGS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null"))
SEQUENCE_TAG = _CORE + "seq"
MAPPING_TAG = _CORE + "map"


class BadScalar(ValueError):
    """Text that can be no value: of too many digits, nested too deep, not what its tag says."""


def plain(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar.

    Raises:
        BadScalar: a whole number of too many digits.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        if text in NAMED:
            return NAMED[text]
        return _based(text) if _BASED.fullmatch(text) else text
    if match.lastindex is None:
        if len(text) > INT_DIGITS and len(text.lstrip("+-")) > INT_DIGITS:
            raise BadScalar(_TOO_LONG)
        try:
            return int(text)
        except ValueError:
            # The environment may have set a bound of its own.
            raise BadScalar(_TOO_LONG) from None
    value = float(text)
    # `695e0514` is a hash of git; nobody means infinity by it.
    return text if value in _INFINITIES else value


def _based(text: str) -> int:
    if len(text) > INT_DIGITS:
        raise BadScalar(_TOO_LONG)
    value = int(text, 0)
    if value >= 10**INT_DIGITS:
        raise BadScalar(_TOO_LONG)
    return value


def tagged(tag: str, text: str) -> bool | int | float | str | None:
    """The value of a scalar with one of `CORE_TAGS`.

    Raises:
        BadScalar: the text is no such value.
    """
    name = tag.removeprefix(_CORE)
    if name == "str":
        return text
    value = plain(text)
    if name == "float" and type(value) is int:
        try:
            return float(value)
        except OverflowError as error:
            raise BadScalar(f"{text[:60]!r} is too large for !!float") from error
    if (type(value).__name__ if value is not None else "null") != name:
        raise BadScalar(f"{text[:60]!r} is not what !!{name} stands for")
    return value


def marked(text: str, words: Collection[str]) -> Marked | None:
    """The expression that a text is: one of `words`, white space and something to compute."""
    word, *rest = text.split(None, 1)[:2] or [""]
    if not rest or word not in words or not text.startswith(word):
        return None
    return Marked(word, rest[0].strip(), text)
