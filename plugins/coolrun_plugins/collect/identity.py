"""When two records are the same record."""

from __future__ import annotations

from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from coolrun.plain import ATOMS

if TYPE_CHECKING:
    from coolrun import Plain

_FIRST = itemgetter(0)


def digest(record: dict[Any, Plain]) -> str:
    """A text of 32 characters that two records share when they are identical.

    They have the same keys, in whatever order, with values that are equal and of the same type:
    1 is not 1.0, nor is it true.
    """
    return blake2b(_canonical(record).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _canonical(value: Plain) -> str:
    kind = type(value)
    if kind is dict:
        if ATOMS.issuperset(map(type, value.values())) and all(type(key) is str for key in value):
            return repr(sorted(value.items(), key=_FIRST))
        pairs = sorted((repr(key), _canonical(item)) for key, item in value.items())
        return "{" + ",".join([f"{key}:{item}" for key, item in pairs]) + "}"
    if kind is list or kind is tuple:
        opening = "[" if kind is list else "("
        return opening + ",".join(map(_canonical, value)) + ")"
    return repr(value)
