"""When two records are the same record."""

from __future__ import annotations

import marshal
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from coolrun.plain import ATOMS

if TYPE_CHECKING:
    from coolrun import Plain

_FIRST = itemgetter(0)
# The version that writes equal values of equal types alike, whatever else refers to them.
_VERSION = 2


def digest(record: dict[Any, Plain]) -> str:
    """A text of 32 characters that two records share when they are identical.

    They have the same keys, in whatever order, with values that are equal and of the same type:
    1 is not 1.0, nor is it true.
    """
    data = marshal.dumps(_canonical(record), _VERSION)
    return blake2b(data, digest_size=16).hexdigest()


def _canonical(value: Plain) -> Plain:
    kind = type(value)
    if kind is dict:
        if not ATOMS.issuperset(map(type, value.values())):
            value = {key: _canonical(item) for key, item in value.items()}
        if all(type(key) is str for key in value):
            return "mapping", sorted(value.items(), key=_FIRST)
        return "mapping", sorted(value.items(), key=_by_type)
    if kind is list or kind is tuple:
        return kind(map(_canonical, value))
    return value


def _by_type(pair: tuple[Any, Plain]) -> tuple[str, str]:
    return type(pair[0]).__name__, repr(pair[0])
