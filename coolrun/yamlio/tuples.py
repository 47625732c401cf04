"""Tuples in plain scalars: `(32, 32, 3)` and what else a literal tuple may hold.

The grammar is that of Python's literals, the numbers those of YAML: text, numbers, truth values,
null, and tuples, lists and mappings of them.
"""

from __future__ import annotations

import re

from coolrun.errors import CoolrunError
from coolrun.plain import KEYS, Plain
from coolrun.yamlio import scalars
from coolrun.yamlio.styles import float_text, int_text

_TOKEN = re.compile(
    r"""[ \n]*(?:
        (?P<mark>[][(){},:])
      | (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
      | (?P<word>[-+.\w]+)
    )[ \n]*""",
    re.VERBOSE,
)
_PYTHON = {"None": None}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class _NoLiteral(Exception):
    """The text is no literal; it stays text."""


def read_tuple(text: str, *, depth: int, mappings: bool) -> tuple[Plain, ...] | None:
    """The tuple that a text spells, or None where it spells none.

    Args:
        depth: how many levels there may be.
        mappings: whether the tuple may hold mappings.

    Raises:
        BadScalar: more levels than that.
    """
    try:
        value, position = _value(text, 0, depth, mappings=mappings)
    except _NoLiteral:
        return None
    return value if type(value) is tuple and position == len(text) else None


def _next(text: str, position: int) -> tuple[str, str, int]:
    match = _TOKEN.match(text, position)
    if match is None or match.lastgroup is None:
        raise _NoLiteral
    return match.lastgroup, match[match.lastgroup], match.end()


def _value(text: str, position: int, depth: int, *, mappings: bool) -> tuple[Plain, int]:
    kind, found, position = _next(text, position)
    if kind == "text":
        return _text(found), position
    if kind == "word":
        return _word(found), position
    if found not in _CLOSING or (found == "{" and not mappings):
        raise _NoLiteral
    if depth < 1:
        raise scalars.BadScalar("tuples nested too deep")
    return _collection(text, position, found, depth - 1, mappings=mappings)


def _collection(
    text: str, position: int, opening: str, depth: int, *, mappings: bool
) -> tuple[Plain, int]:
    items: list[Plain] = []
    pairs: dict[Plain, Plain] = {}
    comma = False
    while True:
        kind, found, after = _next(text, position)
        if kind == "mark" and found == _CLOSING[opening]:
            break
        if (items or pairs) and not comma:
            raise _NoLiteral
        item, position = _value(text, position, depth, mappings=mappings)
        if opening == "{":
            _, colon, position = _next(text, position)
            if colon != ":" or type(item) not in KEYS or item in pairs:
                raise _NoLiteral
            pairs[item], position = _value(text, position, depth, mappings=mappings)
        else:
            items.append(item)
        kind, found, after = _next(text, position)
        comma = kind == "mark" and found == ","
        position = after if comma else position
    if opening == "{":
        return pairs, after
    if opening == "[":
        return items, after
    if len(items) == 1 and not comma:
        raise _NoLiteral
    return tuple(items), after


def _text(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    import ast

    try:
        value = ast.literal_eval(token)
        value.encode()
    except (ValueError, SyntaxError):
        raise _NoLiteral from None
    return str(value)


def _word(token: str) -> Plain:
    if token in _PYTHON:
        return _PYTHON[token]
    value = scalars.plain(token)
    if type(value) is str:
        raise _NoLiteral
    return value


def tuple_text(value: Plain, depth: int) -> str:
    """What `read_tuple` reads back, fit for an unquoted scalar on one line.

    Args:
        depth: how many levels there may be within.

    Raises:
        CoolrunError: more levels than that, or something that cannot be written.
    """
    kind = type(value)
    if isinstance(value, str):
        return _python_text(value)
    if kind is float:
        return float_text(value)
    if kind is int:
        return int_text(value)
    if value is None or kind is bool:
        return repr(value)
    if kind is not tuple and kind is not list and kind is not dict:
        raise CoolrunError(f"not plain data: {kind.__name__}")
    if depth < 0:
        raise CoolrunError("tuples nested too deep to be written", cure="flatten them")
    if kind is dict:
        # No space after the colon: `: ` ends an unquoted scalar.
        pairs = (
            f"{tuple_text(key, depth - 1)}:{tuple_text(item, depth - 1)}"
            for key, item in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    inner = ", ".join(tuple_text(item, depth - 1) for item in value)
    if kind is list:
        return f"[{inner}]"
    return f"({inner},)" if len(value) == 1 else f"({inner})"


def _python_text(value: str) -> str:
    text = repr(str(value))
    if any("\ud800" <= character < "\ue000" for character in value):
        raise CoolrunError(
            f"text with half of a character cannot be written: {text[:60]}",
            cure="decode the text with errors='replace' where it is made",
        )
    # Neither `: ` nor ` #` may stand in an unquoted scalar.
    return text.replace(":", r"\x3a").replace("#", r"\x23")
