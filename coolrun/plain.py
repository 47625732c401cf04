"""Plain data: what definitions, records and files are made of, and the codec of our own files.

Plain data are None, bool, int, float, str, and lists, tuples and dicts of them. A dict's keys are
str, int, float or bool. `Marked` text is the one addition: text that a person wrote to be computed
later. Only a reader of what people write makes it; a result or a log value never becomes one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeAlias

Key: TypeAlias = str | int | float | bool
Plain: TypeAlias = Any  # None | bool | int | float | str | list[Plain] | tuple | dict[Key, Plain]

ATOMS = frozenset({type(None), bool, int, float, str})
KEYS = frozenset({str, int, float, bool})


class Marked(str):
    """Text such as `parse 1 + 1`: equal to what was written, and known to be an expression.

    `word` is the first word, `expression` what follows it.
    """

    __slots__ = ("expression", "word")

    word: str
    expression: str

    def __new__(cls, word: str, expression: str, text: str | None = None) -> Marked:
        self = super().__new__(cls, f"{word} {expression}" if text is None else text)
        self.word = word
        self.expression = expression
        return self

    def __repr__(self) -> str:
        return f"Marked({self.word!r}, {self.expression!r})"

    def __reduce__(self) -> tuple[type[Marked], tuple[str, str, str]]:
        return Marked, (self.word, self.expression, str(self))

    def __deepcopy__(self, memo: object) -> Marked:
        return self


# A wrapper is an object with one key that begins with this character; a user's mapping with such
# a key is itself written as pairs, so that the two can never be confused.
_WRAP = "~"


_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def encode(value: Plain) -> str:
    """One line of JSON that keeps number keys, tuples, infinities and marked text.

    Raises:
        TypeError: the value holds something that is not plain data.
    """
    return _ENCODER.encode(_wrapped(value))


def decode(text: str | bytes) -> Plain:
    """The value that `encode` wrote.

    Raises:
        ValueError: the text is torn or was written by something else.
    """
    return _unwrapped(json.loads(text))


def _wrapped(value: Plain) -> Any:
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return value if math.isfinite(value) else {_WRAP + "float": repr(value)}
    if kind is list:
        return [_wrapped(item) for item in value]
    if kind is dict:
        if all(type(key) is str and not key.startswith(_WRAP) for key in value):
            return {key: _wrapped(item) for key, item in value.items()}
        pairs = [[_wrapped(key), _wrapped(item)] for key, item in value.items()]
        return {_WRAP + "dict": pairs}
    if kind is tuple:
        return {_WRAP + "tuple": [_wrapped(item) for item in value]}
    if kind is Marked:
        return {_WRAP + "marked": [value.word, value.expression, str(value)]}
    raise TypeError(f"not plain data: {kind.__name__}")


def _unwrapped(value: Any) -> Plain:
    if type(value) is list:
        return [_unwrapped(item) for item in value]
    if type(value) is not dict:
        return value
    if len(value) == 1:
        (key,) = value
        if key.startswith(_WRAP):
            return _UNWRAP[key](value[key])
    return {key: _unwrapped(item) for key, item in value.items()}


_UNWRAP: dict[str, Callable[[Any], Plain]] = {
    _WRAP + "float": float,
    _WRAP + "tuple": lambda items: tuple(_unwrapped(item) for item in items),
    _WRAP + "dict": lambda pairs: {_unwrapped(key): _unwrapped(item) for key, item in pairs},
    _WRAP + "marked": lambda parts: Marked(*parts),
}
