"""What the closing lists keep of a finished run: a little, as text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coolrun.display import duration, measured, shown, visible

if TYPE_CHECKING:
    from coolrun import Experiment, Plain, Record

RESULTS = 8  # results that are kept of a run
KEYS = 200  # keys of an experiment that are compared
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
    parameters = [dict(_leaves(row.experiment, ignored)) for row in rows]
    names = [shown(row.experiment.name, 2 * WIDTH) for row in rows]
    made = [Column("fixed", "#", [str(row.position) for row in rows])]
    made.append(Column("name", "name", names))
    for key in _differing(parameters, alone=rows[0].experiment if len(rows) == 1 else None):
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


def _differing(parameters: Sequence[Mapping[str, Plain]], alone: Experiment | None) -> list[str]:
    """The keys whose values are not the same in all rows; of a single row its own keys."""
    if alone is not None:
        own = {*alone.own, *alone.swept} - {"Name"}
        return [key for key in parameters[0] if key in own or key.partition(".")[0] in own]
    differ = []
    for key in dict.fromkeys(key for one in parameters for key in one):
        first = parameters[0].get(key, _NOTHING)
        if any(not _same(one.get(key, _NOTHING), first) for one in parameters):
            differ.append(key)
    return differ


_NOTHING = object()


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _leaves(experiment: Experiment, ignored: Collection[str]) -> Iterator[tuple[str, Plain]]:
    """Dotted keys and values, without those that are different for every run anyway."""
    count = 0
    for key, value in experiment.items():
        if key in {"Name", "RND_IDX"} or key in ignored or str(key).startswith("_"):
            continue
        for leaf in _inner(str(key), value):
            yield leaf
            count += 1
            if count == KEYS:
                return


def _inner(key: str, value: Plain) -> Iterator[tuple[str, Plain]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _inner(f"{key}.{name}", item)
    else:
        yield key, value
