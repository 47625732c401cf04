"""A function as a definition names it."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coolrun.errors import DefinitionError
from coolrun.plain import Marked

FORMS = "write it as 'modules.train', 'modules.train:function' or 'modules/train.py'"
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class Target:
    """A function as a definition names it.

    Attributes:
        names: the dotted path; of the module alone, or, if `is_whole`, of the function too.
        function: the function in the module; dotted if it is an attribute of something there.
        folder: where a module is found that is not below the current directory.
    """

    names: tuple[str, ...]
    function: str = "main"
    is_whole: bool = False
    folder: Path | None = None

    def __str__(self) -> str:
        return ".".join(self.names) + ("" if self.is_whole else f":{self.function}")

    def load(self) -> Any:
        """Import it.

        Raises:
            DefinitionError: the module has no such function.
        """
        from coolrun.importing import import_object, make_importable

        if self.folder is not None:
            make_importable(self.folder)
        if self.is_whole:
            found = import_object(self.names)
            return getattr(found, self.function) if _is_module(found) else found
        found = import_object((".".join(self.names),))
        for name in self.function.split("."):
            if not hasattr(found, name):
                raise DefinitionError(f"{'.'.join(self.names)!r} has no {name!r}")
            found = getattr(found, name)
        return found


def _is_module(found: object) -> bool:
    return isinstance(found, type(sys))


def is_expression(key: str, value: object) -> bool:
    """Whether the function is to be built first, by whoever builds objects."""
    return (
        key == "Run"
        and isinstance(value, Marked)
        and not _DOTTED.fullmatch(value.expression.strip())
    )


def read_target(key: str, value: object, cwd: Path) -> Target:
    """What the value of a key names.

    Raises:
        DefinitionError: it cannot be the name of a function.
    """
    if not isinstance(value, str) or not value.strip():
        raise DefinitionError(
            f"invalid {key} {value!r} (expected the name of a module)", cure=FORMS
        )
    text = (value.expression if isinstance(value, Marked) else value).strip()
    name, _, function = text.partition(":")
    if key == "Run" and not function and _DOTTED.fullmatch(name):
        return Target(tuple(name.split(".")), is_whole=True)
    function = function.strip() or "main"
    name = name.strip()
    if not _DOTTED.fullmatch(function):
        raise DefinitionError(f"invalid function name {function!r} in {text!r}", cure=FORMS)
    if "/" in name or name.endswith(".py"):
        return _target_of_file(name, function, cwd)
    if not all(name.split(".")):
        raise DefinitionError(f"invalid {key} {text!r}", cure=FORMS)
    return Target(tuple(name.split(".")), function)


def _target_of_file(name: str, function: str, cwd: Path) -> Target:
    path = Path(os.path.normpath(cwd / os.path.expanduser(name)))
    stem = path.name.removesuffix(".py")
    if "." in stem or not stem:
        message = f"{name!r} cannot be imported: a module's file name has no dot but that of '.py'"
        raise DefinitionError(message, cure="rename the file")
    if path.is_relative_to(cwd):
        folders = path.parent.relative_to(cwd).parts
        if not any("." in part for part in folders):
            return Target((*folders, stem), function)
    return Target((stem,), function, folder=path.parent)
