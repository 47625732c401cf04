"""Putting swept values where `Grid` stands: into the experiment's own keys or the defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, Marked

if TYPE_CHECKING:
    from coolrun_plugins.grid.axes import Axis, Choice

MISSING: Any = object()


def laid(
    level: Mapping[str, Any],
    choices: Mapping[str, Sequence[Choice]],
    instead: Mapping[str, Mapping[str, Any]],
    base: Mapping[str, Any],
) -> dict[str, Any]:
    """The keys of a level with the swept ones in the place of what swept them.

    Args:
        level: own keys or defaults, as they are written.
        choices: the chosen values by the key that swept them.
        instead: what stands in the place of other keys that go.
        base: where a mapping comes from of which a part is swept.

    Raises:
        DefinitionError: a part is swept of something that is no mapping.
    """
    result: dict[str, Any] = {}
    for key, value in level.items():
        if key in choices:
            for choice in choices[key]:
                root = choice.axis.path[0]
                if root not in level:
                    result.setdefault(root, base.get(root))
        elif key in instead:
            result.update(instead[key])
        else:
            result[key] = value
    for chosen in choices.values():
        for choice in chosen:
            _put(result, choice)
    return result


def _put(mapping: dict[Any, Any], choice: Choice) -> None:
    *parents, last = choice.axis.path
    for part in parents:
        key = _key(mapping, part)
        inner = mapping.get(key)
        if inner is not None and not isinstance(inner, dict):
            raise DefinitionError(_no_mapping(choice.axis, key, inner))
        mapping[key] = dict(inner or {})  # it may be shared with other experiments
        mapping = mapping[key]
    mapping[_key(mapping, last)] = choice.value


def _no_mapping(axis: Axis, part: Any, value: Any) -> str:
    what = "computed later" if isinstance(value, Marked) else "no mapping"
    return f"{axis.key!r} cannot be swept: {part!r} is {what}"


def _key(mapping: Mapping[Any, Any], part: str) -> Any:
    """The key that a part of a dotted name means: in `save.20` it may be a number."""
    if part not in mapping and part.isdecimal() and int(part) in mapping:
        return int(part)
    return part


def found(mapping: Mapping[Any, Any], path: Iterable[Any]) -> Any:
    """The value at a path, or `MISSING`."""
    value: Any = mapping
    for part in path:
        if not isinstance(value, Mapping):
            return MISSING
        value = value.get(_key(value, part), MISSING)
    return value
