"""Making plain data of whatever a module sets as a result, so that no record is ever lost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, MappingView, Sequence, Set
from typing import Any

from coolrun.plain import KEYS, Plain

# More values than this make a log that nobody reads and that is slow to read for programs.
MOST_VALUES = 100_000
DEEPEST = 40
LONGEST_REPR = 1_000

# `str` and `json` refuse integers of more than 4,300 digits, whatever the interpreter's limit.
_MOST_BITS = 14_000
_ARRAY_LIBRARIES = frozenset({"numpy", "torch", "jax", "jaxlib", "cupy", "tensorflow", "pandas"})


def to_plain(value: object) -> tuple[Plain, str | None]:
    """The value as plain data of its own, and a warning for a person if something was lost.

    Scalars and arrays of NumPy and torch, paths, enums (their value), dataclasses and named tuples
    (mappings of their fields), sets (sorted lists), dates (ISO 8601 text), durations (seconds),
    bytes (text), views and subclasses of plain types have a plain form. Anything else becomes its
    repr, shortened to LONGEST_REPR characters, with a warning. At most MOST_VALUES values are kept
    and nesting ends at DEEPEST levels. NaN and infinities stay floats.

    The warning does not name the result; it names the place inside of it. Never raises an
    Exception, whatever the value does.
    """
    kind = type(value)
    if kind is float or kind is bool or value is None:
        return value, None
    if (kind is int and -(2**63) <= value < 2**63) or (kind is str and value.isascii()):  # type: ignore[operator,attr-defined]
        return value, None
    conversion = _Conversion()
    return conversion.plain(value, ()), conversion.warning


class _Conversion:
    """One call of `to_plain`: how much it may still hold, where it is, what it had to change."""

    def __init__(self) -> None:
        self.values_left = MOST_VALUES
        # Counted apart, as few lists that hold one another can stand for endlessly many.
        self.containers_left = MOST_VALUES
        self.active: set[int] = set()
        self.first: str | None = None
        self.more = 0

    @property
    def warning(self) -> str | None:
        if self.first is None or not self.more:
            return self.first
        return f"{self.first} (and {self.more} more like this)"

    @property
    def is_full(self) -> bool:
        return self.values_left <= 0 or self.containers_left <= 0

    def warn(self, path: tuple[str, ...], text: str) -> None:
        if self.first is None:
            self.first = f"at {_shown(path)}: {text}" if path else text
        else:
            self.more += 1

    def plain(self, value: Any, path: tuple[str, ...]) -> Plain:
        kind = type(value)
        if value is None or kind is bool or kind is float:
            self.values_left -= 1
            return value
        if id(value) in self.active:
            return self.as_repr(value, path, "contains itself")
        if len(path) > DEEPEST:
            return self.as_repr(value, path, f"is nested more than {DEEPEST} levels deep")
        self.active.add(id(value))
        try:
            return self.converted(value, path)
        # The value's own code runs here, and a result is never lost for what that code does.
        except (Exception, SystemExit) as error:
            return self.as_repr(value, path, f"could not be read ({type(error).__name__})")
        finally:
            self.active.discard(id(value))

    def converted(self, value: Any, path: tuple[str, ...]) -> Plain:
        if _is_enum(value):
            return self.plain(value.value, path)
        if isinstance(value, str):
            self.values_left -= 1
            return self.text(str.__str__(value), path)
        if isinstance(value, int):
            self.values_left -= 1
            return self.integer(int.__int__(value), path)
        if isinstance(value, float):
            self.values_left -= 1
            return float.__float__(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self.binary(bytes(value), path)
        if _is_array(value):
            return self.array(value, path)
        if isinstance(value, dict):
            return self.mapping(list(dict.items(value)), path)
        if isinstance(value, tuple):
            return self.row(value, path)
        if isinstance(value, list):
            return self.items(list.__iter__(value), list.__len__(value), path)
        return self.other(value, path)

    def other(self, value: Any, path: tuple[str, ...]) -> Plain:
        """The rarer kinds, so that the frequent ones need not be tested for them."""
        if isinstance(value, os.PathLike):
            return self.plain(os.fspath(value), path)
        if hasattr(type(value), "__dataclass_fields__") and not isinstance(value, type):
            return self.mapping(_fields(value), path)
        if isinstance(value, Mapping):
            return self.mapping([(key, value[key]) for key in value], path)
        if isinstance(value, Set) and not isinstance(value, MappingView):
            return self.items(_sorted(value), len(value), path)
        if isinstance(value, (Sequence, MappingView)) or type(value).__name__ == "deque":
            return self.items(value, len(value), path)
        simple = _simple(value)
        if simple is not None:
            return simple
        return self.as_repr(value, path, "is not plain data")

    def text(self, value: str, path: tuple[str, ...]) -> str:
        if value.isascii():
            return value
        try:
            value.encode()
        except UnicodeEncodeError:
            self.warn(path, "text with lone surrogates is kept with these escaped")
            return value.encode("utf-8", "backslashreplace").decode()
        return value

    def integer(self, value: int, path: tuple[str, ...]) -> int | str:
        if value.bit_length() <= _MOST_BITS:
            return value
        self.warn(path, f"an integer of {value.bit_length()} bits is kept as hexadecimal text")
        return _shortened(hex(value))

    def binary(self, value: bytes, path: tuple[str, ...]) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            self.warn(path, f"{len(value)} bytes that are no text are kept as hexadecimal text")
            return _shortened(value[:LONGEST_REPR].hex())

    def row(self, value: Any, path: tuple[str, ...]) -> Plain:
        names = getattr(type(value), "_fields", None)
        if isinstance(names, tuple) and len(names) == len(value):
            return self.mapping(list(zip(names, value, strict=True)), path)
        return tuple(self.items(tuple.__iter__(value), tuple.__len__(value), path))

    def items(self, values: Iterable[Any], length: int, path: tuple[str, ...]) -> list[Plain]:
        plain = []
        self.containers_left -= 1
        for number, value in enumerate(values):
            if self.is_full:
                self.warn(path, f"only the first {number} of {length} values are kept")
                break
            plain.append(self.plain(value, (*path, f"[{number}]")))
        return plain

    def mapping(self, pairs: list[tuple[Any, Any]], path: tuple[str, ...]) -> dict[Any, Plain]:
        plain: dict[Any, Plain] = {}
        self.containers_left -= 1
        for key, value in pairs:
            if self.is_full:
                self.warn(path, f"only the first {len(plain)} of {len(pairs)} keys are kept")
                break
            name = self.key(key, path)
            if name in plain:
                name = _unused(name, plain)
            plain[name] = self.plain(value, (*path, f".{name}" if path else f"{name}"))
        return plain

    def key(self, key: Any, path: tuple[str, ...]) -> Any:
        if type(key) is str and key.isascii():
            return key
        name, warning = to_plain(key)
        if type(name) in KEYS and warning is None:
            return name
        text = name if type(name) is str else _repr(key) if key is not None else "None"
        self.warn(path, f"the key {text} is kept as text")
        return text

    def array(self, value: Any, path: tuple[str, ...]) -> Plain:
        shape = tuple(getattr(value, "shape", ()))
        size = 1
        for length in shape:
            size *= length
        room = max(self.values_left, 1)
        if size > room:
            kept, value = _beginning(value, shape, size, room)
            self.warn(path, f"only {kept} of the {size} values of an array {shape} are kept")
        if getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m"):
            return self.plain(value.astype(str).tolist(), path)
        plain = _listed(value)
        if type(plain) is type(value):
            # A long double has no Python number of its own kind and gives itself.
            return float(value)
        self.active.discard(id(value))
        return self.plain(plain, path)

    def as_repr(self, value: object, path: tuple[str, ...], why: str) -> str:
        self.values_left -= 1
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        self.warn(path, f"a value of type {kind} {why}: its repr is kept")
        return _shortened(_repr(value))


def _shown(path: tuple[str, ...]) -> str:
    return "".join(path if len(path) <= 8 else (*path[:4], "...", *path[-2:]))


def _is_enum(value: object) -> bool:
    # `enum` itself is imported by whoever has such a value.
    return any(cls.__name__ == "Enum" and cls.__module__ == "enum" for cls in type(value).__mro__)


def _is_array(value: object) -> bool:
    return any(
        cls.__module__.partition(".")[0] in _ARRAY_LIBRARIES for cls in type(value).__mro__
    ) and any(hasattr(value, name) for name in ("tolist", "item", "numpy"))


def _listed(value: Any) -> Any:
    """What an array or a scalar of a library is in Python's own types."""
    for name in ("tolist", "item"):
        if hasattr(value, name):
            return getattr(value, name)()
    return value.numpy()


def _beginning(value: Any, shape: tuple[int, ...], size: int, most: int) -> tuple[int, Any]:
    """The first rows of an array, or of a flat one where a row is too much already."""
    row = size // shape[0]
    if row <= most:
        return (most // row) * row, value[: most // row]
    return most, value.reshape(-1)[:most]


def _fields(value: Any) -> list[tuple[str, Any]]:
    import dataclasses

    return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]


def _sorted(values: Set[Any]) -> list[Any]:
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=lambda value: (type(value).__name__, _repr(value)))


def _simple(value: Any) -> Plain:
    """The plain form of some types of the standard library, or None."""
    import datetime

    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    kind = type(value)
    if (kind.__module__, kind.__name__) in (("decimal", "Decimal"), ("fractions", "Fraction")):
        return float(value)
    if (kind.__module__, kind.__name__) == ("uuid", "UUID"):
        return str(value)
    return None


def _unused(name: Any, taken: Mapping[Any, Plain]) -> str:
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"


def _repr(value: object) -> str:
    try:
        text = repr(value)
        return text.encode("utf-8", "backslashreplace").decode()
    # A repr is the value's own code; there is still a record to be written.
    except (Exception, SystemExit) as error:
        kind = type(value)
        return f"<{kind.__module__}.{kind.__qualname__}, repr failed: {type(error).__name__}>"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_REPR else text[: LONGEST_REPR - 3] + "..."
