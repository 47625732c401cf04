"""What is wrong with the commands of a plan: told before anything runs, and by `--dry` too."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError
from coolrun_plugins.command.line import Line, lines_of
from coolrun_plugins.command.values import parameters, path_of

if TYPE_CHECKING:
    from coolrun import Config, Experiment

KEY = "Command"


def check_commands(experiments: Sequence[Experiment], config: Config, *, has_others: bool) -> None:
    """Fill every template, and tell of the parameters that none of them uses.

    With `has_others` something else than commands runs too, and what all experiments share may be
    for that.

    Raises:
        DefinitionError: a template is wrong, or has a placeholder for something that is not there.
    """
    known: dict[str, list[tuple[tuple[Any, ...], Line]]] = {}
    unused: dict[str, None] = {}
    used: set[str] = set()
    for experiment in experiments:
        written = experiment[KEY]
        text = repr(written)
        try:
            if text not in known:
                known[text] = list(lines_of(written))
        except DefinitionError as error:
            raise experiment.blame(error, (KEY, *getattr(error, "path", ()))) from error
        names: set[str] = set()
        takes_all = False
        for path, line in known[text]:
            takes_all = takes_all or any(hole.kind == "all" for hole in line.holes)
            try:
                names |= _check(line, experiment, config)
            except DefinitionError as error:
                raise experiment.blame(error, (KEY, *path)) from error
        if takes_all:
            continue
        for name, _ in parameters(experiment, config):
            if any(name == one or name.startswith((f"{one}.", f"{one}[")) for one in names):
                used.add(name)
            elif not has_others or name in experiment.own or name.split(".")[0] in experiment.own:
                unused.setdefault(name)
    left = [repr(name) for name in unused if name not in used]
    if left:
        plural = "s" if len(left) > 1 else ""
        config.warn(f"no command uses the parameter{plural} {', '.join(left[:20])}")
    if config.strange_arguments and not has_others:
        config.warn(
            f"no command is given {shlex.join(config.strange_arguments)[:200]}: "
            f"it gets what {KEY} says; +key=value changes a parameter"
        )


def _check(line: Line, experiment: Experiment, config: Config) -> set[str]:
    """The names that a command uses; filled in, unless a value is not known before its launch."""
    names = set()
    for hole in line.holes:
        if hole.kind == "all":
            continue
        path = path_of(hole.name, experiment)
        name = ""
        for step in path:
            if isinstance(step, int) and name and not hole.name.endswith(f".{step}"):
                break  # an item of a list: the list is used
            name += f".{step}" if name else str(step)
        names.add(name)
    if not experiment.pending:
        line.fill(experiment, config)
    return names
