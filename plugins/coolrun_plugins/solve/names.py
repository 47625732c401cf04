"""What the names of an expression stand for."""

from __future__ import annotations

import ast
import builtins
from types import ModuleType
from typing import Any

from coolrun.errors import ExpressionError
from coolrun.importing import import_object
from coolrun.plain import Marked
from coolrun_plugins.solve import WORD


def names_for(tree: ast.AST, levels: list[tuple[Any, object]]) -> dict[str, Any]:
    """A value for every name of the expression: the experiment's, a built-in, or a module.

    In one dictionary, since lambdas and comprehensions see nothing else.
    """
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
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _level_with(name: str, levels: list[tuple[Any, object]]) -> Any:
    """The deepest mapping that has the name; a value does not see its own key."""
    return next((level for level, key in levels if name in level and name != key), None)


def _ready(level: Any, name: str) -> Any:
    value = level[name]
    if isinstance(value, Marked) and value.word == WORD:
        raise ExpressionError(f"{name!r} is built later than this key: move it up")
    return value


def _chains(tree: ast.AST) -> list[tuple[str, ...]]:
    """The dotted paths of an expression, longest first: (torch, optim, SGD)."""
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
