"""Which keys of a record an expression can read at all."""

from __future__ import annotations

import ast
from typing import TypeGuard


def names_of(text: str) -> set[str] | None:
    """The top-level keys that the expression may look up; None: any.

    Args:
        text: an expression that the guard has accepted.
    """
    body = ast.parse(text.strip(), mode="eval").body
    if not isinstance(body, ast.Lambda):
        return {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
    record = body.args.args[0].arg
    names: set[str] = set()
    understood = 0
    for node in ast.walk(body.body):
        if isinstance(node, ast.Subscript) and _is(node.value, record):
            # exp['key']
            if not _text(node.slice, names):
                return None
            understood += 1
        elif isinstance(node, ast.Attribute) and _is(node.value, record):
            # exp.key; a method's name is looked up as a key first
            names.add(node.attr)
            understood += 1
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            # 'key' in exp
            if isinstance(node.ops[0], (ast.In, ast.NotIn)) and _is(node.comparators[0], record):
                if not _text(node.left, names):
                    return None
                understood += 1
        elif _is_method(node, record) and not _gets(node, names):
            # exp.get('key', default) is plain; any other method may look at all of it
            return None
    seen = sum(
        1 for node in ast.walk(body.body) if isinstance(node, ast.Name) and node.id == record
    )
    return names if seen == understood else None


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_method(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and _is(node.func.value, name)
    )


def _gets(node: ast.Call, names: set[str]) -> bool:
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    return method == "get" and bool(node.args) and _text(node.args[0], names)


def _text(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        names.add(node.value)
        return True
    return False
