"""Why a name is not known where an expression stands, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from coolrun.plain import Marked

from .earlier import Earlier
from .functions import BUILTINS
from .guard import printable
from .mathematics import CONSTANTS, FUNCTIONS

if TYPE_CHECKING:
    from .guard import MissingName

Path = tuple[str | int, ...]

# Looking for a similar name is slow, and done only for an error.
_COMPARED = 2_000


def dotted(path: Path) -> str:
    """`("n", "x", 0)` as a person writes it: `n.x[0]`."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).lstrip(".")


def nearest(name: str, names: Iterable[object]) -> str | None:
    """A cure that names what was probably meant, None where nothing is close."""
    from difflib import get_close_matches

    known = [one for one in names if isinstance(one, str)][:_COMPARED]
    lowered = [one for one in known if one.lower() == name.lower()]
    close = lowered or get_close_matches(name, known, 1, 0.6)
    return f"did you mean {printable(close[0], 60)!r}?" if close else None


def suggest(
    error: MissingName,
    levels: Sequence[Mapping[str, object]],
    elsewhere: Iterable[str] = (),
) -> None:
    """Give an error about a missing name the nearest existing one as its cure.

    Args:
        levels: what is in scope.
        elsewhere: names that exist, and of which the next error says why they are not in scope.
    """
    if error.cure is not None:
        return
    if error.owner is None:
        names: list[object] = [name for level in levels for name in level]
        error.cure = (
            _inside(error.name, levels)
            or nearest(error.name, [*names, *BUILTINS, *FUNCTIONS, *CONSTANTS])
            or nearest(error.name, elsewhere)
        )
    elif isinstance(error.container, Earlier):
        error.cure = nearest(error.name, error.container.names())
    elif type(error.container) is dict or _is_experiment(error):
        error.cure = nearest(error.name, cast("Mapping[str, object]", error.container))


def _is_experiment(error: MissingName) -> bool:
    """Whether the key was looked for in `E[...]`; other mappings may be such that none lists."""
    owner = error.owner or ""
    return owner.startswith("E[") and owner.find("]") == len(owner) - 1


def _inside(name: str, levels: Sequence[Mapping[str, object]]) -> str | None:
    """A cure where the name is a key of a mapping that is in scope."""
    for level in levels:
        for key, value in level.items():
            if type(value) is dict and name in value and str(key).isidentifier():
                return f"it is inside {key}: write {key}.{name}"
    return None


def misplaced(
    name: str,
    path: Path,
    own: Mapping[str, object],
    defaults: Mapping[str, object],
) -> tuple[str, str] | None:
    """Reason and cure where a name exists in the definition, but not yet or not here."""
    source = own if path[0] in own else defaults
    here = dotted(path)
    for mapping, key, leaf in reversed(list(_around(source, path))):
        if name not in mapping:
            continue
        if name == key:
            if leaf:
                return (
                    f"{name!r} refers to itself",
                    f"give another key the value that {here} begins with",
                )
            continue
        found = mapping[name]
        if isinstance(found, Marked) and isinstance(key, str) and _mentions(found, key):
            return f"{name!r} and {key!r} need each other", "give one of them a value"
        if source is defaults:
            return (
                f"{name!r} is resolved after {here!r}",
                f"move {name} up: expressions of the default config are resolved top to bottom",
            )
        cure = f"{name} is defined below: move it up, or {here} below it"
        return f"{name!r} is defined below {here!r}", cure
    if source is own and name in defaults:
        return (
            f"{name!r} is in the default config only",
            f"{name} is in the default config only: write it here too or take E[-1].{name}",
        )
    return None


def _around(
    source: Mapping[str, object], path: Path
) -> Iterable[tuple[Mapping[str, object], str | int, bool]]:
    """Every mapping on the way to a value, the key that leads on, and whether it is the last."""
    current: object = source
    for depth, step in enumerate(path):
        if isinstance(current, Mapping):
            yield current, step, depth == len(path) - 1
            current = current.get(step)
        elif isinstance(current, list) and isinstance(step, int):
            current = current[step]
        else:
            return


def _mentions(text: Marked, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text.expression) is not None
