"""What an expression reads from `E`, read off its text."""

from __future__ import annotations

import ast
from enum import Enum

from .allowed import checked
from .evaluator import refused
from .guard import Refused


class Every(Enum):
    """Stands for all the experiments before this one."""

    ALL = "all"


ALL = Every.ALL


def dependencies(text: str) -> frozenset[int | str] | Every:
    """The experiments that an expression reads: `E[-1]` is -1, `E['base']` is 'base'.

    `ALL` where `E` is used in any other way; an empty set where it is not used.

    Raises:
        ExpressionError: the text is no expression of the language.
    """
    try:
        tree = checked(text).body
    except Refused as error:
        raise refused(error, text) from None
    found: set[int | str] = set()
    plain = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            key = _literal(node.slice)
            if node.value.id == "E" and key is not None:
                found.add(key)
                plain.add(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "E" and node not in plain:
            return ALL
    return frozenset(found)


def _literal(node: ast.expr) -> int | str | None:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if isinstance(node, ast.UnaryOp) and negative else node
    if not isinstance(inner, ast.Constant):
        return None
    if type(inner.value) is int:
        return -inner.value if negative else inner.value
    return inner.value if isinstance(inner.value, str) and not negative else None
