"""Where values are to be built, and how the expression of one is computed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any

from coolrun.errors import ExpressionError
from coolrun.experiment import dotted
from coolrun.importing import make_importable
from coolrun.parameters import replace
from coolrun.plain import Marked, Plain
from coolrun_plugins.solve import WORD
from coolrun_plugins.solve.names import names_for

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Plan
    from coolrun.parameters import Parameters

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
# Whoever calls these functions imports them too.
_CALLED = ("Module", "Run")


def check(plan: Plan) -> None:
    """Compile every expression of a plan.

    Raises:
        ExpressionError: one is no Python.
    """
    checked: set[str] = set()
    for experiment in plan.chosen:
        for path, marked in _find(experiment):
            if marked.expression not in checked:
                _compile(experiment, path, marked)
                checked.add(marked.expression)


def build(experiment: Experiment, parameters: Parameters, config: Config) -> None:
    """Put what each expression builds in its place, top to bottom.

    Raises:
        ExpressionError: one fails.
    """
    for path, marked in _find(experiment):
        make_importable(config.cwd)
        replace(parameters, path, _build(experiment, path, marked, parameters))


def _find(experiment: Experiment) -> Iterator[tuple[tuple[object, ...], Marked]]:
    """Every value to be built and its path, top to bottom."""
    for path, marked in _walk((), experiment.values_by_key):
        is_called = path[0] in _CALLED and len(path) == 1
        if not (is_called and _PATH.fullmatch(marked.expression.strip())):
            yield path, marked


def _walk(path: tuple[object, ...], value: Plain) -> Iterator[tuple[tuple[object, ...], Marked]]:
    if isinstance(value, Marked):
        if value.word == WORD:
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk((*path, key), item)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _walk((*path, number), item)


def _build(
    experiment: Experiment, path: tuple[object, ...], marked: Marked, parameters: Parameters
) -> object:
    tree, code = _compile(experiment, path, marked)
    try:
        names = names_for(tree, _levels(parameters, path))
        # The trust is that of the module itself, which runs next.
        return eval(code, names)  # noqa: S307
    except Exception as error:
        reason = error.message if isinstance(error, ExpressionError) else _reason(error)
        raise _failed(experiment, path, marked, reason) from error


def _compile(
    experiment: Experiment, path: tuple[object, ...], marked: Marked
) -> tuple[ast.Expression, CodeType]:
    text = marked.expression.strip()
    try:
        tree = ast.parse(text, "<solve>", "eval")
        return tree, compile(tree, f"<{dotted(path)}: {marked}>", "eval", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise _failed(experiment, path, marked, f"not a Python expression: {reason}") from error


def _failed(
    experiment: Experiment, path: tuple[object, ...], marked: Marked, reason: str
) -> Exception:
    return experiment.blame(ExpressionError(f"{str(marked)!r} failed: {reason}"), path)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _levels(parameters: Parameters, path: tuple[object, ...]) -> list[tuple[Any, object]]:
    """The mappings around a value, deepest first, each with the key that leads to the value."""
    levels: list[tuple[Any, object]] = []
    here: Any = parameters
    for step in path:
        if isinstance(here, Mapping):
            levels.insert(0, (here, step))
            here = dict.__getitem__(here, step) if isinstance(here, dict) else here[step]
        else:
            here = here[step]
    return levels
