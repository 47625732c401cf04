"""What values an expression may hold, and the copy that leaves it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from coolrun.plain import ATOMS, KEYS, Marked, Plain

from .earlier import Earlier
from .guard import (
    BITS,
    DEPTH,
    LIST,
    MAPPING,
    TEXT,
    Lazy,
    Meter,
    Needs,
    Pending,
    Refused,
    Unresolved,
)

NUMBERS: Final = frozenset({int, float, bool})
# More values with one hash than this and a lookup is no longer one step.
SAME_HASH = 16


class Unique:
    """A set that keeps its order: the same text gives the same list in every process."""

    __slots__ = ("items",)

    def __init__(self, items: dict[object, None]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)


KNOWN: Final = ATOMS | {list, tuple, dict, Unique, Earlier, Lazy}


def admit(value: object, container: object = None) -> object:
    """The value, if an expression may hold it. `container` is what it was read from.

    Raises:
        Needs: it is not resolved yet.
        Pending: it is a text that is computed later.
        Refused: it is no plain data.
    """
    kind = type(value)
    if kind in KNOWN or isinstance(value, Mapping):
        return value
    if isinstance(value, Unresolved):
        raise Needs(value)
    if isinstance(value, Marked):
        raise Pending(
            f"a value that is computed later ({value.word}) was read",
            word=value.word,
            container=container,
        )
    if isinstance(value, tuple):
        return tuple(value)
    if isinstance(value, list):
        return list(value)
    raise Refused(f"not plain data: a value of type {kind.__name__!r}")


def name_of(value: object) -> str:
    """The type of a value, as a person would call it."""
    if isinstance(value, Unique):
        return "set"
    if isinstance(value, Earlier):
        return "E"
    if isinstance(value, Mapping | Lazy):
        return "dict"
    return type(value).__name__


def is_mapping(value: object) -> bool:
    return type(value) is dict or isinstance(value, Mapping)


def items_of(meter: Meter, value: object) -> list[object] | tuple[object, ...]:
    """The items of anything that has items, paid for and bounded where a list must be made."""
    kind = type(value)
    if kind is list or kind is tuple:
        meter.spend(len(value) >> 2)  # type: ignore[arg-type]
        return value  # type: ignore[return-value]
    if isinstance(value, str) and kind is str:
        room(len(value))
        meter.spend(len(value))
        return list(value)
    if isinstance(value, Unique):
        meter.spend(len(value) >> 2)
        return list(value.items)
    if isinstance(value, Mapping | Earlier):
        room(len(value), name_of(value))
        meter.spend(len(value))
        return list(value)
    raise Refused(f"{name_of(value)!r} has no items to go through")


def room(size: int, what: str = "a list") -> None:
    """Refuse a list that would be too long."""
    if size > LIST:
        raise Refused(
            f"{what} of {size} items is too long (at most {LIST})", "take fewer, with a slice"
        )


def whole(number: int) -> int:
    """Refuse an integer that is too large."""
    if number.bit_length() > BITS:
        raise Refused(f"the number is too large (at most {BITS} bits)")
    return number


def short(size: int) -> None:
    """Refuse a text that would be too long."""
    if size > TEXT:
        raise Refused(f"the text is too long (at most {TEXT} characters)")


def unique(meter: Meter, values: Iterable[object]) -> Unique:
    """A set of the values, each hash counted: thousands with one hash would take for ever."""
    found: dict[object, None] = {}
    counts: dict[int, int] = {}
    for value in values:
        meter.spend(1)
        if type(value) is tuple:
            meter.spend(len(value))
            if not all(type(part) in ATOMS for part in value):
                raise Refused("a set holds numbers, text and flat tuples of those only")
        elif type(value) not in ATOMS:
            admit(value)
            raise Refused(f"a set cannot hold {name_of(value)!r}")
        count_hash(counts, value)
        if value not in found:
            room(len(found) + 1, "a set")
            found[value] = None
        elif type(value) is not str:
            counts[hash(value)] -= 1
    return Unique(found)


def count_hash(counts: dict[int, int], value: object) -> None:
    """Refuse a value whose hash too many others have."""
    if type(value) is str:
        return
    digest = hash(value)
    count = counts.get(digest, 0) + 1
    if count > SAME_HASH:
        raise Refused("too many numbers with one hash")
    counts[digest] = count


def mapping_of(meter: Meter, pairs: Iterable[tuple[object, object]]) -> dict[object, object]:
    """A new mapping, bounded, its keys text or numbers."""
    made: dict[object, object] = {}
    counts: dict[int, int] = {}
    for key, value in pairs:
        meter.spend(2)
        if type(key) not in KEYS:
            admit(key)
            raise Refused(f"a key is text or a number, not {name_of(key)!r}")
        if key not in made:
            count_hash(counts, key)
            if len(made) >= MAPPING:
                raise Refused(f"the mapping is too large (at most {MAPPING} keys)")
        made[key] = value
    return made


def weigh(meter: Meter, value: object, depth: int = 0) -> int:
    """What comparing the value costs at most, in steps; paid for while counting."""
    kind = type(value)
    if kind is str:
        weight = 1 + (len(value) >> 5)  # type: ignore[arg-type]
    elif kind is int:
        weight = 1 + (value.bit_length() >> 6)  # type: ignore[attr-defined]
    elif kind in ATOMS or kind is Earlier or kind is Lazy:
        weight = 1
    else:
        return _weigh_items(meter, value, depth)
    meter.spend(weight)
    return weight


def _weigh_items(meter: Meter, value: object, depth: int) -> int:
    if depth > DEPTH + 50:
        raise Refused("the value is nested too deeply")
    if type(value) is list or type(value) is tuple:
        meter.spend(1)
        return 1 + sum([weigh(meter, item, depth + 1) for item in value])
    if isinstance(value, Unique):
        meter.spend(len(value))
        return 1 + len(value)
    if isinstance(value, Mapping):
        total = 1
        for key in value:
            meter.spend(1)
            if len(value) > 64 and type(key) is not str and abs(key) >= 2**60:
                meter.spend(len(value))
            total += 1 + weigh(meter, value[key], depth + 1)
        return total
    return weigh(meter, admit(value), depth)


def plain_copy(meter: Meter, value: object, depth: int = 0, container: object = None) -> Plain:
    """A copy of the value that shares nothing with the scope.

    Raises:
        Refused: it is no plain data, or too large.
    """
    kind = type(value)
    if kind is str:
        _check_text(meter, value)  # type: ignore[arg-type]
        return value
    if kind is int:
        return whole(value)  # type: ignore[arg-type]
    if kind in ATOMS:
        return value
    if depth > DEPTH:
        raise Refused(f"the value is nested too deeply (at most {DEPTH} levels)")
    if kind is list or kind is tuple:
        size = len(value)  # type: ignore[arg-type]
        room(size)
        meter.spend(4 + 4 * size)
        copies = [plain_copy(meter, item, depth + 1, value) for item in value]  # type: ignore[attr-defined]
        return copies if kind is list else tuple(copies)
    if isinstance(value, Mapping):
        return _copy_mapping(meter, value, depth)
    if isinstance(value, Unique):
        raise Refused("a set cannot be a value", "make a list of it: sorted(...)")
    if isinstance(value, Earlier):
        room(len(value), "E")
        meter.spend(4 * len(value))
        return [plain_copy(meter, item, depth + 1, value) for item in value]
    if isinstance(value, Lazy):
        raise Refused("this can only be read key by key", "name the key that you need")
    return plain_copy(meter, admit(value, container), depth, container)


def _copy_mapping(meter: Meter, value: Mapping[object, object], depth: int) -> Plain:
    if len(value) > MAPPING:
        raise Refused(f"the mapping is too large (at most {MAPPING} keys)")
    meter.spend(4 + 8 * len(value))
    copy: dict[object, object] = {}
    for key in value:
        if type(key) is str:
            if key.startswith("__") or key.endswith("__"):
                raise Refused("a key must not begin or end with two underscores")
            _check_text(meter, key)
        elif type(key) not in KEYS:
            raise Refused(f"a key is text or a number, not {name_of(key)!r}")
        copy[key] = plain_copy(meter, value[key], depth + 1, value)
    return copy


def _check_text(meter: Meter, text: str) -> None:
    short(len(text))
    meter.spend(1 + (len(text) >> 3))
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refused("the text is not valid unicode: it holds a lone surrogate") from None
