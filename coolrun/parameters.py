"""What a module is given: the parameters of its experiment, and the place for its results."""

from __future__ import annotations

import sys
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import Any, TypeVar, cast

from coolrun.errors import CoolrunError
from coolrun.experiment import Experiment, dotted
from coolrun.plain import ATOMS, Plain
from coolrun.plainness import to_plain

__all__ = ["Parameters", "ReadOnlyError", "replace", "results", "to_plain", "unread"]

_Default = TypeVar("_Default")


class ReadOnlyError(CoolrunError, TypeError):
    """A module tried to change a value that the experiment gives."""


class MissingError(KeyError):
    """There is no such key; `args[0]` is the key."""

    def __str__(self) -> str:
        return str(self.args[-1])


class _State:
    """What a Parameters object knows besides its keys and values.

    given: the keys that the experiment gives; None in a copy, which belongs to who made it.
    reserved: the keys that the runner gives; setting them is no result and no error.
    path: where this mapping stands in the experiment; () is the experiment itself.
    """

    __slots__ = ("given", "on_result", "path", "read", "reserved")

    def __init__(
        self,
        given: frozenset[object] | None,
        path: tuple[object, ...],
        on_result: Callable[[str, object], None] | None,
        reserved: frozenset[object] = frozenset(),
    ) -> None:
        self.given = given
        self.reserved = reserved
        self.path = path
        self.on_result = on_result
        self.read: set[object] = set()


class Parameters(dict[Any, Any]):
    """The parameters of an experiment: a dict whose keys are attributes too.

    Given values cannot be changed. A new key is a result: `on_result(key, value)` is called the
    moment it is set. Nested mappings are Parameters without room for results; lists are the
    module's own copies. A key wins over a method of its name (`parameters.items`), except where
    the standard library or PyYAML asks for the method. What is read is remembered for `unread`.

    A copy (`copy`, `pickle`) belongs to who made it: it may be changed, and nothing that is set in
    it is recorded. It counts as having read everything.

    Args:
        values: what the experiment gives; copied. What the runner gives an Experiment may be set,
            as the record keeps the runner's value anyway.
        on_result: told about every result, and about keys of the runner that were set.
    """

    __slots__ = ("_state",)

    def __init__(
        self,
        values: Mapping[Any, Plain],
        on_result: Callable[[str, object], None] | None = None,
    ) -> None:
        _fill(self, values, (), on_result)

    # Reading

    def __getitem__(self, key: Any) -> Any:
        try:
            value = dict.__getitem__(self, key)
        except KeyError:
            raise MissingError(key, _missing(self, key)) from None
        _state(self).read.add(key)
        return value

    def __getattribute__(self, name: str) -> Any:
        if dict.__contains__(self, name) and not _is_reserved(name):
            return _get(self, name)
        return dict.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        if dict.__contains__(self, name):
            return _get(self, name)
        raise AttributeError(_missing(self, name))

    def __contains__(self, key: object) -> bool:
        _state(self).read.add(key)
        return dict.__contains__(self, key)

    # Not dict's own, or `**parameters` and `dict(parameters)` would pass `__getitem__` by.
    def __iter__(self) -> Iterator[Any]:
        return dict.__iter__(self)

    def __eq__(self, other: object) -> bool:
        _read_all(self)
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        _read_all(self)
        return dict.__ne__(self, other)

    __hash__ = None

    def __or__(self, other: Any) -> Any:
        _read_all(self)
        return dict.__or__(self, other)

    def __ror__(self, other: Any) -> Any:
        _read_all(self)
        return dict.__ror__(self, other)

    def __dir__(self) -> Iterable[str]:
        return {*dict.__dir__(self), *(key for key in dict.keys(self) if isinstance(key, str))}

    def get(self, key: Any, default: Any = None) -> Any:
        _state(self).read.add(key)
        return dict.get(self, key, default)

    def items(self) -> Any:
        _read_all(self)
        return cast("ItemsView[Any, Any]", dict.items(self))

    def values(self) -> Any:
        _read_all(self)
        return cast("ValuesView[Any]", dict.values(self))

    # Results

    def __setitem__(self, key: Any, value: object) -> None:
        if _refuses(self, key, value):
            raise _read_only(self, key)
        _set(self, key, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("__") and name.endswith("__"):
            dict.__setattr__(self, name, value)
        else:
            Parameters.__setitem__(self, name, value)

    def __delitem__(self, key: Any) -> None:
        if not dict.__contains__(self, key):
            raise MissingError(key, _missing(self, key))
        if key in (_state(self).given or ()):
            raise _read_only(self, key)
        dict.__delitem__(self, key)

    def __delattr__(self, name: str) -> None:
        if not dict.__contains__(self, name):
            raise AttributeError(_missing(self, name))
        Parameters.__delitem__(self, name)

    def __ior__(self, other: Any) -> Parameters:
        Parameters.update(self, other)
        return self

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several results. All new ones are kept, also when another one is refused."""
        refused = []
        for key, value in dict(*args, **kwargs).items():
            if _refuses(self, key, value):
                refused.append(key)
            else:
                _set(self, key, value)
        if refused:
            raise _read_only(self, refused[0])

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if not dict.__contains__(self, key):
            Parameters.__setitem__(self, key, default)
        return _get(self, key)

    def pop(self, key: Any, *default: Any) -> Any:
        if not dict.__contains__(self, key) and default:
            return default[0]
        value = _get(self, key)
        Parameters.__delitem__(self, key)
        return value

    def popitem(self) -> tuple[Any, Any]:
        key = next(reversed(self), None)
        if key is None:
            raise KeyError("there is no result to take")
        return key, Parameters.pop(self, key)

    def clear(self) -> None:
        """Remove all results."""
        state = _state(self)
        for key in list(dict.keys(self)):
            if key not in (state.given or ()) and key not in state.reserved:
                dict.pop(self, key, None)

    # Copies

    def copy(self) -> Parameters:
        """A shallow copy that may be changed and is not recorded."""
        import copy

        return copy.copy(self)

    def __reduce_ex__(self, protocol: object) -> Any:
        _read_all(self)
        return _free, (), None, None, iter(list(dict.items(self)))

    def __reduce__(self) -> Any:
        return Parameters.__reduce_ex__(self, 2)

    # What the runner asks

    def unread(self) -> list[str]:
        """The given parameters that were never read; `unread(parameters)` always works."""
        return unread(self)

    def results(self) -> dict[str, object]:
        """The results as they are now; `results(parameters)` always works."""
        return results(self)


class _HoldsKeys(Parameters):
    """Parameters with a key called `keys`.

    `dict(x)` and `**x` call the attribute `keys` unless x iterates as dict itself does. Here it
    does, so they work and cannot be noticed: everything counts as read.
    """

    __slots__ = ()
    __iter__ = dict.__iter__


def unread(parameters: Parameters) -> list[str]:
    """The given parameters that were never read, dotted (`optimizer.momentum`), in their order.

    Keys that begin with `_` are exempt. A nested mapping that was read, but no key of it, counts
    as handed over whole. Mappings inside lists count with their list.
    """
    state = _state(parameters)
    names = []
    for key, value in dict.items(parameters):
        if key not in (state.given or ()) or str(key).startswith("_"):
            continue
        if key not in state.read:
            names.append(dotted((*state.path, key)))
        elif isinstance(value, Parameters) and _state(value).read:
            names.extend(unread(value))
    return names


def results(parameters: Parameters) -> dict[str, object]:
    """The results as they are now, in the order in which they were first set."""
    given = _state(parameters).given
    if given is None:
        return {}
    others = given | _state(parameters).reserved
    return {_name(key): value for key, value in dict.items(parameters) if key not in others}


def replace(parameters: Parameters, path: tuple[object, ...], value: object) -> None:
    """Give the module another object at `path` than the experiment says.

    `path` holds keys and the positions in lists and tuples. The record still shows what the
    experiment says, and nothing counts as read.

    Raises:
        LookupError: there is nothing at this path.
    """
    _replaced(parameters, path, value)


def _replaced(container: Any, path: tuple[object, ...], value: object) -> Any:
    if not path:
        return value
    step: Any = path[0]
    if isinstance(container, Parameters):
        dict.__setitem__(
            container, step, _replaced(dict.__getitem__(container, step), path[1:], value)
        )
    elif isinstance(container, tuple):
        items = list(container)
        items[step] = _replaced(items[step], path[1:], value)
        return tuple(items)
    else:
        container[step] = _replaced(container[step], path[1:], value)
    return container


# Attributes of a Parameters object are its keys, so its own machinery goes through these.
_state: Callable[[Parameters], _State] = Parameters.__dict__["_state"].__get__
_set_state: Callable[[Parameters, _State], None] = Parameters.__dict__["_state"].__set__
_get = Parameters.__getitem__

_METHODS = frozenset(name for name in dir(dict) if not name.startswith("__"))
_LIBRARIES = sys.stdlib_module_names | {"yaml", "simplejson"}


def _fill(
    parameters: Parameters,
    values: Mapping[Any, Plain],
    path: tuple[object, ...],
    on_result: Callable[[str, object], None] | None = None,
) -> None:
    pairs = dict.items(values) if isinstance(values, dict) else values.items()
    for key, value in pairs:
        dict.__setitem__(parameters, key, _given(value, (*path, key)))
    reserved = frozenset(values.given) if isinstance(values, Experiment) else frozenset()
    given = frozenset(dict.keys(parameters)) - reserved
    _set_state(parameters, _State(given, path, on_result, reserved))
    _keep_unpacking(parameters)
    _teach_yaml()


def _given(value: Plain, path: tuple[object, ...]) -> Any:
    """A copy of what the experiment gives, its mappings being Parameters."""
    if isinstance(value, Mapping):
        nested = Parameters.__new__(Parameters)
        _fill(nested, value, path)
        return nested
    if type(value) is list:
        return [_given(item, (*path, number)) for number, item in enumerate(value)]
    if type(value) is tuple:
        return tuple(_given(item, (*path, number)) for number, item in enumerate(value))
    return value


def _free() -> Parameters:
    """An empty one that belongs to whoever fills it."""
    parameters = Parameters.__new__(Parameters)
    _set_state(parameters, _State(None, (), None))
    return parameters


def _set(parameters: Parameters, key: object, value: object) -> None:
    state = _state(parameters)
    if key in (state.given or ()):
        return  # `_refuses` has found that nothing changes.
    dict.__setitem__(parameters, key, value)
    if key == "keys":
        _keep_unpacking(parameters)
    if state.on_result is not None:
        state.on_result(_name(key), value)


def _refuses(parameters: Parameters, key: object, value: object) -> bool:
    """Whether setting the key would change what the experiment gives."""
    state = _state(parameters)
    if state.given is None:
        return False
    if key in state.given:
        return not _is_same(dict.__getitem__(parameters, key), value)
    return bool(state.path)


def _is_same(given: object, value: object) -> bool:
    """Setting a given value to itself changes nothing: `exp.update(summary)` may do so."""
    if given is value:
        return True
    return type(given) is type(value) and type(given) in ATOMS and given == value


def _read_only(parameters: Parameters, key: object) -> ReadOnlyError:
    path = _state(parameters).path
    name = dotted((*path, key))
    given = dict.__contains__(parameters, key)
    what = f"{name!r} is given by the experiment and cannot be changed"
    if not given:
        what = f"{name!r} cannot be set: {dotted(path)!r} is given by the experiment"
    free = str(key).upper()
    if not path and free == key:
        free = f"NEW_{free}"
    return ReadOnlyError(
        what,
        cure=f"set results under a new key of the experiment itself, such as exp[{free!r}];"
        " copy.deepcopy(exp) gives a copy that may be changed",
    )


def _read_all(parameters: Parameters) -> None:
    state = _state(parameters)
    state.read.update(state.given or ())


def _keep_unpacking(parameters: Parameters) -> None:
    if dict.__contains__(parameters, "keys"):
        _read_all(parameters)
        object.__setattr__(parameters, "__class__", _HoldsKeys)


def _is_reserved(name: str) -> bool:
    """Whether the attribute is Python's own: `__class__`, or a method that a library asks for."""
    if name.startswith("__") and name.endswith("__"):
        return True
    if name not in _METHODS:
        return False
    # json calls `items` of a dict's subclass as an attribute, from a frame of its own. The frames
    # are: this one, `__getattribute__`, and who asks.
    asking = sys._getframe(2).f_globals.get("__name__", "")
    return asking.partition(".")[0] in _LIBRARIES


def _missing(parameters: Parameters, key: object) -> str:
    import difflib

    names = {str(name): name for name in dict.keys(parameters)}
    near = difflib.get_close_matches(str(key), names, n=1)
    hint = f"; did you mean {names[near[0]]!r}?" if near else ""
    path = _state(parameters).path
    where = repr(dotted(path)) if path else "the experiment"
    return f"{where} has no key {key!r}{hint}"


def _name(key: object) -> str:
    return str.__str__(key) if isinstance(key, str) else str(key)


def _teach_yaml() -> None:
    """Let PyYAML write Parameters as the mapping they are; its safe dumper knows exact dicts only.

    Does nothing unless PyYAML is there, as it is wherever a definition was read.
    """
    representer = sys.modules.get("yaml.representer")
    if representer is None or Parameters in representer.SafeRepresenter.yaml_multi_representers:
        return
    for kind in (representer.SafeRepresenter, representer.Representer):
        kind.add_multi_representer(
            Parameters,
            lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", dict.copy(data)),
        )
