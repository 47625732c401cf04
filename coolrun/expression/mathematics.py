"""The names of `math`, for numbers only and bounded where integers can grow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from . import operators
from .guard import BITS, Meter, Refused
from .values import NUMBERS, admit, items_of, name_of, whole

if TYPE_CHECKING:
    from collections.abc import Callable

CONSTANTS: Final[dict[str, float]] = {
    name: getattr(math, name) for name in ("e", "inf", "nan", "pi", "tau")
}


def _plain(name: str) -> Callable[..., Any]:
    """A function of numbers to a number (or a pair of them) of bounded size."""
    real: Callable[..., Any] = getattr(math, name)

    def function(meter: Meter, *values: object) -> object:
        for value in values:
            if type(value) not in NUMBERS:
                raise Refused(f"{name}() takes numbers, not {name_of(value)!r}")
        meter.spend(2)
        return real(*values)

    return function


def comb(meter: Meter, n: object, k: object) -> int:
    big, small = _natural("comb", n), _natural("comb", k)
    small = min(small, max(big - small, 0))
    _fits(min(big, small * big.bit_length()))
    meter.spend(1 + (small << 2))
    return whole(math.comb(big, small)) if k <= n else 0  # type: ignore[operator]


def perm(meter: Meter, n: object, k: object = None) -> int:
    big = _natural("perm", n)
    small = big if k is None else _natural("perm", k)
    if small > big:
        return 0
    _fits_factor(big, big - small)
    meter.spend(1 + (small << 2))
    return whole(math.perm(big, small))


def factorial(meter: Meter, n: object) -> int:
    number = _natural("factorial", n)
    _fits_factor(number, 0)
    meter.spend(1 + (number << 2))
    return whole(math.factorial(number))


def gcd(meter: Meter, *values: object) -> int:
    numbers = [_whole("gcd", value) for value in values]
    meter.spend(1 + sum(number.bit_length() >> 2 for number in numbers))
    return math.gcd(*numbers)


def lcm(meter: Meter, *values: object) -> int:
    result = 1
    for value in values:
        number = _whole("lcm", value)
        meter.spend(1 + (number.bit_length() + result.bit_length() >> 2))
        if number == 0:
            return 0
        result = operators.multiply(meter, result, number // math.gcd(result, number))
    return abs(result)


def isqrt(meter: Meter, n: object) -> int:
    number = _natural("isqrt", n)
    meter.spend(1 + (number.bit_length() >> 4))
    return math.isqrt(number)


def prod(meter: Meter, values: object, *, start: object = 1) -> object:
    result = start
    for value in items_of(meter, values):
        meter.spend(1)
        if type(value) not in NUMBERS or type(result) not in NUMBERS:
            raise Refused("prod() takes numbers")
        result = operators.multiply(meter, result, value)
    return result


def fsum(meter: Meter, values: object) -> float:
    return math.fsum(_floats(meter, "fsum", values))


def dist(meter: Meter, left: object, right: object) -> float:
    return math.dist(_floats(meter, "dist", left), _floats(meter, "dist", right))


def sumprod(meter: Meter, left: object, right: object) -> object:
    first, second = items_of(meter, left), items_of(meter, right)
    if len(first) != len(second):
        raise Refused("sumprod() takes two lists of one length")
    total: object = 0
    for a, b in zip(first, second, strict=True):
        meter.spend(2)
        if type(a) not in NUMBERS or type(b) not in NUMBERS:
            raise Refused("sumprod() takes numbers")
        total = operators.add(meter, total, operators.multiply(meter, a, b))
    return total


def isclose(
    meter: Meter, a: object, b: object, *, rel_tol: object = 1e-09, abs_tol: object = 0.0
) -> bool:
    for value in (a, b, rel_tol, abs_tol):
        if type(value) not in NUMBERS:
            raise Refused(f"isclose() takes numbers, not {name_of(value)!r}")
    return math.isclose(a, b, rel_tol=rel_tol, abs_tol=abs_tol)  # type: ignore[arg-type]


def _floats(meter: Meter, function: str, values: object) -> list[float]:
    found = items_of(meter, values)
    meter.spend(len(found))
    for value in found:
        if type(value) not in NUMBERS:
            admit(value)
            raise Refused(f"{function}() takes numbers, not {name_of(value)!r}")
    return [float(value) for value in found]  # type: ignore[arg-type]


def _whole(function: str, value: object) -> int:
    if type(value) is not int and type(value) is not bool:
        raise Refused(f"{function}() takes whole numbers, not {name_of(value)!r}")
    return int(value)


def _natural(function: str, value: object) -> int:
    number = _whole(function, value)
    if number < 0:
        raise Refused(f"{function}() takes no negative number")
    return number


def _fits(bits: int) -> None:
    if bits > BITS:
        raise Refused(f"the number is too large (at most {BITS} bits)")


def _fits_factor(high: int, low: int) -> None:
    """Refuse high! / low! before it is computed."""
    if high > 100_000:
        _fits((high - low) * high.bit_length())
    else:
        _fits(int((math.lgamma(high + 1) - math.lgamma(low + 1)) / math.log(2)))


_NAMES: Final = (
    *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign"),
    *("cos", "cosh", "degrees", "erf", "erfc", "exp", "exp2", "expm1", "fabs", "floor", "fma"),
    *("fmod", "frexp", "gamma", "hypot", "isfinite", "isinf", "isnan", "ldexp", "lgamma", "log"),
    *("log10", "log1p", "log2", "modf", "nextafter", "radians", "remainder", "sin", "sinh"),
    *("sqrt", "tan", "tanh", "trunc", "ulp"),
)

# Older versions of Python lack some of them.
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: _plain(name) for name in _NAMES if hasattr(math, name)},
    **{
        function.__name__: function
        for function in (
            *(comb, dist, factorial, fsum, gcd, isclose, isqrt, lcm, perm, prod, sumprod),
        )
    },
}
