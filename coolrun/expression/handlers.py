"""The handlers that replace asteval's own, one for each part of the language."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .comparisons import COMPARE, hashable, lookup_cost
from .earlier import Earlier
from .formats import ascii_of, formatted, text_of
from .functions import BUILTINS, TAKES_FUNCTION, TAKES_KEY, Callback, Function
from .guard import LIST, Lazy, Meter, Missing, Needs, Refused, Unresolved, printable
from .mathematics import CONSTANTS, FUNCTIONS
from .methods import method_of
from .operators import BINARY, UNARY
from .plugged import call_plugged
from .values import KNOWN, Unique, admit, is_mapping, mapping_of, name_of, room, short, unique

Levels = Sequence[Mapping[str, object]]
_ABSENT: Final = object()

_NODES: Final[tuple[type[ast.AST], ...]] = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.List, ast.Tuple),
    *(ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.JoinedStr, ast.FormattedValue, ast.ListComp, ast.SetComp, ast.GeneratorExp),
    *(ast.DictComp, ast.Call),
)


class Handlers(Meter):
    """Evaluates checked trees: every node costs a step, every operation what it builds.

    Mixed into asteval's `Interpreter`, whose node handlers it sets. `symtable` holds the names
    of comprehensions and lambdas; `levels` the scope, the deepest first.
    """

    symtable: dict[str, object]
    node_handlers: dict[str, Callable[[Any], Any]]
    set_nodehandler: Callable[..., object]

    def __init__(self, functions: Mapping[str, Callable[..., object]]) -> None:
        super().__init__(symtable={}, use_numpy=False, minimal=True)  # type: ignore[call-arg]
        self.node_handlers.clear()
        for node in _NODES:
            self.set_nodehandler(node.__name__.lower())
        self._handlers = {node: self.node_handlers[node.__name__.lower()] for node in _NODES}
        self.symtable = {}
        self.levels: Levels = ()
        self.functions: dict[str, Function] = {**FUNCTIONS, **BUILTINS}
        for name, function in functions.items():
            self.functions[name] = call_plugged(name, function)

    def compute(self, body: ast.expr, levels: Levels, steps: int) -> object:
        """The value of a checked tree, still sharing with the scope what it read from there."""
        before = self.symtable, self.levels, self.left
        self.symtable, self.levels, self.left = {}, levels, steps
        try:
            return self.run(body)
        finally:
            self.symtable, self.levels, _ = before

    def run(
        self, node: Any, expr: object = None, lineno: object = None, *, with_raise: bool = True
    ) -> Any:
        self.left -= 1
        if self.left < 0:
            self.spend(0)
        return self._handlers[node.__class__](node)

    def on_constant(self, node: ast.Constant) -> Any:
        return node.value

    def on_name(self, node: ast.Name) -> object:
        name = node.id
        value = self._known(name)
        if value is not _ABSENT:
            return value
        if name in self.functions:
            raise Refused(f"{name} is a function, not a value", f"call it: {name}(...)")
        raise Missing(f"{name!r} is unknown", name, None, None)

    def _known(self, name: str) -> object:
        if name in self.symtable:
            return self.symtable[name]
        levels = self.levels[-1:] if name == "E" else self.levels
        for level in levels:
            if name in level:
                value = level[name]
                if type(value) in KNOWN:
                    return value
                if isinstance(value, Unresolved):
                    if not value.wanted:
                        continue
                    raise Needs(value)
                value = admit(value, level)
                return Lazy(value) if isinstance(value, Mapping) else value
        return CONSTANTS.get(name, _ABSENT)

    def on_attribute(self, node: ast.Attribute) -> object:
        value = self.run(node.value)
        key = node.attr
        if type(value) is dict or isinstance(value, Mapping | Lazy):
            return self._item(value, key, node.value)
        cure = f"write E[-1].{key}" if type(value) is Earlier else "only mappings have keys"
        raise Refused(f"{name_of(value)!r} has no keys, so no {key!r}", cure)

    def on_subscript(self, node: ast.Subscript) -> object:
        value = self.run(node.value)
        index = self.run(node.slice)
        kind = type(value)
        if kind is dict or isinstance(value, Mapping | Lazy):
            return self._item(value, index, node.value)
        if kind is Earlier:
            if type(index) is str:
                self.spend(value.search_steps())
            return admit(value[index])
        if kind not in (list, tuple, str):
            raise Refused(f"{name_of(value)!r} has no items")
        if type(index) is slice:
            part = value[index]
            self.spend(1 + (len(part) >> 3))
            room(0 if kind is str else len(part))
            return part
        if type(index) is not int and type(index) is not bool:
            raise Refused(f"a list is indexed by whole numbers, not by {name_of(index)!r}")
        if not -len(value) <= index < len(value):
            raise Refused(f"index out of range: {_source(node.value)} has {len(value)} items")
        return admit(value[index], value)

    def _item(self, mapping: Any, key: Any, owner: ast.expr) -> object:
        if type(mapping) is Lazy:
            mapping = mapping.mapping
            try:
                return admit(mapping[key], mapping)
            except KeyError:
                pass
        elif hashable(key):
            lookup_cost(self, mapping, key)
            if key in mapping:
                value = mapping[key]
                return value if type(value) in KNOWN else admit(value, mapping)
        else:
            raise Refused(f"{name_of(key)!r} cannot be a key")
        shown = printable(repr(key), 60) if type(key) in (str, int, float, bool) else "that key"
        raise Missing(f"{_source(owner)} has no key {shown}", key, _source(owner), mapping)

    def on_slice(self, node: ast.Slice) -> slice:
        parts = [None if n is None else self.run(n) for n in (node.lower, node.upper, node.step)]
        for part in parts:
            if part is not None and type(part) is not int and type(part) is not bool:
                raise Refused("a slice is made of whole numbers")
        return slice(*parts)

    def on_list(self, node: ast.List) -> list[object]:
        return [self.run(item) for item in node.elts]

    def on_tuple(self, node: ast.Tuple) -> tuple[object, ...]:
        return tuple([self.run(item) for item in node.elts])

    def on_set(self, node: ast.Set) -> Unique:
        return unique(self, [self.run(item) for item in node.elts])

    def on_dict(self, node: ast.Dict) -> dict[object, object]:
        run = self.run
        pairs = zip(node.keys, node.values, strict=True)
        return mapping_of(self, [(run(key), run(value)) for key, value in pairs])

    def on_unaryop(self, node: ast.UnaryOp) -> object:
        return UNARY[node.op.__class__](self, self.run(node.operand))

    def on_binop(self, node: ast.BinOp) -> object:
        return BINARY[node.op.__class__](self, self.run(node.left), self.run(node.right))

    def on_boolop(self, node: ast.BoolOp) -> object:
        wanted = node.op.__class__ is ast.Or
        value = None
        for part in node.values:
            value = self.run(part)
            if bool(value) is wanted:
                break
        return value

    def on_compare(self, node: ast.Compare) -> bool:
        left = self.run(node.left)
        for operator, comparator in zip(node.ops, node.comparators):  # noqa: B905 (hot)
            right = self.run(comparator)
            if not COMPARE[operator.__class__](self, left, right):
                return False
            left = right
        return True

    def on_ifexp(self, node: ast.IfExp) -> object:
        return self.run(node.body if self.run(node.test) else node.orelse)

    def on_joinedstr(self, node: ast.JoinedStr) -> str:
        parts = [self.run(part) for part in node.values]
        size = sum([len(part) for part in parts])
        short(size)
        self.spend(size >> 5)
        return "".join(parts)

    def on_formattedvalue(self, node: ast.FormattedValue) -> str:
        value = self.run(node.value)
        if node.conversion != -1:
            value = text_of(self, value, shown=node.conversion != 115)
            if node.conversion == 97:
                value = ascii_of(value)
        if node.format_spec is None:
            return text_of(self, value)
        return formatted(self, value, self.run(node.format_spec))

    def on_listcomp(self, node: Any) -> list[object]:
        made: list[object] = []

        def emit() -> None:
            room(len(made) + 1)
            made.append(self.run(node.elt))

        self._comprehend(node.generators, emit)
        return made

    on_generatorexp = on_listcomp

    def on_setcomp(self, node: ast.SetComp) -> Unique:
        return unique(self, self.on_listcomp(node))

    def on_dictcomp(self, node: ast.DictComp) -> dict[object, object]:
        made: list[tuple[object, object]] = []

        def emit() -> None:
            if len(made) >= LIST:
                raise Refused("the mapping is too large")
            made.append((self.run(node.key), self.run(node.value)))

        self._comprehend(node.generators, emit)
        return mapping_of(self, made)

    def _comprehend(self, generators: list[ast.comprehension], emit: Callable[[], None]) -> None:
        saved = self.symtable
        self.symtable = dict(saved)
        try:
            self._loop(generators, 0, emit)
        finally:
            self.symtable = saved

    def _loop(
        self, generators: list[ast.comprehension], depth: int, emit: Callable[[], None]
    ) -> None:
        generator = generators[depth]
        last = depth == len(generators) - 1
        source = self.run(generator.iter)
        for item in _each(source):
            self.left -= 1
            self._bind(generator.target, item if type(item) in KNOWN else admit(item, source))
            for condition in generator.ifs:
                if not self.run(condition):
                    break
            else:
                if last:
                    emit()
                else:
                    self._loop(generators, depth + 1, emit)

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.symtable[target.id] = value
            return
        names = target.elts  # type: ignore[attr-defined]
        if type(value) not in (list, tuple) or len(value) != len(names):
            raise Refused(f"each item must be a list or tuple of {len(names)} values")
        for name, part in zip(names, value, strict=True):
            self._bind(name, admit(part, value))

    def on_call(self, node: ast.Call) -> object:
        target = node.func
        if target.__class__ is ast.Name:
            name = target.id
            call = self._function(name)
            arguments = [self.run(part) for part in node.args[name in TAKES_FUNCTION :]]
            if name in TAKES_FUNCTION and node.args:
                arguments.insert(0, self._callback(node.args[0]))
        else:
            owner = self.run(target.value)  # type: ignore[attr-defined]
            name = target.attr  # type: ignore[attr-defined]
            if is_mapping(owner) and name in owner:
                raise Refused(f"{name!r} is a key here, so it cannot be called")
            method = method_of(owner, name)
            call = method
            arguments = [owner, *[self.run(part) for part in node.args]]
        named: dict[str, object] = {}
        for keyword in node.keywords:
            word = str(keyword.arg)
            if word in named:
                raise Refused(f"{word}= is given twice")
            value = keyword.value
            callback = isinstance(value, ast.Lambda) or (word == "key" and name in TAKES_KEY)
            named[word] = self._callback(value) if callback else self.run(value)
        try:
            return call(self, *arguments, **named)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                raise Refused(f"{name}() was given the wrong number or kind of arguments") from None
            raise

    def _function(self, name: str) -> Function:
        if self._known(name) is not _ABSENT:
            if name in self.functions:
                raise Refused(
                    f"{name!r} is a key here and hides the function {name}()", "rename the key"
                )
            raise Refused(f"{name!r} is a value, so it cannot be called")
        function = self.functions.get(name)
        if function is None:
            raise Missing(f"the function {name!r} is unknown", name, None, None)
        return function

    def _callback(self, node: ast.expr) -> object:
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        if isinstance(node, ast.Lambda):
            return Callback(self._lambda(node))
        if isinstance(node, ast.Name):
            function = self._function(node.id)
            return Callback(lambda value: self._paid(function, value))
        raise Refused("a function is expected here", "name one, or write key=lambda x: ...")

    def _paid(self, function: Function, value: object) -> object:
        self.spend(1)
        return function(self, value)

    def _lambda(self, node: ast.Lambda) -> Callable[[object], object]:
        name = node.args.args[0].arg

        def call(value: object) -> object:
            saved = self.symtable
            self.symtable = {**saved, name: admit(value)}
            try:
                return self.run(node.body)
            finally:
                self.symtable = saved

        return call


def _each(source: Any) -> Any:
    kind = type(source)
    if kind in (list, tuple, str, dict, Earlier) or isinstance(source, Mapping):
        return source
    if kind is Unique:
        return source.items
    raise Refused(f"{name_of(source)!r} has no items to go through")


def _source(node: ast.expr) -> str:
    """How a part of the expression was written."""
    return printable(ast.unparse(node), 60)
