"""How a scalar is written so that readers of YAML 1.1 and 1.2 take it for the same."""

from __future__ import annotations

import re
from functools import lru_cache

from coolrun.errors import CoolrunError
from coolrun.yamlio.limits import INT_DIGITS

# What one reader or another takes for a truth value, for nothing, or for a number.
_NAMES = frozenset(
    variant
    for name in (
        *("y", "n", "yes", "no", "on", "off", "true", "false", "null"),
        *("nan", "NaN", "inf", "infinity"),
    )
    for variant in (name, name.capitalize(), name.upper())
)

# Text that may go without quotes: no reader finds an indicator, a number or a date in it.
_PLAIN = re.compile(
    r"""(?:[^\W\d]|\.{0,2}/)
        (?:[\w./+\-%@=(),<>*~^$;\[\]'"]|:(?=[\w./])|[ ](?=[\w./+\-%@=(),<>*~^$;\[\]'"]))*""",
    re.VERBOSE,
)
_PLAIN_IN_FLOW = re.compile(r"(?:[^\W\d]|\.{0,2}/)(?:[\w./+\-%@=<>*~^$;]| (?=[\w./+]))*")
_PLAIN_KEY = re.compile(r"(?:[^\W\d]|\.{0,2}/)(?:[\w./+\-@()]| (?=[\w./+()]))*")
_ESCAPED = re.compile(r"[^ !#-\[\]-~\u00a1-\u00ac\u00ae-\u02ff]")
_SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\0": "\\0",
}
# libyaml and PyYAML look no further for the colon.
_SIMPLE_KEY = 1000


def block_text(text: str, margin: str) -> str:
    """Text as a value in block style; further lines begin at `margin`."""
    if text not in _NAMES and _PLAIN.fullmatch(text):
        return text
    return _quoted(text) if "\n" not in text else _literal(text, margin) or _double(text)


def flow_text(text: str) -> str:
    """Text as an item between brackets."""
    if text not in _NAMES and _PLAIN_IN_FLOW.fullmatch(text):
        return text
    return _quoted(text)


@lru_cache(maxsize=4096)
def key_text(key: str) -> str:
    """Text before a colon; one that is too long for that begins with `? `."""
    if len(key) < _SIMPLE_KEY and key not in _NAMES and _PLAIN_KEY.fullmatch(key):
        return key
    text = _quoted(key)
    return text if len(text) < _SIMPLE_KEY else f"? {text}"


def float_text(value: float) -> str:
    """A number that YAML 1.1 takes for a float, too: with a point."""
    text = repr(value)
    if "e" in text:
        return text if "." in text else text.replace("e", ".0e")
    if "n" in text:
        return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
    return text


def int_text(value: int) -> str:
    """A whole number.

    Raises:
        CoolrunError: it has too many digits to be read again.
    """
    if -(2**64) < value < 2**64:
        return str(value)
    if abs(value) >= 10**INT_DIGITS:
        raise CoolrunError(
            f"a whole number of more than {INT_DIGITS:,} digits cannot be written",
            cure="turn it into text or into a float",
        )
    return str(value)


def _quoted(text: str) -> str:
    if not text.isprintable():
        return _double(text)
    return "'" + text.replace("'", "''") + "'"


def _double(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    short = _SHORT_ESCAPES.get(character)
    if short is not None:
        return short
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        raise CoolrunError(
            f"text with {character!r}, half of a character, cannot be written",
            cure="decode the text with errors='replace' where it is made",
        )
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _literal(text: str, margin: str) -> str | None:
    """A block of text, or None where a reader would not take it back exactly."""
    body = text.removesuffix("\n")
    if not body or body[0] in " \t\n" or body[-1] in " \t\n":
        return None
    lines = body.split("\n")
    for line in lines:
        if not (line.isprintable() or line.replace("\t", "").isprintable()):
            return None
        if line and (line[0] == "\t" or line.isspace()):
            return None
    content = "\n".join([f"{margin}{line}" if line else "" for line in lines])
    keep = "" if len(text) > len(body) else "-"
    return f"|{keep}\n{content}"
