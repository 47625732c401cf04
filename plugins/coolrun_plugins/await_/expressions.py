"""What is to be computed at launch, and what it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from coolrun import Experiment, ExpressionError, Marked
from coolrun_plugins.await_ import WORD

if TYPE_CHECKING:
    from coolrun.expression import Earlier
    from coolrun.plain import Plain

WORDS = ("parse", WORD)


def expressions_of(experiment: Experiment) -> dict[tuple[object, ...], Marked]:
    """What is to be computed at launch, if something in it awaits results: text by path."""
    own: dict[str, Plain] = {**experiment.defaults, **experiment.own}
    levels = (experiment.values_by_key, own) if experiment.pending else (experiment.values_by_key,)
    for level in levels:
        found = dict(_walk((), level))
        if any(marked.word == WORD for marked in found.values()):
            return found
    return {}


def _walk(path: tuple[object, ...], value: Plain) -> Iterator[tuple[tuple[object, ...], Marked]]:
    if isinstance(value, Marked):
        if value.word in WORDS:
            yield path, value
    elif isinstance(value, Mapping):
        for key in value:
            yield from _walk((*path, key), value[key])
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _walk((*path, number), item)


def indices_read(marked: Marked, earlier: Earlier) -> set[int]:
    """The places in `E` that an expression reads.

    Raises:
        ExpressionError: it is no expression, or there is no such experiment.
    """
    from coolrun.expression import ALL, dependencies

    read = dependencies(marked.expression)
    if not isinstance(read, frozenset):
        assert read is ALL
        return set(range(len(earlier)))
    indices = set()
    for key in read:
        if isinstance(key, str):
            index = earlier.position(key)
        else:
            index = key % len(earlier) if -len(earlier) <= key < len(earlier) else None
        if index is None:
            raise ExpressionError(
                f"there is no experiment E[{key!r}] before this one, in '{marked}'",
                cure="E holds the experiments above this one, and `--dry` numbers them",
            )
        indices.add(index)
    return indices
