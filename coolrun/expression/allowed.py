"""The closed language: which trees are evaluated at all."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .guard import BITS, Refused, printable

if TYPE_CHECKING:
    from collections.abc import Callable

CHARACTERS = 2_000
NODES = 300
NESTING = 40

_CHILDREN: Final[dict[type[ast.AST], tuple[str, ...]]] = {
    ast.Constant: (),
    ast.Name: (),
    ast.Attribute: ("value",),
    ast.Subscript: ("value", "slice"),
    ast.Slice: ("lower", "upper", "step"),
    ast.List: ("elts",),
    ast.Tuple: ("elts",),
    ast.Set: ("elts",),
    ast.Dict: ("keys", "values"),
    ast.UnaryOp: ("operand",),
    ast.BinOp: ("left", "right"),
    ast.BoolOp: ("values",),
    ast.Compare: ("left", "comparators"),
    ast.IfExp: ("test", "body", "orelse"),
    ast.JoinedStr: ("values",),
    ast.FormattedValue: ("value", "format_spec"),
    ast.ListComp: ("elt", "generators"),
    ast.SetComp: ("elt", "generators"),
    ast.GeneratorExp: ("elt", "generators"),
    ast.DictComp: ("key", "value", "generators"),
    ast.comprehension: ("target", "iter", "ifs"),
    ast.Call: ("func", "args", "keywords"),
    ast.keyword: ("value",),
    ast.Lambda: ("body",),
}

_WORDS: Final[dict[str, str]] = {
    "Lambda": "a lambda stands only after key=",
    "Starred": "unpacking with * is not part of the language",
    "NamedExpr": "an expression cannot give a name to a value (:=)",
    "Yield": "an expression cannot yield",
    "YieldFrom": "an expression cannot yield",
}

# Only these make the parser warn, and a warning would be printed.
_MAY_WARN: Final = re.compile(r"\\|[0-9][A-Za-z_]")


class Checked(NamedTuple):
    """An expression that may be evaluated. `argument` is the name that a lambda gave its record."""

    body: ast.expr
    nodes: int
    argument: str | None = None


def checked(text: str, *, function: bool = False) -> Checked:
    """The tree of an expression, or of the whole `lambda name: ...` where `function` is set.

    Raises:
        Refused: it is no expression, too large, or outside the language.
    """
    body = _parsed(text)
    argument = None
    if function and isinstance(body, ast.Lambda):
        argument = _argument(body)
        body = body.body
    return Checked(body, _walk(body), argument)


def _parsed(text: str) -> ast.expr:
    if len(text) > CHARACTERS:
        raise Refused(f"the expression is too long (at most {CHARACTERS} characters)")
    text = text.strip()
    if not text:
        raise Refused("there is no expression")
    try:
        return _quietly(text, "eval").body  # type: ignore[attr-defined, no-any-return]
    except SyntaxError as error:
        raise _syntax(text, error) from None
    except (RecursionError, MemoryError):
        raise Refused("the expression is nested too deeply") from None
    except (UnicodeError, ValueError):
        raise Refused("the expression holds characters that cannot be read") from None


def _quietly(text: str, mode: str) -> ast.AST:
    if not _MAY_WARN.search(text):
        return ast.parse(text, mode=mode)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode=mode)


def _syntax(text: str, error: SyntaxError) -> Refused:
    reason = error.msg or "invalid syntax"
    if "was never closed" in reason:
        return Refused(reason, "close it; in [...] and {...} a comma ends the item: quote the item")
    try:
        _quietly(text, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Refused(printable(reason, 200), "it must be one Python expression")
    return Refused("a statement has no value", "write one expression; compare with ==")


def _walk(root: ast.expr) -> int:
    """Check every node without recursion, and count them."""
    count = 0
    stack: list[tuple[ast.AST, int]] = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        kind = node.__class__
        count += 1
        if count > NODES:
            raise Refused(f"the expression is too large (at most {NODES} parts)")
        if depth > NESTING:
            raise Refused(f"the expression is nested too deeply (at most {NESTING} levels)")
        fields = _CHILDREN.get(kind)
        if fields is None or kind is ast.Lambda:
            raise Refused(_WORDS.get(kind.__name__) or f"{kind.__name__} is not allowed")
        rule = _RULES.get(kind)
        if rule is not None:
            rule(node)
            if kind is ast.keyword and isinstance(node.value, ast.Lambda):  # type: ignore[attr-defined]
                stack.append((node.value.body, depth + 1))  # type: ignore[attr-defined]
                continue
        for field in fields:
            child = getattr(node, field)
            if child.__class__ is list:
                stack += [(item, depth + 1) for item in child]
            elif child is not None:
                stack.append((child, depth + 1))
    return count


def _name(name: str) -> None:
    if name.startswith("__") or name.endswith("__"):
        raise Refused("names with two underscores at either end do not exist")


def _check_constant(node: ast.Constant) -> None:
    kind = type(node.value)
    if kind is int:
        if node.value.bit_length() > BITS:  # type: ignore[union-attr]
            raise Refused(f"the number is too large (at most {BITS} bits)")
    elif kind not in (str, float, bool, type(None)):
        raise Refused(f"{kind.__name__} constants are not part of the language")


def _check_name(node: ast.Name) -> None:
    if "__" in node.id:
        _name(node.id)


def _check_attribute(node: ast.Attribute) -> None:
    if "__" in node.attr:
        _name(node.attr)


def _check_dict(node: ast.Dict) -> None:
    if None in node.keys:
        raise Refused("unpacking with ** is not part of the language", "join mappings with |")


def _check_binary(node: ast.BinOp) -> None:
    if isinstance(node.op, ast.MatMult):
        raise Refused("the operator @ is not part of the language")


def _check_comprehension(node: ast.comprehension) -> None:
    if node.is_async:
        raise Refused("async is not part of the language")
    targets: list[ast.expr] = [node.target]
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
        elif not isinstance(target, ast.Name):
            raise Refused("a comprehension gives its values to names only")
        elif target.id == "E":
            raise Refused("E is reserved for the experiments before this one")


def _check_call(node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name | ast.Attribute):
        raise Refused("only functions and methods can be called, by their names")


def _check_keyword(node: ast.keyword) -> None:
    if node.arg is None:
        raise Refused("unpacking with ** is not part of the language")
    _name(node.arg)
    if isinstance(node.value, ast.Lambda):
        if node.arg != "key":
            raise Refused(_WORDS["Lambda"])
        _argument(node.value)


def _argument(node: ast.Lambda) -> str:
    arguments = node.args
    if (
        len(arguments.args) != 1
        or arguments.posonlyargs
        or arguments.kwonlyargs
        or arguments.vararg
        or arguments.kwarg
        or arguments.defaults
    ):
        raise Refused("a lambda takes one plain argument")
    name = arguments.args[0].arg
    _name(name)
    if name == "E":
        raise Refused("E is reserved for the experiments before this one")
    return name


_RULES: Final[dict[type[ast.AST], Callable[[Any], None]]] = {
    ast.Constant: _check_constant,
    ast.Name: _check_name,
    ast.Attribute: _check_attribute,
    ast.Dict: _check_dict,
    ast.BinOp: _check_binary,
    ast.comprehension: _check_comprehension,
    ast.Call: _check_call,
    ast.keyword: _check_keyword,
}
