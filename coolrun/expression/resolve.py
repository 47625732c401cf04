"""Order and scope: which key is resolved when, and which names it sees."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from coolrun.plain import ATOMS, Marked, Plain

from .causes import Path, dotted, misplaced, suggest
from .guard import REASON, GuardError, MissingName, Needs, Pending, Unresolved, printable

if TYPE_CHECKING:
    from .earlier import Earlier
    from .evaluator import Evaluator

Levels = tuple[Mapping[str, object], ...]

_SHOWN = 8  # keys of a cycle
_NONE: frozenset[Any] = frozenset()  # Python makes each empty set anew


class Resolution(NamedTuple):
    """A resolved experiment.

    `values`: own keys, then the defaults, each in their order. `reads`: positions in `E` that
    were read. `pending`: dotted keys that wait for a value that is computed later.
    """

    values: dict[str, Plain]
    reads: frozenset[int]
    pending: frozenset[str]


def resolve(
    own: Mapping[str, Plain],
    defaults: Mapping[str, Plain],
    context: Mapping[str, Plain],
    earlier: Earlier,
    evaluator: Evaluator,
    *,
    word: str | Collection[str] = "parse",
    later: Collection[str] | Mapping[str, bool] = (),
    free_order: bool = False,
    looking: bool = False,
) -> Resolution:
    """Evaluate the expressions of one experiment.

    First its own keys, top to bottom; then the plain values of the defaults, all at once; then
    the expressions of the defaults, top to bottom. With `free_order` each when it is needed.

    Args:
        own: the experiment's own keys.
        defaults: the default's keys that are not in `own`.
        context: names that are known from the start; own keys hide them from where they stand.
            Mappings in it are read key by key; one may raise `Pending`.
        earlier: what `E` is.
        word: the first word (or words) of the texts to evaluate.
        later: first words of texts that stay as they are. Reading such a value makes the reader
            pending too, or is an error where `later` maps the word to False.
        looking: a value of an earlier experiment that is pending makes its reader pending too,
            since it may be known when the definition is run.

    Raises:
        ExpressionError: with `key` and, on a `GuardError`, `path`.
    """
    resolver = _Resolver(own, defaults, context, earlier, evaluator, word, later, looking=looking)
    earlier.reset()
    if free_order:
        resolver.by_need()
    else:
        resolver.top_to_bottom()
    reads, pending = frozenset(earlier.reads) or _NONE, frozenset(resolver.pending) or _NONE
    return Resolution(resolver.values, reads, pending)


class _Cell(Unresolved):
    """Where a value will stand, and the text that makes it."""

    __slots__ = ("container", "done", "key", "levels", "marked", "path")

    def __init__(
        self,
        container: dict[str, object] | list[object],
        key: str | int,
        marked: Marked,
        levels: Levels,
        path: Path,
    ) -> None:
        super().__init__()
        self.container = container
        self.key = key
        self.marked = marked
        self.levels = levels
        self.path = path
        self.done = False

    def fill(self, value: Plain) -> None:
        self.container[self.key] = value  # type: ignore[index]
        self.done = True


class _Resolver:
    def __init__(
        self,
        own: Mapping[str, Plain],
        defaults: Mapping[str, Plain],
        context: Mapping[str, Plain],
        earlier: Earlier,
        evaluator: Evaluator,
        word: str | Collection[str],
        later: Collection[str] | Mapping[str, bool],
        *,
        looking: bool,
    ) -> None:
        self.own = own
        self.defaults = defaults
        self.evaluator = evaluator
        self.looking = looking
        self.words = (word,) if isinstance(word, str) else tuple(word)
        self.later = later if isinstance(later, Mapping) else dict.fromkeys(later, True)
        self.values: dict[str, Plain] = {}
        self.levels: Levels = (self.values, {**context, "E": earlier})
        self.pending: set[str] = set()

    def top_to_bottom(self) -> None:
        self._reserved()
        for key, value in self.own.items():
            self._place(self.values, key, value, self.levels, (key,))
        for cell in self._plant(self.defaults):
            cell.fill(self._settled(cell))

    def by_need(self) -> None:
        self._reserved()
        cells = [*self._plant(self.own), *self._plant(self.defaults)]
        for cell in cells:
            cell.wanted = True
        for cell in cells:
            self._settle_by_need(cell)

    def _reserved(self) -> None:
        for keys in (self.own, self.defaults):
            if "E" in keys:
                error = GuardError(
                    "the key 'E' is reserved: it is the list of the experiments before this one",
                    key="E",
                    cure="choose another name",
                )
                error.path = ("E",)
                raise error

    def _place(
        self,
        container: dict[str, Plain],
        key: str,
        value: Plain,
        levels: Levels,
        path: Path,
    ) -> None:
        """Put a value where it belongs, so that what stands below can read it already."""
        kind = type(value)
        if kind in ATOMS or kind is tuple:
            container[key] = value
        elif kind is Marked:
            container[key] = self._evaluated(value, levels, path)
        elif kind is list:
            made: list[Plain] = []
            container[key] = made
            self._fill_list(made, value, levels, path)
        else:
            inner: dict[str, Plain] = {}
            container[key] = inner
            inside = (inner, *levels)
            for name, item in value.items():
                self._place(inner, name, item, inside, (*path, name))

    def _fill_list(self, made: list[Plain], items: list[Plain], levels: Levels, path: Path) -> None:
        slot: dict[str, Plain] = {}
        for index, item in enumerate(items):
            if type(item) in ATOMS:
                made.append(item)
            elif isinstance(item, Mapping):
                inner: dict[str, Plain] = {}
                made.append(inner)
                for name, part in item.items():
                    self._place(inner, name, part, (inner, *levels), (*path, index, name))
            else:
                self._place(slot, "", item, levels, (*path, index))
                made.append(slot[""])

    def _plant(self, source: Mapping[str, Plain]) -> list[_Cell]:
        """Copy all plain leaves, with a cell for every expression, in their order."""
        cells: list[_Cell] = []
        for key, value in source.items():
            self.values[key] = self._planted(self.values, key, value, self.levels, (key,), cells)
        return cells

    def _planted(
        self,
        container: dict[str, Plain] | list[Plain],
        key: str | int,
        value: Plain,
        levels: Levels,
        path: Path,
        cells: list[_Cell],
    ) -> object:
        kind = type(value)
        if kind in ATOMS or kind is tuple:
            return value
        if kind is Marked:
            cell = _Cell(container, key, value, levels, path)
            cells.append(cell)
            return cell
        if kind is list:
            made: list[Plain] = []
            for index, item in enumerate(value):
                made.append(self._planted(made, index, item, levels, (*path, index), cells))
            return made
        inner: dict[str, Plain] = {}
        inside = (inner, *levels)
        for name, item in value.items():
            inner[name] = self._planted(inner, name, item, inside, (*path, name), cells)
        return inner

    def _settled(self, cell: _Cell) -> Plain:
        return self._evaluated(cell.marked, cell.levels, cell.path)

    def _settle_by_need(self, first: _Cell) -> None:
        stack = [first]
        while stack:
            cell = stack[-1]
            if cell.done:
                stack.pop()
                continue
            cell.wanted = False
            try:
                cell.fill(self._evaluated(cell.marked, cell.levels, cell.path, by_need=True))
            except Needs as needed:
                cell.wanted = True
                if needed.cell in stack:
                    raise _cycle(stack, needed.cell) from None
                stack.append(cast("_Cell", needed.cell))

    def _evaluated(
        self, marked: Marked, levels: Levels, path: Path, *, by_need: bool = False
    ) -> Plain:
        if marked.word not in self.words:
            if self.later.get(marked.word):
                self.pending.add(dotted(path))
            return marked
        try:
            return self.evaluator.evaluate_in(marked.expression, levels)
        except Pending as error:
            self._check_pending(error, path)
            self.pending.add(dotted(path))
            return marked
        except Needs as needed:
            if by_need:
                raise
            raise _at(_order_error(needed.cell, path), path) from None
        except GuardError as error:
            if isinstance(error, MissingName):
                self._explain(error, levels, path)
            raise _at(error, path) from None

    def _check_pending(self, error: Pending, path: Path) -> None:
        """Only what is pending in this experiment makes its reader pending."""
        if (
            (self.looking and error.word in self.words)
            or not error.word
            or any(error.container is level for level in self.levels)
        ):
            known = True
        else:
            known = _holds(self.values, error.container)
        if not known:
            error.cure = f"read it with {error.word!r} too, when that experiment has ended"
            if not self.later.get(error.word, error.word in self.words):
                error.cure = "it exists only while that experiment runs"
            raise _at(error, path) from None
        if error.word and error.word not in self.words and not self.later.get(error.word):
            error.cure = f"a {error.word!r} value does not exist yet when expressions are resolved"
            raise _at(error, path) from None

    def _explain(self, error: MissingName, levels: Levels, path: Path) -> None:
        if error.owner is None:
            found = misplaced(error.name, path, self.own, self.defaults)
            if found is not None:
                reason, cure = found
                old = error.args[0].partition(" in '")[2]
                error.message = f"{printable(reason, REASON)} in '{old}"
                error.cure = printable(cure, REASON)
                error.args = (error.message,)
        elif error.owner.startswith("E[") and error.name.isupper():
            words = [word for word, pending in self.later.items() if pending]
            error.cure = "results do not exist yet when expressions are resolved" + (
                f": write {words[0]} instead of {self.words[0]}" if words else ""
            )
        suggest(error, levels, [n for n in (*self.own, *self.defaults) if n != path[0]])


def _at(error: GuardError, path: Path) -> GuardError:
    error.path = path
    error.at(key=dotted(path))
    return error


def _order_error(needed: Unresolved, path: Path) -> GuardError:
    name = dotted(cast("_Cell", needed).path)
    return GuardError(
        f"{name!r} is resolved after {dotted(path)!r}",
        cure=f"move {name} up: expressions are resolved top to bottom",
    )


def _cycle(stack: list[_Cell], needed: Unresolved) -> GuardError:
    start = next(i for i, cell in enumerate(stack) if cell is needed)
    names = [dotted(cell.path) for cell in stack[start:]]
    if len(names) == 1:
        message = f"{names[0]!r} refers to itself"
    else:
        # The first few are enough to find the others.
        shown = [*names[:_SHOWN], "...", names[-1]] if len(names) > _SHOWN + 1 else names
        message = printable(
            f"these keys need each other: {' -> '.join([*shown, names[0]])}", REASON
        )
    return _at(GuardError(message, cure="give one of them a value"), stack[start].path)


def _holds(value: object, wanted: object) -> bool:
    stack = [value]
    while stack:
        one = stack.pop()
        if one is wanted:
            return True
        if isinstance(one, dict):
            stack += one.values()
        elif isinstance(one, list):
            stack += one
    return False
