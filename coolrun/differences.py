"""What experiments have in common, and what tells them apart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.experiment import Experiment
    from coolrun.plain import Plain

KEYS = 200  # keys of an experiment that are compared
_NOTHING = object()


def differences(
    experiments: Sequence[Experiment], ignored: Collection[str] = ()
) -> list[dict[str, Plain]]:
    """For every experiment its values, by dotted key, where not all have the same.

    Of a single experiment these are the values of its own. Keys that are `ignored`, that begin
    with an underscore, and the name tell nothing.
    """
    values = [dict(_leaves(experiment, {*ignored, "Name"})) for experiment in experiments]
    if len(experiments) == 1:
        own = {*experiments[0].own, *experiments[0].swept}
        keys = [key for key in values[0] if key in own or key.partition(".")[0] in own]
    else:
        keys = [
            key for key in dict.fromkeys(k for one in values for k in one) if _differ(key, values)
        ]
    return [{key: one[key] for key in keys if key in one} for one in values]


def common(experiments: Sequence[Experiment]) -> dict[str, Plain]:
    """The values, by dotted key, that are the same in all of these experiments."""
    first, *others = (dict(_leaves(experiment, {"Name"})) for experiment in experiments)
    return {
        key: value
        for key, value in first.items()
        if all(same(one.get(key, _NOTHING), value) for one in others)
    }


def same(one: object, other: object) -> bool:
    """Whether two values are the same: 1, 1.0 and True are not, NaN and NaN are."""
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _differ(key: str, values: Sequence[Mapping[str, Plain]]) -> bool:
    first = values[0].get(key, _NOTHING)
    return any(not same(one.get(key, _NOTHING), first) for one in values)


def _leaves(experiment: Experiment, ignored: Collection[str]) -> Iterator[tuple[str, Plain]]:
    """Dotted keys and values, in order."""
    count = 0
    for key, value in experiment.items():
        if key in ignored or str(key).startswith("_"):
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
