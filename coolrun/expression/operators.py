"""Operators that know what they would build before they build it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from .formats import percent
from .guard import BITS, Meter, Refused
from .values import (
    NUMBERS,
    Unique,
    mapping_of,
    name_of,
    room,
    short,
    unique,
    whole,
)

# The two sides of an operator are what the guard admitted: plain data and its own types.
Value = Any


def add(meter: Meter, left: Value, right: Value) -> Value:
    first, second = type(left), type(right)
    if first in NUMBERS and second in NUMBERS:
        return _number(meter, left + right)
    if first is second:
        if first is str:
            short(len(left) + len(right))
            meter.spend((len(left) + len(right)) >> 5)
            return left + right
        if first is list or first is tuple:
            room(len(left) + len(right))
            meter.spend((len(left) + len(right)) >> 2)
            return left + right
    raise mismatch("+", left, right)


def subtract(meter: Meter, left: Value, right: Value) -> Value:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return _number(meter, left - right)
    if type(left) is Unique and type(right) is Unique:
        meter.spend(len(left) + len(right))
        return Unique({key: None for key in left.items if key not in right.items})
    raise mismatch("-", left, right)


def multiply(meter: Meter, left: Value, right: Value) -> Value:
    first, second = type(left), type(right)
    if first in NUMBERS and second in NUMBERS:
        if (
            first is not float
            and second is not float
            and left.bit_length() + right.bit_length() > BITS + 1
        ):
            raise Refused(f"the number is too large (at most {BITS} bits)")
        return _number(meter, left * right)
    if first in (int, bool):
        left, right, first, second = right, left, second, first
    if second not in (int, bool) or first not in (str, list, tuple):
        raise mismatch("*", left, right)
    size = len(left) * max(right, 0)
    if first is str:
        short(size)
        meter.spend(size >> 5)
    else:
        room(size)
        meter.spend(size >> 2)
    return left * right


def divide(meter: Meter, left: Value, right: Value) -> Value:
    _numbers("/", left, right)
    return _number(meter, left / right)


def floor_divide(meter: Meter, left: Value, right: Value) -> Value:
    _numbers("//", left, right)
    return _number(meter, left // right)


def modulo(meter: Meter, left: Value, right: Value) -> Value:
    if type(left) is str:
        return percent(meter, left, right)
    _numbers("%", left, right)
    return _number(meter, left % right)


def power(meter: Meter, left: Value, right: Value) -> Value:
    _numbers("**", left, right)
    if type(left) is not float and type(right) is not float and right > 0:
        bits = abs(left).bit_length() - 1
        if bits * right > BITS:
            raise Refused(f"the number is too large (at most {BITS} bits)")
        meter.spend(right.bit_length() >> 2)
    return _number(meter, left**right)


def shift_left(meter: Meter, left: Value, right: Value) -> Value:
    _integers("<<", left, right)
    if left and left.bit_length() + right > BITS:
        raise Refused(f"the number is too large (at most {BITS} bits)")
    return _number(meter, left << right if left else 0)


def shift_right(meter: Meter, left: Value, right: Value) -> Value:
    _integers(">>", left, right)
    return _number(meter, left >> right)


def bit_or(meter: Meter, left: Value, right: Value) -> Value:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        pairs = [(key, side[key]) for side in (left, right) for key in _keys(meter, side)]
        return mapping_of(meter, pairs)
    if type(left) is Unique and type(right) is Unique:
        return unique(meter, [*left.items, *right.items])
    _integers("|", left, right)
    return _number(meter, left | right)


def bit_and(meter: Meter, left: Value, right: Value) -> Value:
    if type(left) is Unique and type(right) is Unique:
        meter.spend(len(left) + len(right))
        return Unique({key: None for key in left.items if key in right.items})
    _integers("&", left, right)
    return _number(meter, left & right)


def bit_xor(meter: Meter, left: Value, right: Value) -> Value:
    if type(left) is Unique and type(right) is Unique:
        return bit_or(meter, subtract(meter, left, right), subtract(meter, right, left))
    _integers("^", left, right)
    return _number(meter, left ^ right)


def negative(meter: Meter, value: Value) -> Value:
    _unary("-", value)
    return _number(meter, -value)


def positive(meter: Meter, value: Value) -> Value:
    _unary("+", value)
    return +value


def invert(meter: Meter, value: Value) -> Value:
    if type(value) is bool:
        value = int(value)
    if type(value) is not int:
        raise Refused(f"{name_of(value)!r} cannot be inverted with ~")
    return _number(meter, ~value)


def opposite(meter: Meter, value: Value) -> Value:
    return not value


def mismatch(sign: str, left: Value, right: Value) -> Refused:
    return Refused(f"{name_of(left)!r} {sign} {name_of(right)!r} does not go together")


def _keys(meter: Meter, mapping: Value) -> list[object]:
    meter.spend(len(mapping))
    return list(mapping)


def _number(meter: Meter, value: Value) -> Value:
    kind = type(value)
    if kind is int:
        bits = value.bit_length()
        if bits > 64:
            meter.spend(bits >> 5)
            return whole(value)
    elif kind is complex:
        raise Refused("the result is a complex number")
    return value


def _numbers(sign: str, left: Value, right: Value) -> None:
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise mismatch(sign, left, right)


def _integers(sign: str, left: Value, right: Value) -> None:
    if type(left) not in (int, bool) or type(right) not in (int, bool):
        raise mismatch(sign, left, right)


def _unary(sign: str, value: Value) -> None:
    if type(value) not in NUMBERS:
        cure = "choose for null yourself: `x if x is not None else 0`" if value is None else None
        raise Refused(f"{sign} goes with numbers, not with {name_of(value)!r}", cure)


BINARY: Final[dict[type[ast.AST], Callable[[Meter, Value, Value], Value]]] = {
    ast.Add: add,
    ast.Sub: subtract,
    ast.Mult: multiply,
    ast.Div: divide,
    ast.FloorDiv: floor_divide,
    ast.Mod: modulo,
    ast.Pow: power,
    ast.LShift: shift_left,
    ast.RShift: shift_right,
    ast.BitOr: bit_or,
    ast.BitAnd: bit_and,
    ast.BitXor: bit_xor,
}

UNARY: Final[dict[type[ast.AST], Callable[[Meter, Value], Value]]] = {
    ast.USub: negative,
    ast.UAdd: positive,
    ast.Invert: invert,
    ast.Not: opposite,
}
