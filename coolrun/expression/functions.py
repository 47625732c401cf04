"""The built-in functions of expressions, each paid for by what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from . import operators
from .earlier import Earlier
from .formats import formatted, text_of
from .guard import LIST, Meter, Refused
from .values import NUMBERS, Unique, items_of, mapping_of, name_of, room, unique, weigh, whole

Value = Any
Function = Callable[..., Any]

# No number that fits has more digits, whatever the base.
DIGITS = 5_000


class Callback:
    """A function in the one place where the language has any: after `key=`, or first in `map`."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[object], object]) -> None:
        self.call = call


def abs_(meter: Meter, value: Value) -> Value:
    _number("abs", value)
    return abs(value)


def all_(meter: Meter, values: Value) -> bool:
    meter.spend(len(found := items_of(meter, values)) >> 2)
    return all(found)


def any_(meter: Meter, values: Value) -> bool:
    meter.spend(len(found := items_of(meter, values)) >> 2)
    return any(found)


def bin_(meter: Meter, value: Value) -> str:
    return bin(_integer("bin", value))


def bool_(meter: Meter, value: Value = False) -> bool:
    return bool(value)


def chr_(meter: Meter, value: Value) -> str:
    return chr(_integer("chr", value))


def dict_(meter: Meter, source: Value = (), /, **more: Value) -> Value:
    if isinstance(source, Mapping):
        pairs = [(key, source[key]) for key in items_of(meter, source)]
    else:
        pairs = [_pair(meter, pair) for pair in items_of(meter, source)]
    return mapping_of(meter, [*pairs, *more.items()])


def divmod_(meter: Meter, left: Value, right: Value) -> Value:
    if type(left) is str:
        raise Refused("divmod takes two numbers")
    return operators.floor_divide(meter, left, right), operators.modulo(meter, left, right)


def enumerate_(meter: Meter, values: Value, start: Value = 0) -> Value:
    found = items_of(meter, values)
    room(len(found))
    meter.spend(2 * len(found))
    return list(enumerate(found, _integer("enumerate", start)))


def filter_(meter: Meter, function: Value, values: Value) -> Value:
    found = items_of(meter, values)
    room(len(found))
    if function is None:
        return [value for value in found if value]
    return [value for value in found if _callback(function)(value)]


def float_(meter: Meter, value: Value = 0.0) -> float:
    if type(value) is str:
        if len(value) > DIGITS:
            raise Refused("the text is too long for a number")
        try:
            return float(value)
        except ValueError:
            raise Refused("float() was given a text that is not a number") from None
    _number("float", value)
    return float(value)


def format_(meter: Meter, value: Value, spec: Value = "") -> str:
    if type(spec) is not str:
        raise Refused("a format specification is text")
    return formatted(meter, value, spec)


def hex_(meter: Meter, value: Value) -> str:
    return hex(_integer("hex", value))


def int_(meter: Meter, value: Value = 0, base: Value = None) -> int:
    if type(value) is str:
        if len(value) > DIGITS:
            raise Refused("the text is too long for a number")
        meter.spend(1 + (len(value) >> 2))
        try:
            return whole(int(value, 10 if base is None else _integer("int", base)))
        except ValueError:
            raise Refused("int() was given a text that is not a whole number") from None
    _number("int", value)
    if base is not None:
        raise Refused("int() takes a base with text only")
    return int(value)


def len_(meter: Meter, value: Value) -> int:
    if isinstance(value, str | list | tuple | Mapping | Unique | Earlier):
        return len(value)
    raise Refused(f"{name_of(value)!r} has no length")


def list_(meter: Meter, values: Value = ()) -> Value:
    found = items_of(meter, values)
    room(len(found))
    return list(found)


def map_(meter: Meter, function: Value, *many: Value) -> Value:
    call = _callback(function)
    columns = [items_of(meter, values) for values in many]
    if len(columns) != 1:
        raise Refused("map takes a function and one list", "use [... for a, b in zip(x, y)]")
    room(len(columns[0]))
    return [call(value) for value in columns[0]]


def max_(meter: Meter, *values: Value, key: Value = None, **default: Value) -> Value:
    return _extreme(meter, max, values, key, **default)


def min_(meter: Meter, *values: Value, key: Value = None, **default: Value) -> Value:
    return _extreme(meter, min, values, key, **default)


def next_(meter: Meter, values: Value, *default: Value) -> Value:
    """The first item: a generator is a list here."""
    found = items_of(meter, values)
    if found:
        return found[0]
    if len(default) == 1:
        return default[0]
    raise Refused("next() found nothing", "give it a second argument to fall back on")


def oct_(meter: Meter, value: Value) -> str:
    return oct(_integer("oct", value))


def ord_(meter: Meter, value: Value) -> int:
    if type(value) is not str or len(value) != 1:
        raise Refused("ord() takes one character")
    return ord(value)


def pow_(meter: Meter, left: Value, right: Value) -> Value:
    return operators.power(meter, left, right)


def range_(meter: Meter, *bounds: Value) -> Value:
    numbers = [_integer("range", bound) for bound in bounds]
    found = range(*numbers)
    size = max(0, -((found.start - found.stop) // found.step))
    if size > LIST:
        room(min(size, 10**18), "a range")
    meter.spend(size >> 1)
    return list(found)


def repr_(meter: Meter, value: Value) -> str:
    return text_of(meter, value, shown=True)


def reversed_(meter: Meter, values: Value) -> Value:
    found = items_of(meter, values)
    room(len(found))
    return list(found[::-1])


def round_(meter: Meter, value: Value, ndigits: Value = None) -> Value:
    _number("round", value)
    if ndigits is None:
        return round(value)
    if abs(_integer("round", ndigits)) > 1_000:
        raise Refused("round() takes at most 1000 digits")
    if type(value) is int:
        meter.spend(1 + (value.bit_length() - min(ndigits, 0) * 4 >> 3))
        return whole(round(value, ndigits))
    return round(value, ndigits)


def set_(meter: Meter, values: Value = ()) -> Unique:
    return unique(meter, items_of(meter, values))


def sorted_(meter: Meter, values: Value, *, key: Value = None, reverse: Value = False) -> Value:
    found = items_of(meter, values)
    room(len(found))
    keys = found if key is None else [_callback(key)(value) for value in found]
    _sort_cost(meter, keys)
    order = sorted(range(len(found)), key=keys.__getitem__, reverse=bool(reverse))  # type: ignore[arg-type]
    return [found[position] for position in order]


def str_(meter: Meter, value: Value = "") -> str:
    return text_of(meter, value)


def sum_(meter: Meter, values: Value, start: Value = 0) -> Value:
    if type(start) is str:
        raise Refused("sum() does not join text", "use ''.join(...)")
    total = start
    for value in items_of(meter, values):
        meter.spend(1)
        total = operators.add(meter, total, value)
    return total


def tuple_(meter: Meter, values: Value = ()) -> Value:
    found = items_of(meter, values)
    room(len(found))
    return tuple(found)


def zip_(meter: Meter, *many: Value, strict: Value = False) -> Value:
    columns = [items_of(meter, values) for values in many]
    sizes = {len(column) for column in columns}
    size = min(sizes, default=0)
    room(size)
    meter.spend(size * (1 + len(columns)))
    if strict and len(sizes) > 1:
        raise Refused("zip() was given lists of different lengths")
    return list(zip(*columns, strict=False))


def _extreme(meter: Meter, best: Function, values: Any, key: Value, **default: Value) -> Value:
    if default.keys() - {"default"}:
        raise Refused("only key= and default= are understood here")
    found = items_of(meter, values[0]) if len(values) == 1 else values
    if not found:
        if "default" in default and values:
            return default["default"]
        raise Refused("there is nothing to choose from", "give default=...")
    keys = found if key is None else [_callback(key)(value) for value in found]
    for one in keys:
        weigh(meter, one)
    return found[best(range(len(found)), key=keys.__getitem__)]


def _sort_cost(meter: Meter, keys: Any) -> None:
    total = sum([weigh(meter, key) for key in keys])
    meter.spend(total * len(keys).bit_length() >> 2)


def _pair(meter: Meter, pair: Value) -> Value:
    found = items_of(meter, pair)
    if len(found) != 2:
        raise Refused("a mapping is made of pairs")
    return tuple(found)


def _callback(function: Value) -> Callable[[object], object]:
    if not isinstance(function, Callback):
        raise Refused("a function is expected here", "name one, or use a comprehension")
    return function.call


def _number(function: str, value: Value) -> None:
    if type(value) not in NUMBERS:
        raise Refused(f"{function}() takes a number, not {name_of(value)!r}")


def _integer(function: str, value: Value) -> int:
    if type(value) is not int and type(value) is not bool:
        raise Refused(f"{function}() takes a whole number, not {name_of(value)!r}")
    return int(value)


_ALL: Final[tuple[Function, ...]] = (
    *(abs_, all_, any_, bin_, bool_, chr_, dict_, divmod_, enumerate_, filter_, float_, format_),
    *(hex_, int_, len_, list_, map_, max_, min_, next_, oct_, ord_, pow_, range_, repr_),
    *(reversed_, round_, set_, sorted_, str_, sum_, tuple_, zip_),
)
BUILTINS: Final[dict[str, Function]] = {
    **{function.__name__[:-1]: function for function in _ALL},
    "frozenset": set_,
}
# Where a function itself may stand as an argument: first, or after key=.
TAKES_KEY: Final = frozenset({"max", "min", "sorted"})
TAKES_FUNCTION: Final = frozenset({"map", filter_.__name__[:-1]})
