"""Pure methods by type: nothing else can be called with a dot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from coolrun.plain import KEYS

from .comparisons import equal, hashable, less_equal, lookup_cost, search_cost
from .guard import LIST, TEXT, Lazy, Meter, Missing, Refused
from .operators import bit_and, bit_or, bit_xor, subtract
from .values import Unique, admit, items_of, name_of, room, short, unique

Method = Callable[..., Any]

# What other languages' habits try; each would change data that others read too.
CHANGING: Final = frozenset(
    (
        *("append", "extend", "insert", "remove", "pop", "popitem", "clear", "sort", "reverse"),
        *("update", "setdefault", "add", "discard", "difference_update", "intersection_update"),
        *("symmetric_difference_update",),
    )
)


def method_of(value: object, name: str) -> Method:
    """The pure method of that name.

    Raises:
        Refused: there is none, or it would change the value.
    """
    if isinstance(value, Lazy):
        methods = _LAZY
    elif isinstance(value, Mapping):
        methods = _MAPPING
    else:
        methods = _BY_TYPE.get(type(value), {})
    method = methods.get(name)
    if method is not None:
        return method
    if name in CHANGING:
        raise Refused(f"{name} would change a value", "build a new one: a + [b], a | {...}")
    if name in ("format", "format_map") and type(value) is str:
        raise Refused(f"{name} is not part of the language", 'use an f-string: f"{a}/{b}"')
    known = ", ".join(sorted(methods)) or "no method"
    raise Refused(f"{name_of(value)!r} has no method {name!r} here", f"it has {known}")


def _pure(name: str) -> Method:
    """A method of text whose result is at most three times as long as the text."""
    real: Callable[..., Any] = getattr(str, name)

    def method(meter: Meter, text: str, *arguments: object) -> object:
        meter.spend(1 + (len(text) >> 5))
        for argument in arguments:
            _textual(argument)
            if type(argument) is str:
                meter.spend(len(text) * len(argument) >> 9)
            elif type(argument) is tuple:
                meter.spend(sum([1 + (min(len(part), len(text)) >> 5) for part in argument]))
        result = real(text, *arguments)
        if type(result) is str:
            short(len(result))
        return result

    return method


def _textual(argument: object) -> None:
    if type(argument) is tuple and all(type(part) is str for part in argument):
        return
    if argument is not None and type(argument) not in (str, int):
        raise Refused(f"an argument of type {name_of(argument)!r} is not understood")


def _searching(name: str) -> Method:
    real: Callable[..., Any] = getattr(str, name)

    def method(meter: Meter, text: str, part: object, *bounds: object) -> object:
        if type(part) is not str:
            raise Refused(f"only text can be looked for in a text, not {name_of(part)!r}")
        for bound in bounds:
            _textual(bound)
        search_cost(meter, text, part)
        return real(text, part, *bounds)

    return method


def _padding(name: str) -> Method:
    real: Callable[..., Any] = getattr(str, name)

    def method(meter: Meter, text: str, width: object, *fill: object) -> object:
        if type(width) is not int or not all(type(part) is str for part in fill):
            raise Refused(f"{name} takes a width and a character")
        if width > TEXT:
            raise Refused(f"the text is too long (at most {TEXT} characters)")
        meter.spend(1 + (max(width, len(text)) >> 5))
        return real(text, width, *fill)

    return method


def _splitting(name: str) -> Method:
    real: Callable[..., Any] = getattr(str, name)

    def method(meter: Meter, text: str, sep: object = None, maxsplit: object = -1) -> object:
        if sep is not None and type(sep) is not str:
            raise Refused(f"{name} takes a text to split at")
        if type(maxsplit) is not int:
            raise Refused(f"{name} takes a number of splits")
        search_cost(meter, text, sep or " ")
        limit = maxsplit if 0 <= maxsplit < LIST else LIST
        parts = real(text, sep, limit)
        if limit != maxsplit:
            room(len(parts), "the split text")
        meter.spend(len(parts))
        return parts

    return method


def _lines(meter: Meter, text: str, keepends: object = False) -> object:
    meter.spend(1 + (len(text) >> 3))
    lines = text.splitlines(keepends is True)
    room(len(lines), "the split text")
    return lines


def _join(meter: Meter, text: str, values: object) -> str:
    parts = items_of(meter, values)
    size = 0
    for part in parts:
        if type(part) is not str:
            admit(part, values)
            raise Refused(
                f"join takes text only, not {name_of(part)!r}", "use [str(x) for x in ...]"
            )
        size += len(part)
    size += len(text) * max(len(parts) - 1, 0)
    short(size)
    meter.spend(1 + len(parts) + (size >> 5))
    return text.join(parts)  # type: ignore[arg-type]


def _replace(meter: Meter, text: str, old: object, new: object, count: object = -1) -> str:
    if type(old) is not str or type(new) is not str or type(count) is not int:
        raise Refused("replace takes two texts")
    search_cost(meter, text, old)
    found = text.count(old)
    if 0 <= count < found:
        found = count
    short(len(text) + found * (len(new) - len(old)))
    meter.spend(found + (found * len(new) >> 5))
    return text.replace(old, new, found)


def _expandtabs(meter: Meter, text: str, tabsize: object = 8) -> str:
    if type(tabsize) is not int:
        raise Refused("expandtabs takes a number")
    short(len(text) + text.count("\t") * max(tabsize, 0))
    meter.spend(1 + (len(text) >> 3))
    return text.expandtabs(tabsize)


def _partition(name: str) -> Method:
    real: Callable[..., Any] = getattr(str, name)

    def method(meter: Meter, text: str, sep: object) -> object:
        if type(sep) is not str:
            raise Refused(f"{name} takes a text")
        search_cost(meter, text, sep)
        return real(text, sep)

    return method


def _get(meter: Meter, mapping: Any, key: object, default: object = None) -> object:
    lookup_cost(meter, mapping, key)
    if not hashable(key) or type(key) not in KEYS or key not in mapping:
        return default
    return admit(mapping[key], mapping)


def _get_lazily(meter: Meter, lazy: Lazy, key: object, default: object = None) -> object:
    if type(key) is not str:
        return default
    try:
        return admit(lazy.mapping[key], lazy.mapping)
    except (KeyError, Missing):
        return default


def _keys(meter: Meter, mapping: Any) -> object:
    return list(items_of(meter, mapping))


def _values(meter: Meter, mapping: Any) -> object:
    return [admit(mapping[key], mapping) for key in items_of(meter, mapping)]


def _items(meter: Meter, mapping: Any) -> object:
    meter.spend(len(mapping))
    return [(key, admit(mapping[key], mapping)) for key in items_of(meter, mapping)]


def _copy(meter: Meter, value: Any) -> object:
    meter.spend(1 + len(value))
    return value


def _index(meter: Meter, values: Any, item: object) -> int:
    for position, candidate in enumerate(values):
        meter.spend(1)
        if equal(meter, item, admit(candidate, values)):
            return position
    raise Refused("the value that index looks for is not in the list")


def _count(meter: Meter, values: Any, item: object) -> int:
    meter.spend(len(values))
    return sum([equal(meter, item, admit(candidate, values)) for candidate in values])


def _bits(meter: Meter, value: int) -> int:
    return value.bit_length()


def _is_integer(meter: Meter, value: float) -> bool:
    return float(value).is_integer()


def _combining(operation: Callable[..., Any]) -> Method:
    def method(meter: Meter, value: Unique, *others: object) -> object:
        result: object = value
        for one in others:
            result = operation(meter, result, _as_set(meter, one))
        return result

    return method


def _as_set(meter: Meter, value: object) -> Unique:
    return value if isinstance(value, Unique) else unique(meter, items_of(meter, value))


def _issubset(meter: Meter, value: Unique, of: object) -> bool:
    return less_equal(meter, value, _as_set(meter, of))


def _issuperset(meter: Meter, value: Unique, of: object) -> bool:
    return less_equal(meter, _as_set(meter, of), value)


def _isdisjoint(meter: Meter, value: Unique, of: object) -> bool:
    return not len(bit_and(meter, value, _as_set(meter, of)))


_TEXT: Final[dict[str, Method]] = {
    **{
        name: _pure(name)
        for name in (
            *("lower", "upper", "title", "capitalize", "swapcase", "casefold", "strip", "lstrip"),
            *("rstrip", "removeprefix", "removesuffix", "startswith", "endswith", "isdigit"),
            *("isalpha", "isalnum", "isnumeric", "isdecimal", "islower", "isupper", "isspace"),
            *("istitle", "isidentifier", "isprintable", "isascii"),
        )
    },
    **{name: _searching(name) for name in ("find", "rfind", "index", "rindex", "count")},
    **{name: _padding(name) for name in ("ljust", "rjust", "center", "zfill")},
    **{name: _splitting(name) for name in ("split", "rsplit")},
    **{name: _partition(name) for name in ("partition", "rpartition")},
    "splitlines": _lines,
    "join": _join,
    "replace": _replace,
    "expandtabs": _expandtabs,
}
_MAPPING: Final[dict[str, Method]] = {
    "get": _get,
    "keys": _keys,
    "values": _values,
    "items": _items,
    "copy": _copy,
}
_LAZY: Final[dict[str, Method]] = {"get": _get_lazily}
_SEQUENCE: Final[dict[str, Method]] = {"index": _index, "count": _count}
_BY_TYPE: Final[dict[type, dict[str, Method]]] = {
    str: _TEXT,
    list: {**_SEQUENCE, "copy": _copy},
    tuple: _SEQUENCE,
    int: {"bit_length": _bits, "is_integer": _is_integer},
    float: {"is_integer": _is_integer},
    Unique: {
        "union": _combining(bit_or),
        "intersection": _combining(bit_and),
        "difference": _combining(subtract),
        "symmetric_difference": _combining(bit_xor),
        "issubset": _issubset,
        "issuperset": _issuperset,
        "isdisjoint": _isdisjoint,
        "copy": _copy,
    },
}
