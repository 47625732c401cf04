"""The values of an experiment as a program gets them: the text of each argument."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, Marked
from coolrun.run import RECORD_KEYS

if TYPE_CHECKING:
    from coolrun import Config, Experiment
    from coolrun_plugins.command.template import Hole

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(-?\d+)\]")


def arguments(hole: Hole, experiment: Experiment, config: Config) -> list[str]:
    """What stands in the place of a placeholder that stands alone.

    Raises:
        DefinitionError: there is no such value, or no program can be given it.
    """
    if hole.kind == "all":
        return [
            argument
            for name, value in parameters(experiment, config)
            for argument in _flag(name, value)
        ]
    value = looked_up(hole.name, experiment)
    if hole.kind == "flag":
        return _flag(hole.name, value)
    return [text_of(item) for item in value] if _is_list(value) else [text_of(value)]


def text_inside(hole: Hole, experiment: Experiment) -> str:
    """What stands in the place of a placeholder that is a part of a word.

    Raises:
        DefinitionError: there is no such value, or it is several.
    """
    value = looked_up(hole.name, experiment)
    if _is_list(value):
        raise DefinitionError(
            f"{hole} is a list and a part of a word", cure="let it stand alone, or name one item"
        )
    return text_of(value)


def looked_up(name: str, experiment: Mapping[str, Any]) -> Any:
    """The value that `optimizer.lr` or `layers[0]` names.

    Raises:
        DefinitionError: there is none; the nearest name is told.
    """
    return _follow(name, experiment)[1]


def path_of(name: str, experiment: Mapping[str, Any]) -> tuple[Any, ...]:
    """The keys that lead to that value."""
    return _follow(name, experiment)[0]


def _follow(name: str, experiment: Mapping[str, Any]) -> tuple[tuple[Any, ...], Any]:
    if name in experiment:
        return (name,), experiment[name]
    path: tuple[Any, ...] = ()
    value: Any = experiment
    for match in _STEP.finditer(name):
        key, number = match[1], match[2]
        step: Any = int(number) if number else key
        if isinstance(value, Mapping):
            if step not in value and key is not None and key.isdecimal():
                step = int(key)
            if step not in value:
                raise _unknown(name, step, value, path)
        elif not _is_list(value) or not number or not -len(value) <= step < len(value):
            raise DefinitionError(f"{name!r} names nothing: {_joined(path)!r} has no {step!r}")
        value, path = value[step], (*path, step)
    return path, value


def _unknown(
    name: str, step: Any, value: Mapping[Any, Any], path: tuple[Any, ...]
) -> DefinitionError:
    from difflib import get_close_matches

    near = get_close_matches(str(step), [str(key) for key in value], n=1)
    where = f" in {_joined(path)!r}" if path else ""
    return DefinitionError(
        f"the command names {name!r}, and there is no parameter {step!r}{where}",
        cure=f"did you mean {near[0]!r}?"
        if near
        else f"give it a value, or write [[{name}]] or {{{{{name}}}}} for the brackets themselves",
    )


def _joined(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def parameters(experiment: Experiment, config: Config) -> Iterator[tuple[str, Any]]:
    """Every parameter that a program could want, dotted; helpers and coolrun's keys are none."""
    for key, value in experiment.parameters.items():
        if key.startswith("_") or config.declares_key(key) or key in RECORD_KEYS:
            continue
        yield from _leaves(key, value)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            if not str(key).startswith("_"):
                yield from _leaves(f"{name}.{key}", item)
    else:
        yield name, value


def _flag(name: str, value: Any) -> list[str]:
    flag = f"--{name}"
    if value is None or value is False:
        return []
    if value is True:
        return [_checked(flag)]
    texts = [text_of(item) for item in value] if _is_list(value) else [text_of(value)]
    return [_checked(flag), *texts]


def text_of(value: Any) -> str:
    """One value as one argument.

    Text stays as it is, numbers are written as in Python, `true`, `false` and `null` as in YAML;
    a mapping, or a list in a list, is JSON.

    Raises:
        DefinitionError: no program can be given it.
    """
    if isinstance(value, Marked):
        raise DefinitionError(
            f"{str(value)!r} is made in the process of a Python function only",
            cure="give the program a plain value",
        )
    if isinstance(value, str):
        return _checked(value)
    if isinstance(value, float):
        return repr(value)
    import json

    return _checked(json.dumps(value, ensure_ascii=False, default=str))


def _checked(text: str) -> str:
    if "\0" in text:
        raise DefinitionError("no program can be given text with a null character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DefinitionError("no program can be given half of a surrogate pair") from error
    return text


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
