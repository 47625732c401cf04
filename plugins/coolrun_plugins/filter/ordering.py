"""Sorting: numbers, then text; what has no key stands last, in reverse as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun import Plain


def ordered(rows: Sequence[int], keys: Sequence[Plain], *, reverse: bool) -> list[int]:
    """The rows sorted by their keys; rows with equal keys stay as they were.

    Args:
        keys: a scalar or a flat tuple for every row, by row. In a tuple a missing part stands
            last as well, and a tuple that ends earlier first.
    """
    if not any(isinstance(keys[row], (tuple, list)) for row in rows):
        return _by_part(rows, keys, reverse=reverse)
    tuples = [tuple(key) if isinstance(key, (tuple, list)) else (key,) for key in keys]
    result = list(rows)
    for part in reversed(range(max(map(len, tuples)))):
        long = [row for row in result if len(tuples[row]) > part]
        short = [row for row in result if len(tuples[row]) <= part]
        column = [key[part] if len(key) > part else None for key in tuples]
        long = _by_part(long, column, reverse=reverse)
        result = long + short if reverse else short + long
    return result


def _by_part(rows: Sequence[int], keys: Sequence[Plain], *, reverse: bool) -> list[int]:
    present = [row for row in rows if not _is_missing(keys[row])]
    missing = [row for row in rows if _is_missing(keys[row])]
    if all(isinstance(keys[row], (int, float)) for row in present):
        present.sort(key=keys.__getitem__, reverse=reverse)
    else:
        ranks = {row: _rank(keys[row]) for row in present}
        present.sort(key=ranks.__getitem__, reverse=reverse)
    return present + missing


def _is_missing(key: Plain) -> bool:
    return key is None or key != key


def _rank(key: Plain) -> tuple[int, float, str]:
    return (1, 0, key) if isinstance(key, str) else (0, key, "")
