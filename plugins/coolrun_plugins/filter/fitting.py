"""Making a table fit the width of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from coolrun.display import cells, shortened

WIDTH = 40  # columns of a value where there is room
_CAPS = (WIDTH, 24, 16, 12, 8)
_GAP = 2
_PADDING = 2  # that tabulate puts beside a heading
_FIRST_OUT = ("RUN_ID", "STARTED", "HOST", "RND_IDX", "TIME_ELAPSED", "Repeat", "REP", "ATTEMPT")


class Column(NamedTuple):
    """A heading and a text for every row."""

    heading: str
    texts: Sequence[str]
    align: str = "left"

    def capped(self, cap: int) -> Column:
        texts = [shortened(text, cap) for text in self.texts]
        return Column(shortened(self.heading, cap), texts, self.align)

    @property
    def width(self) -> int:
        return max([cells(self.heading) + _PADDING, *map(cells, self.texts)])


def fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """The columns shortened, then left out where that is not enough; and who was left out.

    What the runner knows about a run goes first. Then those in the middle: the first were written
    by a person, and the last are results.
    """
    capped = list(columns)
    for cap in _CAPS:
        capped = [column.capped(cap) for column in columns]
        if _total([column.width for column in capped]) <= width:
            return capped, []
    widths = [column.width for column in capped]
    kept = list(range(len(columns)))
    while len(kept) > 1 and _total([widths[place] for place in kept]) > width:
        names = {columns[place].heading: place for place in kept}
        first = next((names[name] for name in _FIRST_OUT if name in names), None)
        kept.remove(kept[len(kept) // 2] if first is None else first)
    left_out = [column.heading for place, column in enumerate(columns) if place not in kept]
    return [capped[place] for place in kept], left_out


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)
