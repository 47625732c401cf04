"""The call of the function, and what becomes of what it returns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from coolrun.errors import DefinitionError
from coolrun.importing import make_importable
from coolrun_plugins.module.target import is_expression, read_target

if TYPE_CHECKING:
    from coolrun import Config, Experiment


def prepare(experiment: Experiment, parameters: Any, config: Config) -> Callable[[], None] | None:
    """Load the function of an experiment; what is returned calls it.

    Raises:
        DefinitionError: it cannot be loaded.
    """
    key = config.way_of(experiment)
    if key is None:
        return None
    make_importable(config.cwd)
    try:
        if is_expression(key, experiment[key]):
            function = parameters[key]
            name = str(experiment[key])
        else:
            target = read_target(key, experiment[key], config.cwd)
            function, name = target.load(), str(target)
        if not callable(function):
            raise DefinitionError(f"{name!r} is no function ({type(function).__name__})")
    except DefinitionError as error:
        raise experiment.blame(error, (key,)) from error.__cause__
    return lambda: _keep(_call(function, parameters, config), parameters, name, config)


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
