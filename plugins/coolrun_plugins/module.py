"""Runs experiments that name a Python function: `Module: modules.train`, `Run: solve ...`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl
from coolrun.errors import DefinitionError, Place
from coolrun.plain import Marked

if TYPE_CHECKING:
    from coolrun.config import Config, Parser
    from coolrun.experiment import Experiment
    from coolrun.importing import Contents, Found, Missing
    from coolrun.planning import Plan

_WAYS = ("Module", "Run")
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_FORMS = "write it as 'modules.train', 'modules.train:function' or 'modules/train.py'"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        "Module",
        type="module, module:function or file.py",
        help="the Python function that does the work; main(exp) unless another is named",
        runs=True,
    )
    parser.add_key(
        "Run",
        type="solve module.function",
        help="the Python function that does the work, by its whole name",
        runs=True,
    )


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    checked: set[tuple[str, str]] = set()
    definition = Path(os.path.normpath(config.cwd / plan.source.path)).parent
    for experiment in plan.chosen:
        key = config.way_of(experiment)
        if key not in _WAYS or (key, str(experiment[key])) in checked:
            continue
        checked.add((key, str(experiment[key])))
        try:
            found = _check(key, experiment[key], config.cwd, definition)
        except DefinitionError as error:
            raise experiment.blame(error, (key,)) from error.__cause__
        if found is not None:
            _warn_about_another(found, config, definition)


@hookimpl
def coolrun_execute(
    experiment: Experiment, parameters: Any, config: Config
) -> Callable[[], None] | None:
    from coolrun.importing import make_importable

    key = config.way_of(experiment)
    if key not in _WAYS:
        return None
    make_importable(config.cwd)
    try:
        if _is_expression(key, experiment[key]):
            function = parameters[key]
            name = str(experiment[key])
        else:
            target = _read_target(key, experiment[key], config.cwd)
            function, name = target.load(), str(target)
        if not callable(function):
            raise DefinitionError(f"{name!r} is no function ({type(function).__name__})")
    except DefinitionError as error:
        raise experiment.blame(error, (key,)) from error.__cause__
    return lambda: _keep(_call(function, parameters, config), parameters, name, config)


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


def _is_expression(key: str, value: object) -> bool:
    """Whether the function is to be built first, by whoever builds objects."""
    return (
        key == "Run"
        and isinstance(value, Marked)
        and not _DOTTED.fullmatch(value.expression.strip())
    )


def _read_target(key: str, value: object, cwd: Path) -> Target:
    if not isinstance(value, str) or not value.strip():
        raise DefinitionError(
            f"invalid {key} {value!r} (expected the name of a module)", cure=_FORMS
        )
    text = (value.expression if isinstance(value, Marked) else value).strip()
    name, _, function = text.partition(":")
    if key == "Run" and not function and _DOTTED.fullmatch(name):
        return Target(tuple(name.split(".")), is_whole=True)
    function = function.strip() or "main"
    name = name.strip()
    if not _DOTTED.fullmatch(function):
        raise DefinitionError(f"invalid function name {function!r} in {text!r}", cure=_FORMS)
    if "/" in name or name.endswith(".py"):
        return _target_of_file(name, function, cwd)
    if not all(name.split(".")):
        raise DefinitionError(f"invalid {key} {text!r}", cure=_FORMS)
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


# Looking before the first run


def _check(key: str, value: object, cwd: Path, definition: Path) -> Found | None:
    from coolrun.importing import Found, Missing, find_module

    if _is_expression(key, value):
        return None
    target = _read_target(key, value, cwd)
    folder = target.folder or cwd
    names = target.names
    found = find_module(".".join(names), folder)
    function = target.function
    if target.is_whole and isinstance(found, Missing):
        # The last names of the path may be a function, or a method of a class.
        for length in range(len(names) - 1, 0, -1):
            shorter = find_module(".".join(names[:length]), folder)
            if isinstance(shorter, Found) and shorter.is_folder:
                break
            found = shorter
            if isinstance(shorter, Found):
                function = ".".join(names[length:])
                break
    if isinstance(found, Missing):
        raise _unknown(found, _beside(names, definition))
    if found.is_folder:
        message = f"{found.name!r} is a folder of modules and does nothing itself"
        raise DefinitionError(message, cure=f"name a module in it as '{found.name}.train'")
    if found.file is not None:
        _check_function(function, _read(found.file, found.name), found.name, found.file)
    return found


def _beside(names: Iterable[str], definition: Path) -> Path | None:
    """The file of a module that would be found if coolrun were started beside the definition."""
    place = definition.joinpath(*names)
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def _warn_about_another(found: Found, config: Config, definition: Path) -> None:
    """What is installed somewhere has the name of what is meant: other code would run unseen."""
    beside = _beside(found.name.split("."), definition)
    if beside is None or found.file is None or found.file.is_relative_to(config.cwd):
        return
    if not beside.samefile(found.file):
        config.warn(
            f"{found.name!r} is {str(found.file)!r}, not {str(beside)!r}: "
            f"start coolrun in {str(definition)!r} to run that"
        )


def _unknown(missing: Missing, beside: Path | None) -> DefinitionError:
    if not missing.places:
        parent = missing.name.rpartition(".")[0]
        message = f"there is no module {missing.name!r}: {parent!r} is no package"
        return DefinitionError(message, cure=_FORMS)
    near = missing.nearest() if beside is None else None
    places = " and ".join(repr(place) for place in missing.places)
    path = " and on Python's path" if "." not in missing.name else ""
    there = "the folder that holds it"
    if beside is not None:
        there += f", that of the definition: it is {str(beside)!r}"
    return DefinitionError(
        f"there is no module {missing.name!r} (looked in {places}{path})",
        cure=f"did you mean {near!r}?" if near else f"start coolrun in {there}",
    )


def _read(file: Path, name: str) -> Contents:
    from coolrun.importing import read_contents

    try:
        return read_contents(file)
    except SyntaxError as error:
        place = Place(str(file), error.lineno or 0, error.offset or 0)
        raise DefinitionError(f"module {name!r} is not Python: {error.msg}", place=place) from error


def _check_function(function: str, contents: Contents, module: str, file: Path) -> None:
    first = function.partition(".")[0]
    if not contents.may_have(first):
        names = sorted(name for name in contents.functions if not name.startswith("_"))
        has = ", ".join(repr(name) for name in names) or "none"
        message = f"module {module!r} ({file}) has no function {first!r}; its functions: {has}"
        cures = [f"name one as '{module}:{_nearest(first, names)}'"] if names else []
        if function == "main" or not names:
            cures.append(f"write `def {first}(exp):` there")
        raise DefinitionError(message, cure=", or ".join(cures))
    if contents.functions.get(function, 1) == 0:
        message = f"{function!r} of module {module!r} ({file}) takes no argument"
        raise DefinitionError(message, cure=f"write it as `def {function}(exp):`")


def _nearest(name: str, names: list[str]) -> str:
    import difflib

    return difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]


# The call


def _call(function: Callable[..., object], parameters: Any, config: Config) -> object:
    """Call the function; it finds its own arguments in `sys.argv`, as a program would."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    program = getattr(module, "__file__", None) or "coolrun"
    before = sys.argv
    sys.argv = [program, *config.module_arguments]
    try:
        return function(parameters)
    finally:
        # The run may share its process with the runner.
        sys.argv = before


def _keep(returned: object, parameters: Any, name: str, config: Config) -> None:
    """Results may be returned as well as set."""
    if returned is parameters or returned is None:
        return
    if isinstance(returned, Mapping):
        parameters |= dict(returned)
    elif not (type(returned) is int and returned == 0):  # the habit of programs
        config.warn(
            f"{name!r} returned a value of type {type(returned).__name__}, which is not kept;"
            " set results (exp.ACC = ...) or return a mapping of them"
        )
