"""Functions that plugins add: they are given copies and give plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coolrun.errors import CoolrunError

from .guard import Meter, Refused
from .values import plain_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from .functions import Function

_LONGEST: Final = 300  # characters of what an exception says
# Generator, coroutine and asynchronous generator functions (inspect.CO_*): calling one makes an
# object that does nothing, or that warns.
_LAZY_CODE: Final = 0x20 | 0x80 | 0x200


def call_plugged(name: str, function: Callable[..., object]) -> Function:
    """The function as expressions call it."""

    def call(meter: Meter, *arguments: object, **named: object) -> object:
        code = getattr(function, "__code__", None)
        lazy = code is not None and code.co_flags & _LAZY_CODE
        if lazy or isinstance(function, type) or not callable(function):
            raise Refused(f"{name!r} is not a function that an expression can call")
        meter.spend(50)
        given = [plain_copy(meter, argument) for argument in arguments]
        options = {key: plain_copy(meter, value) for key, value in named.items()}
        try:
            result = function(*given, **options)
        except CoolrunError as error:
            raise Refused(f"{name}() failed: {error.message}", error.cure) from None
        except (Exception, SystemExit, GeneratorExit) as error:
            raise Refused(f"{name}() failed: {_said(error)}") from None
        return plain_copy(meter, result)

    return call


def _said(error: BaseException) -> str:
    """The exception in one short line; its own code may fail while it is asked."""
    name = type(error).__name__
    try:
        text = " ".join(str(error)[:_LONGEST].split())
    except Exception as failure:
        return f"{name} (no text: {type(failure).__name__} in its __str__)"
    return f"{name}: {text}" if text else name
