"""Builds objects in the process of a run: `optimizer: solve torch.optim.SGD(**_kwds)`."""

from __future__ import annotations

import builtins
import re
from collections.abc import Generator, Iterator, Mapping
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl
from coolrun.errors import ExpressionError

if TYPE_CHECKING:
    import ast

    from coolrun.config import Config, Parser
    from coolrun.experiment import Experiment
    from coolrun.parameters import Parameters
    from coolrun.plain import Marked, Plain
    from coolrun.planning import Plan

WORD = "solve"
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
# Whoever calls these functions imports them too.
_CALLED = ("Module", "Run")


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_word(WORD, help="build a Python object in the process of the run: solve <Python>")


@hookimpl
def coolrun_check(plan: Plan) -> None:
    """Compile every expression, so that a slip of the pen is told before the first run."""
    checked: set[str] = set()
    for experiment in plan.chosen:
        for path, marked in _find(experiment):
            if marked.expression not in checked:
                _compile(experiment, path, marked)
                checked.add(marked.expression)


@hookimpl(wrapper=True)
def coolrun_execute(
    experiment: Experiment, parameters: Parameters, config: Config
) -> Generator[None, Any, Any]:
    from coolrun.importing import make_importable
    from coolrun.parameters import replace

    for path, marked in _find(experiment):
        make_importable(config.cwd)
        replace(parameters, path, _build(experiment, path, marked, parameters))
    return (yield)


def _find(experiment: Experiment) -> Iterator[tuple[tuple[object, ...], Marked]]:
    """Every value to be built and its path, top to bottom."""
    for path, marked in _walk((), experiment):
        is_called = path[0] in _CALLED and len(path) == 1
        if not (is_called and _PATH.fullmatch(marked.expression.strip())):
            yield path, marked


def _walk(path: tuple[object, ...], value: Plain) -> Iterator[tuple[tuple[object, ...], Marked]]:
    from coolrun.plain import Marked

    if isinstance(value, Marked):
        if value.word == WORD:
            yield path, value
    elif isinstance(value, Mapping):
        for key in value:
            yield from _walk((*path, key), value[key])
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _walk((*path, number), item)


def _build(
    experiment: Experiment, path: tuple[object, ...], marked: Marked, parameters: Parameters
) -> object:
    tree, code = _compile(experiment, path, marked)
    try:
        names = _names_for(tree, _levels(parameters, path))
        # The trust is that of the module itself, which runs next.
        return eval(code, names)  # noqa: S307
    except Exception as error:
        reason = error.message if isinstance(error, ExpressionError) else _reason(error)
        raise _failed(experiment, path, marked, reason) from error


def _compile(
    experiment: Experiment, path: tuple[object, ...], marked: Marked
) -> tuple[ast.Expression, CodeType]:
    import ast

    from coolrun.experiment import dotted

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


def _names_for(tree: ast.AST, levels: list[tuple[Any, object]]) -> dict[str, Any]:
    """A value for every name of the expression: the experiment's, a built-in, or a module.

    In one dictionary, since lambdas and comprehensions see nothing else.
    """
    import ast

    from coolrun.importing import import_object

    bound = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {node.id for node in _used(tree) if isinstance(node.ctx, ast.Store)}
    names: dict[str, Any] = {"__builtins__": builtins}
    for node in _used(tree):
        if node.id not in names:
            level = _level_with(node.id, levels)
            if level is not None:
                names[node.id] = _ready(level, node.id)
    for chain in _chains(tree):
        root = chain[0]
        if root in bound or hasattr(builtins, root) or _level_with(root, levels) is not None:
            continue
        _import_along(chain)
        names[root] = import_object(chain[:1])
    return names


def _used(tree: ast.AST) -> list[ast.Name]:
    import ast

    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _level_with(name: str, levels: list[tuple[Any, object]]) -> Any:
    """The deepest mapping that has the name; a value does not see its own key."""
    return next((level for level, key in levels if name in level and name != key), None)


def _ready(level: Any, name: str) -> Any:
    from coolrun.plain import Marked

    value = level[name]
    if isinstance(value, Marked) and value.word == WORD:
        raise ExpressionError(f"{name!r} is built later than this key: move it up")
    return value


def _chains(tree: ast.AST) -> list[tuple[str, ...]]:
    """The dotted paths of an expression, longest first: (torch, optim, SGD)."""
    import ast

    chains = []
    for node in ast.walk(tree):
        names: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            chains.append((inner.id, *reversed(names)))
    return sorted(set(chains), key=len, reverse=True)


def _import_along(chain: tuple[str, ...]) -> None:
    """Import the modules of a dotted path; what follows the last one is for the expression."""
    from coolrun.importing import import_object

    for length in range(1, len(chain) + 1):
        try:
            found = import_object(chain[:length])
        except ModuleNotFoundError as error:
            if error.name != chain[0]:
                raise
            message = f"{chain[0]!r} is no key above this one, no built-in name and no module"
            raise ExpressionError(message) from error
        if not isinstance(found, ModuleType):
            return
