"""`coolrun queue ls`: what waits and what tells it apart, in lines that fit a width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from coolrun import Config, DefinitionError, Source
from coolrun.differences import differences
from coolrun.display import cells, shortened, shown, visible

from .documents import experiment_of, values_of

if TYPE_CHECKING:
    from coolrun import Experiment

LOOKED_AT = 5000  # entries whose parameters are shown
COMPARED = 30  # of the others, so that what tells those apart is seen
NAME = 24  # columns
VALUE = 16
ENOUGH = 2  # parameters that a RUN_ID makes room for, where people look
GAP = "  "


class Listed(NamedTuple):
    """An entry of the list.

    Attributes:
        state: `waits`, `held`, or `new`: no session has taken it in yet.
        meta: what is known about it beyond its text.
    """

    number: int
    id: str
    name: str
    state: str
    text: str
    meta: Mapping[str, Any]


class Column(NamedTuple):
    heading: str
    texts: Sequence[str]
    width: int

    @classmethod
    def of(cls, heading: str, texts: Sequence[str]) -> Column:
        return cls(heading, texts, max(map(cells, [heading, *texts])))


def lines(entries: Sequence[Listed], config: Config, width: int, *, whole: bool) -> Iterator[str]:
    """The entries as columns. What does not fit is left out, and named.

    Args:
        whole: whether every line has its RUN_ID, however long it gets.
    """
    parameters = _parameters(entries, config)
    first = [
        Column.of("#", [f"{entry.number}".rjust(len(f"{len(entries)}")) for entry in entries]),
        Column.of("Name", [visible(shortened(entry.name, NAME)) for entry in entries]),
    ]
    states = ["" if entry.state == "waits" else entry.state for entry in entries]
    last = [Column.of("state", states)] if any(states) else []
    ids = (
        [Column.of("RUN_ID", [entry.id for entry in entries])] if any(e.id for e in entries) else []
    )
    fitting = _fitting(parameters, width - _total([*first, *last, *ids]))
    without: list[Column] = []
    if not whole and len(fitting) < min(ENOUGH, len(parameters)):
        ids, without = without, ids
        fitting = _fitting(parameters, width - _total([*first, *last]))
    yield from _table([*first, *fitting, *last, *ids])
    left_out = [column.heading for column in [*parameters[len(fitting) :], *without]]
    if left_out:
        yield shortened(f"(left out to fit the width: {', '.join(left_out)})", width)
    if len(entries) > LOOKED_AT:
        yield f"(parameters are shown of the first {LOOKED_AT:,} only)"


def _parameters(entries: Sequence[Listed], config: Config) -> list[Column]:
    """A column for every parameter in which entries differ."""
    rows, others = entries[:LOOKED_AT], entries[LOOKED_AT:]
    some = [*rows, *others[:: len(others) // COMPARED + 1]]
    # What the runner itself reads says how a run is run, not what it tries.
    ours = {key.name for key in config.parser.keys.values() if not key.runs}
    values = differences([_experiment(entry, config) for entry in some], ours)[: len(rows)]
    columns = []
    for key in dict.fromkeys(key for one in values for key in one):
        texts = [shown(one[key], VALUE) if key in one else "" for one in values]
        columns.append(Column.of(visible(shortened(key, NAME)), texts))
    return columns


def _experiment(entry: Listed, config: Config) -> Experiment:
    source = Source("", b"")
    try:
        values, _ = values_of(entry.text, "", 1, config)
    except DefinitionError:
        values = {}  # the session says what is wrong with it
    return experiment_of(values, entry.meta, source, 0)


def _fitting(parameters: Sequence[Column], room: int) -> list[Column]:
    fitting = []
    for column in parameters:
        room -= column.width + len(GAP)
        if room < 0:
            break
        fitting.append(column)
    return fitting


def _total(columns: Sequence[Column]) -> int:
    return sum(column.width + len(GAP) for column in columns) - len(GAP)


def _table(columns: Sequence[Column]) -> Iterator[str]:
    yield _line([column.heading for column in columns], columns)
    yield GAP.join("-" * column.width for column in columns)
    for number in range(len(columns[0].texts)):
        yield _line([c.texts[number] if number < len(c.texts) else "" for c in columns], columns)


def _line(texts: Sequence[str], columns: Sequence[Column]) -> str:
    padded = (t + " " * (c.width - cells(t)) for t, c in zip(texts, columns, strict=True))
    return GAP.join(padded).rstrip()
