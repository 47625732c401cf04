"""Looks for every function before the first run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.errors import DefinitionError, Place
from coolrun.importing import Contents, Found, Missing, find_module, read_contents
from coolrun_plugins.module import WAYS
from coolrun_plugins.module.target import FORMS, is_expression, read_target

if TYPE_CHECKING:
    from coolrun import Config, Plan


def check(plan: Plan, config: Config) -> None:
    """Look for the function of every chosen experiment.

    Raises:
        DefinitionError: there is none.
    """
    checked: set[tuple[str, str]] = set()
    definition = Path(os.path.normpath(config.cwd / plan.source.path)).parent
    for experiment in plan.chosen:
        key = config.way_of(experiment)
        if key not in WAYS or (key, str(experiment[key])) in checked:
            continue
        checked.add((key, str(experiment[key])))
        try:
            found = _check(key, experiment[key], config.cwd, definition)
        except DefinitionError as error:
            raise experiment.blame(error, (key,)) from error.__cause__
        if found is not None:
            _warn_about_another(found, config, definition)


def _check(key: str, value: object, cwd: Path, definition: Path) -> Found | None:
    if is_expression(key, value):
        return None
    target = read_target(key, value, cwd)
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
        return DefinitionError(message, cure=FORMS)
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
