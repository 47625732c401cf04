"""Values as text: `str`, format specifications and the operator `%`, all bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from coolrun.plain import ATOMS, Plain

from .guard import Meter, Missing, Refused
from .values import admit, name_of, plain_copy, short

WIDTH = 1_000
PRECISION = 400

_SPEC: Final = re.compile(
    r"(?:.?[<>=^])?[-+ ]?z?\#?0?(?P<width>[0-9]{0,9})[,_]?(?:\.(?P<precision>[0-9]{1,9}))?"
    r"[bcdeEfFgGosxX%]?",
    re.DOTALL,
)
_PERCENT: Final = re.compile(
    r"%(?:\((?P<key>[^()]*)\))?(?P<flags>[-+ #0]*)(?P<width>[0-9]{0,9})"
    r"(?:\.(?P<precision>[0-9]{0,9}))?(?P<kind>[diouxXeEfFgGcrsa%])"
)


def text_of(meter: Meter, value: object, *, shown: bool = False) -> str:
    """What `str(value)` gives, or `repr(value)` where `shown` is set."""
    kind = type(value)
    if kind is str and not shown:
        return value  # type: ignore[return-value]
    if kind is int and not shown:
        meter.spend(1 + (value.bit_length() >> 5))  # type: ignore[attr-defined]
        return str(value)
    value = plain_copy(meter, value)
    short(_size(value))
    result = repr(value) if shown else str(value)
    short(len(result))
    return result


def ascii_of(text: str) -> str:
    """The text with everything beyond ASCII escaped."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def formatted(meter: Meter, value: object, spec: str) -> str:
    """What `format(value, spec)` gives.

    Raises:
        Refused: the specification is none, or too wide.
    """
    if not spec:
        return text_of(meter, value)
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise Refused("not a format specification that is known here")
    if type(value) not in ATOMS or value is None:
        admit(value)
        raise Refused(f"a format specification does not go with {name_of(value)!r}")
    _bounded(meter, value, match)
    return format(value, spec)


def percent(meter: Meter, template: str, values: object) -> str:
    """What `template % values` gives."""
    meter.spend(len(template) >> 4)
    given = list(values) if type(values) is tuple else [values]
    parts: list[str] = []
    size = end = used = 0
    named = False
    position = template.find("%")
    while position >= 0:
        meter.spend(3)
        match = _PERCENT.match(template, position)
        if match is None:
            raise Refused("not a % format that is known here", "use an f-string")
        parts.append(template[end:position])
        end = match.end()
        if match["kind"] == "%":
            parts.append("%")
        elif match["key"] is not None:
            named = True
            parts.append(_percent_one(meter, match, _named(values, match["key"])))
        else:
            if used >= len(given):
                raise Refused("there are fewer values than % formats")
            parts.append(_percent_one(meter, match, given[used]))
            used += 1
        size += len(parts[-1]) + len(parts[-2]) if len(parts) > 1 else len(parts[-1])
        short(size)
        position = template.find("%", end)
    if not named and used < len(given) and not isinstance(values, Mapping):
        raise Refused("there are more values than % formats")
    parts.append(template[end:])
    short(size + len(parts[-1]))
    return "".join(parts)


def _percent_one(meter: Meter, match: re.Match[str], value: object) -> str:
    kind = match["kind"]
    if kind in "sra":
        value = text_of(meter, admit(value), shown=kind != "s")
        if kind == "a":
            value = ascii_of(value)
        kind = "s"
    elif type(value) not in ATOMS or value is None:
        raise Refused(f"%{kind} does not go with {name_of(value)!r}")
    _bounded(meter, value, match)
    precision = "" if match["precision"] is None else "." + match["precision"]
    result = f"%{match['flags']}{match['width']}{precision}{kind}" % (value,)
    short(len(result))
    return result


def _bounded(meter: Meter, value: object, match: re.Match[str]) -> None:
    width, precision = int(match["width"] or 0), int(match["precision"] or 0)
    if width > WIDTH:
        raise Refused(f"the width of the format is too large (at most {WIDTH})")
    if precision > PRECISION:
        raise Refused(f"the precision of the format is too large (at most {PRECISION})")
    size = width + precision
    if type(value) is int:
        size += value.bit_length()
    elif type(value) is str:
        size += len(value)
    meter.spend(2 + (size >> 4))


def _named(values: object, key: str) -> object:
    if not isinstance(values, Mapping):
        raise Refused("%(name)s needs a mapping")
    if key not in values:
        raise Missing("the mapping has no such key", key, None, values)
    return values[key]


def _size(value: Plain) -> int:
    """At least how long the text of a plain value is, without making it."""
    kind = type(value)
    if kind is str:
        return len(value)
    if kind is int:
        return int(value.bit_length() // 4)
    if kind is list or kind is tuple:
        return sum([_size(item) + 2 for item in value])
    if kind is dict:
        return sum([_size(key) + _size(item) + 4 for key, item in value.items()])
    return 1
