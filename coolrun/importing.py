"""Python modules by their dotted names: importing them, and finding them without importing."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def make_importable(folder: Path) -> None:
    """Let modules in this folder be imported, before all others of their name."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def import_object(names: Sequence[str]) -> object:
    """What a dotted path stands for, importing modules as far as it needs: `torch.optim.SGD`.

    Raises:
        ImportError: a module of the path cannot be imported.
        AttributeError: an object of the path has no such attribute.
    """
    found: object = sys.modules.get(names[0]) or import_module(names[0])
    for number, name in enumerate(names[1:], start=2):
        if hasattr(found, name):
            found = getattr(found, name)
        elif isinstance(found, ModuleType) and hasattr(found, "__path__"):
            found = import_module(".".join(names[:number]))
        else:
            # Says what is missing in Python's own words.
            found = getattr(found, name)
    return found


@dataclass(frozen=True)
class Missing:
    """A module that is not there: the first part that was not found, and where it was sought.

    There are no places where the part before it is no package.
    """

    name: str
    places: tuple[str, ...]

    def nearest(self) -> str | None:
        """A name that is there and looks like the missing one."""
        import difflib

        parent, _, tail = self.name.rpartition(".")
        near = difflib.get_close_matches(tail, sorted(_names_in(self.places)), n=1)
        return f"{parent}.{near[0]}".lstrip(".") if near else None


@dataclass(frozen=True)
class Found:
    """A module that is there; `file` is its source, if it has one that can be read.

    `is_folder`: a folder without an `__init__.py`, in which nothing is defined.
    """

    name: str
    file: Path | None
    is_folder: bool = False


def find_module(name: str, folder: Path) -> Found | Missing:
    """Find a module as an import with `folder` on the path would, but import nothing.

    Packages may change where their modules are found when they are imported; such a module counts
    as found.
    """
    places: Sequence[str] = [str(folder), *sys.path]
    sought = ""
    spec: ModuleSpec | None = None
    for part in name.split("."):
        sought = f"{sought}.{part}".lstrip(".")
        parent = spec
        # A nested name would make PathFinder ask for its imported parent; the last part will do.
        spec = PathFinder.find_spec(part, places)
        if spec is None and parent is None:
            spec = _found_elsewhere(part)
        if spec is None:
            if parent is not None and _changes_path(parent):
                return Found(name, None)
            if sought in sys.modules:  # `os.path` is put there by hand
                return Found(name, None)
            first = places if parent is not None else places[:1]
            return Missing(sought, tuple(dict.fromkeys(os.path.abspath(p) for p in first)))
        places = list(spec.submodule_search_locations or ())
    is_folder = spec is not None and spec.origin is None and bool(places)
    return Found(name, _source_file(spec), is_folder)


def _found_elsewhere(name: str) -> ModuleSpec | None:
    """Ask built-in modules and the finders of editable installs."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None)
        if spec is not None:
            return spec
    return None


def _changes_path(package: ModuleSpec) -> bool:
    file = _source_file(package)
    return file is not None and b"__path__" in file.read_bytes()


def _source_file(spec: ModuleSpec | None) -> Path | None:
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    file = Path(spec.origin)
    return file if file.is_file() else None


def _names_in(places: Sequence[str]) -> set[str]:
    names = set()
    for place in places:
        if os.path.isdir(place):
            for entry in os.listdir(place):
                stem, suffix = os.path.splitext(entry)
                if suffix == ".py" or (not suffix and os.path.isdir(os.path.join(place, entry))):
                    names.add(stem)
    return names


@dataclass
class Contents:
    """What the source of a module defines at its top level.

    Attributes:
        functions: functions and the number of positional arguments they take; None: any number.
        names: every other name, whatever it stands for.
        is_open: names may appear that the source does not show (`import *`, `__getattr__`).
    """

    functions: dict[str, int | None] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    is_open: bool = False

    def may_have(self, name: str) -> bool:
        return self.is_open or name in self.functions or name in self.names


def read_contents(file: Path) -> Contents:
    """Read what a module defines, without running it.

    Raises:
        SyntaxError: the source is not Python.
    """
    import ast
    import warnings

    with warnings.catch_warnings():
        # They are shown when the module is imported.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(file.read_bytes(), str(file))
            # Some mistakes, such as a `return` outside of a function, are found only here.
            compile(tree, str(file), "exec", dont_inherit=True)
        except ValueError as error:
            raise SyntaxError(str(error), (str(file), None, None, None)) from error
    contents = Contents()
    left: list[ast.AST] = list(tree.body)
    while left:
        node = left.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = node.args
            count = None if arguments.vararg else len(arguments.posonlyargs + arguments.args)
            # A decorator may give the function other arguments.
            contents.functions[node.name] = None if node.decorator_list else count
        elif isinstance(node, ast.ClassDef):
            contents.names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                contents.names.add(alias.asname or alias.name.partition(".")[0])
        else:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                contents.names.add(node.id)
            left.extend(ast.iter_child_nodes(node))
    for inner in ast.walk(tree):
        names = getattr(inner, "names", ())
        if names and isinstance(names[0], str):  # a `global` statement; imports hold aliases
            contents.names.update(names)
        elif isinstance(inner, ast.Name) and inner.id in {"globals", "exec", "vars"}:
            contents.is_open = True
    contents.is_open |= "*" in contents.names or "__getattr__" in contents.functions
    return contents
