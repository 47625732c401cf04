"""What the closing lists keep of a finished run: a little, as text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coolrun.differences import differences
from coolrun.display import duration, measured, shown, visible

if TYPE_CHECKING:
    from coolrun import Experiment, Record

RESULTS = 8  # results that are kept of a run
WIDTH = 24  # columns of a value


@dataclass(frozen=True)
class Row:
    """One finished run. The experiment is the plan's own and costs nothing."""

    experiment: Experiment
    results: tuple[tuple[str, str], ...]
    status: str
    elapsed: float

    @property
    def position(self) -> int:
        return self.experiment.position


def row_of(record: Record) -> Row:
    """What is kept of a record."""
    results: list[tuple[str, str]] = []
    for key, value in record.exit.results.items():
        if len(results) == RESULTS:
            break
        if not isinstance(value, (dict, list, tuple)):
            results.append((visible(str(key))[:WIDTH], measured(value, WIDTH)))
    return Row(record.run.experiment, tuple(results), str(record.status), record.exit.elapsed)


@dataclass(frozen=True)
class Column:
    """A heading and a text for every row. `kind` says what may be left out first."""

    kind: str  # fixed, name, parameter, result
    heading: str
    texts: Sequence[str]


def columns_of(rows: Sequence[Row], ignored: Collection[str] = ()) -> list[Column]:
    """Position, name, the parameters that differ, the results, STATUS, time.

    Keys that are `ignored`, and helpers such as `_dir`, are no parameters of the work.
    """
    parameters = differences([row.experiment for row in rows], ignored)
    names = [shown(row.experiment.name, 2 * WIDTH) for row in rows]
    made = [Column("fixed", "#", [str(row.position) for row in rows])]
    made.append(Column("name", "name", names))
    for key in dict.fromkeys(key for one in parameters for key in one):
        texts = [shown(p[key], WIDTH) if key in p else "" for p in parameters]
        made.append(Column("parameter", visible(key)[: 2 * WIDTH], texts))
    results = [dict(row.results) for row in rows]
    made += [
        Column("result", key, [one.get(key, "") for one in results])
        for key in dict.fromkeys(key for one in results for key in one)
    ]
    made.append(Column("fixed", "STATUS", [row.status for row in rows]))
    made.append(Column("time", "time", [duration(row.elapsed) for row in rows]))
    return made
