"""Evaluate expressions: text and scope in, plain data out, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from coolrun.errors import CoolrunError, ExpressionError
from coolrun.plain import ATOMS, Plain

from .allowed import Checked, checked
from .causes import suggest
from .guard import (
    REASON,
    SHOWN,
    STEPS,
    STEPS_PER_EXPERIMENT,
    STEPS_PER_FILE,
    GuardError,
    Missing,
    MissingName,
    Needs,
    Refused,
    printable,
)
from .values import plain_copy

if TYPE_CHECKING:
    from .handlers import Levels

# Trees that are kept for the next time their text comes, counted in nodes.
KEPT_NODES = 20_000

Record = Mapping[str, object]
Scalar = None | bool | int | float | str


class Evaluator:
    """The guarded evaluator.

    Args:
        functions: functions that plugins add; they are given copies and must return plain data.
        experiments: how many experiments the file holds; its work may grow with them.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., object]] | None = None,
        *,
        experiments: int = 1,
    ) -> None:
        self._functions = dict(functions or {})
        self._interpreter: Any = None
        self._left = STEPS_PER_FILE + STEPS_PER_EXPERIMENT * experiments
        self._trees: dict[tuple[str, bool], Checked] = {}
        self._nodes = 0

    def grant(self) -> None:
        """Allow the work of one more experiment."""
        self._left += STEPS_PER_EXPERIMENT

    def evaluate(self, text: str, scope: Record) -> Plain:
        """The value of an expression: a copy of its own.

        Raises:
            ExpressionError: the expression is refused or fails; `Pending` where it read a value
                that is computed later, `MissingName` where a name or key does not exist.
        """
        try:
            return self.evaluate_in(text, (scope,))
        except MissingName as error:
            suggest(error, (scope,))
            raise
        except Needs:
            raise GuardError(_told("a value that is not resolved yet was read", text)) from None

    def evaluate_in(self, text: str, levels: Levels) -> Plain:
        """The same in several scopes, the deepest first. `E` is looked up in the last one."""
        return self._run(text, self._tree(text), levels)

    def predicate(self, text: str) -> Callable[[Record], Scalar]:
        """A test of one record: `lambda exp: exp.ACC > 0.9`, or `ACC > 0.9` over its keys.

        Raises:
            ExpressionError: the text is refused; the test itself raises it where it fails, and
                `MissingName` where the record lacks a name.
        """
        tree = self._tree(text, function=True)

        def test(record: Record) -> Scalar:
            value = self._run(text, tree, _levels(tree, record), grant=True)
            if type(value) not in ATOMS:
                raise GuardError(_told("the result must be true or false, or a scalar", text))
            return value  # type: ignore[no-any-return]

        return test

    def sort_key(self, text: str) -> Callable[[Record], Plain]:
        """A key to sort records by: a scalar or a flat tuple; None where a name is missing.

        Compare keys through `order`.
        """
        tree = self._tree(text, function=True)

        def key(record: Record) -> Plain:
            try:
                value = self._run(text, tree, _levels(tree, record), grant=True)
            except MissingName:
                return None
            flat = type(value) in (list, tuple) and all(type(part) in ATOMS for part in value)
            if not flat and type(value) not in ATOMS:
                raise GuardError(_told("a sort key is a scalar or a flat tuple", text))
            return tuple(value) if flat else value

        return key

    def _tree(self, text: str, *, function: bool = False) -> Checked:
        tree = self._trees.get((text, function))
        if tree is not None:
            return tree
        try:
            tree = checked(text, function=function)
        except Refused as error:
            raise refused(error, text) from None
        self._nodes += tree.nodes
        while self._nodes > KEPT_NODES and self._trees:
            oldest = next(iter(self._trees))
            self._nodes -= self._trees.pop(oldest).nodes
        self._trees[text, function] = tree
        return tree

    def _run(self, text: str, tree: Checked, levels: Levels, *, grant: bool = False) -> Plain:
        interpreter = self._interpreter
        if interpreter is None:
            from .interpreter import interpreter_class

            interpreter = self._interpreter = interpreter_class()(self._functions)
        if grant:
            self.grant()
        steps, outer = min(STEPS, self._left), interpreter.left
        try:
            value = interpreter.compute(tree.body, levels, steps)
            kind = type(value)
            if kind is float or kind is bool or value is None:
                return value
            return plain_copy(interpreter, value)
        except Needs:
            raise
        except ExpressionError as error:
            error.message = _told(error.message, text)
            error.args = (error.message,)
            raise error from None
        except Exception as failure:
            if interpreter.left < 0 and steps < STEPS:
                spent = Refused("the expressions of this file do too much work together")
                raise refused(spent, text) from None
            raise refused(failure, text) from None
        finally:
            self._left -= steps - max(interpreter.left, 0)
            interpreter.left = outer


def order(key: Plain) -> tuple[tuple[int, float, str], ...]:
    """A total order over what sort keys give: numbers, then text, what is missing last."""
    return tuple([_rank(part) for part in (key if type(key) is tuple else (key,))])


def _rank(part: Plain) -> tuple[int, float, str]:
    if isinstance(part, str):
        return 1, 0, part
    if part is None or part != part:
        return 2, 0, ""
    return 0, part, ""


def _levels(tree: Checked, record: Record) -> Levels:
    if type(record) is not dict:
        record = dict(record)
    return (record if tree.argument is None else {tree.argument: record},)


def refused(error: BaseException, text: str) -> GuardError:
    """The one kind of error that leaves the guard."""
    if isinstance(error, Missing):
        name = error.name if isinstance(error.name, str) else repr(error.name)
        missing = MissingName(
            _told(str(error), text), name=name, owner=error.owner, cure=error.cure
        )
        missing.container = error.container
        return missing
    if isinstance(error, Refused):
        return GuardError(_told(str(error), text), cure=error.cure)
    if isinstance(error, CoolrunError):
        return GuardError(_told(error.message, text), cure=error.cure)
    return GuardError(_told(_reason(error), text))


def _reason(error: BaseException) -> str:
    """What went wrong, without anything of the values that were at hand."""
    if isinstance(error, ZeroDivisionError):
        return "division by zero"
    if isinstance(error, OverflowError):
        return "the number is too large"
    if isinstance(error, RecursionError | MemoryError):
        return "the expression or its data are too large or too deeply nested"
    if isinstance(error, TypeError):
        return "values of these types do not go together"
    if isinstance(error, UnicodeError):
        return "the text is not valid unicode"
    if isinstance(error, ValueError) and str(error).startswith("math domain"):
        return "math domain error: no result for this number"
    return f"it failed with {type(error).__name__}"


def _told(reason: str, text: str) -> str:
    return f"{printable(reason, REASON)} in '{printable(text.strip(), SHOWN)}'"
