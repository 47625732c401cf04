"""Comparison, membership and order: paid for by the size of what is compared."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from coolrun.plain import ATOMS

from .earlier import Earlier
from .guard import Lazy, Meter, Refused
from .values import NUMBERS, Unique, admit, name_of, weigh

# The two sides of an operator are what the guard admitted: plain data and its own types.
Value = Any


def equal(meter: Meter, left: Value, right: Value) -> bool:
    first, second = type(left), type(right)
    if first in ATOMS and second in ATOMS:
        if first is str and second is str:
            meter.spend(min(len(left), len(right)) >> 5)
        return bool(left == right)
    if first is Lazy or second is Lazy:
        raise Refused("this can only be read key by key", "name the key that you need")
    if left is right:
        return True
    if first is Unique and second is Unique:
        meter.spend(len(left))
        return bool(left.items.keys() == right.items.keys())
    if isinstance(left, Mapping) != isinstance(right, Mapping):
        return False
    weigh(meter, left)
    weigh(meter, right)
    return bool(left == right)


def unequal(meter: Meter, left: Value, right: Value) -> bool:
    return not equal(meter, left, right)


def less(meter: Meter, left: Value, right: Value) -> bool:
    return bool(_ordered("<", meter, left, right) and left < right)


def less_equal(meter: Meter, left: Value, right: Value) -> bool:
    if type(left) is Unique and type(right) is Unique:
        meter.spend(len(left))
        return left.items.keys() <= right.items.keys()
    return bool(_ordered("<=", meter, left, right) and left <= right)


def greater(meter: Meter, left: Value, right: Value) -> bool:
    return bool(_ordered(">", meter, left, right) and left > right)


def greater_equal(meter: Meter, left: Value, right: Value) -> bool:
    if type(left) is Unique and type(right) is Unique:
        return less_equal(meter, right, left)
    return bool(_ordered(">=", meter, left, right) and left >= right)


def same(meter: Meter, left: Value, right: Value) -> bool:
    for side in (left, right):
        if side is None or side is True or side is False:
            return left is right
    raise Refused("`is` compares with None, True and False only", "compare with ==")


def other(meter: Meter, left: Value, right: Value) -> bool:
    return not same(meter, left, right)


def inside(meter: Meter, item: Value, container: Value) -> bool:
    kind = type(container)
    if kind is str:
        if type(item) is not str:
            raise Refused(f"only text can be in a text, not {name_of(item)!r}")
        search_cost(meter, container, item)
        return item in container
    if kind is Lazy:
        return type(item) is str and item in container.mapping
    if kind is Unique:
        weigh(meter, item)
        return hashable(item) and item in container.items
    if kind is Earlier and type(item) is str:
        meter.spend(container.search_steps())
        return container.position(item) is not None
    if isinstance(container, Mapping):
        lookup_cost(meter, container, item)
        return hashable(item) and item in container
    if kind is list or kind is tuple or kind is Earlier:
        for candidate in container:
            meter.spend(1)
            if equal(meter, item, admit(candidate, container)):
                return True
        return False
    raise Refused(f"nothing can be in {name_of(container)!r}")


def outside(meter: Meter, item: Value, container: Value) -> bool:
    return not inside(meter, item, container)


def hashable(item: Value) -> bool:
    """Whether it can be a key or in a set: a scalar or a flat tuple of scalars."""
    kind = type(item)
    return kind in ATOMS or (kind is tuple and all(type(part) in ATOMS for part in item))


def search_cost(meter: Meter, text: str, part: str) -> None:
    """Pay for a search; the simple one of short texts takes length times length."""
    meter.spend(1 + (len(text) + len(part) >> 5) + (len(text) * min(len(part), 128) >> 9))


def lookup_cost(meter: Meter, mapping: Value, key: Value) -> None:
    """Numbers of one hash make a lookup as slow as a search; a tuple is hashed every time."""
    if type(key) is tuple:
        meter.spend(len(key) >> 1)
    if type(key) is not str and len(mapping) > 64:
        meter.spend(len(mapping) >> 4)


def _ordered(sign: str, meter: Meter, left: Value, right: Value) -> bool:
    first, second = type(left), type(right)
    if first in NUMBERS and second in NUMBERS:
        return True
    if first is second and first is str:
        meter.spend(min(len(left), len(right)) >> 5)
        return True
    if first is second and (first is list or first is tuple):
        weigh(meter, left)
        weigh(meter, right)
        return True
    cure = (
        "leave null out first: `x is not None and ...`" if left is None or right is None else None
    )
    raise Refused(f"{name_of(left)!r} {sign} {name_of(right)!r} has no order", cure)


COMPARE: Final[dict[type[ast.AST], Callable[[Meter, Value, Value], bool]]] = {
    ast.Eq: equal,
    ast.NotEq: unequal,
    ast.Lt: less,
    ast.LtE: less_equal,
    ast.Gt: greater,
    ast.GtE: greater_equal,
    ast.Is: same,
    ast.IsNot: other,
    ast.In: inside,
    ast.NotIn: outside,
}
