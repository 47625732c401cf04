"""Making columns fit the width of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from coolrun.display import cells, shortened
from coolrun_plugins.summary.rows import Column

_GAP = 2
_PADDING = 2  # that tabulate puts beside a heading
_CAPS = (24, 16, 12)
_LEAST = 8
_NAME = 16


def fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """The columns shortened, then left out where that is not enough; and who was left out.

    Parameters go before results, and both from the right: what was written first matters most.
    The first of each stays as long as another can go. Positions and STATUS always stay.
    """
    for cap in _CAPS:
        capped = [_capped(column, cap) for column in columns]
        if _total(capped) <= width:
            return capped, []
    kept = {place: _capped(column, _CAPS[-1]) for place, column in enumerate(columns)}
    for kind, least in (
        ("parameter", 2),
        ("result", 1),
        ("parameter", 0),
        ("time", 0),
        ("result", 0),
        ("name", 0),
    ):
        if kind == "name" and _total(list(kept.values())) > width:
            kept.update({p: _capped(c, _LEAST) for p, c in kept.items() if c.kind == "name"})
        while _total(list(kept.values())) > width:
            candidates = [place for place, column in kept.items() if column.kind == kind]
            if len(candidates) <= least:
                break
            del kept[candidates[-1]]
    left_out = [column.heading for place, column in enumerate(columns) if place not in kept]
    return list(kept.values()), left_out


def _capped(column: Column, cap: int) -> Column:
    if column.kind == "fixed":
        return column
    if column.kind == "name" and cap > _LEAST:
        cap = max(cap, _NAME)
    texts = [shortened(text, cap) for text in column.texts]
    return Column(column.kind, shortened(column.heading, cap), texts)


def _total(columns: Sequence[Column]) -> int:
    widest = [max([cells(c.heading) + _PADDING, *map(cells, c.texts)]) for c in columns]
    return sum(widest) + _GAP * (len(columns) - 1)
