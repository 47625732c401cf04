"""How large a file may be: bounds that belong to what is read."""

from __future__ import annotations

from typing import NamedTuple

# Text that a reader takes must be text that the writer can write, and the other way round.
DEPTH = 50
INT_DIGITS = 4300


class Limits(NamedTuple):
    """Bounds of one reading.

    `size` is in bytes, `scalar` in characters. `values` counts scalars and collections (an empty
    one or a tuple is one value); `aliases` counts `*name`, `copies` the values that those stand
    for, with long text as several. With `each`, size and these counts are bounds of every document,
    otherwise of the whole. Unquoted text of up to 64 characters is never too long.
    """

    size: int
    documents: int | None
    values: int
    aliases: int
    copies: int
    scalar: int
    depth: int = DEPTH
    each: bool = False


DEFINITION = Limits(
    size=64 * 1024 * 1024,
    documents=100_001,
    values=20_000_000,
    aliases=100_000,
    copies=1_000_000,
    scalar=1024 * 1024,
)

LOG = Limits(
    size=64 * 1024 * 1024,
    documents=None,
    values=4_000_000,
    aliases=10_000,
    copies=200_000,
    scalar=16 * 1024 * 1024,
    each=True,
)
