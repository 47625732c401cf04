"""The command that runs a definition."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from coolrun.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun.config import Config
    from coolrun.planning import Plan

DEFAULT_FILE = "experiment.yaml"


def run(config: Config) -> int:
    """Run the definition that the command line names, or let a plugin do something else."""
    code = config.pluginmanager.ask("coolrun_main", config=config)
    if code is None:
        from coolrun.opening import launcher_of, start_session
        from coolrun.planning import make_plan, read_definition

        definition = read_definition(definition_path(config), config)
        # Before the plan: what starts the runs is not to carry its memory about, and may prepare
        # itself meanwhile.
        launcher = launcher_of(config)
        code = start_session(make_plan(definition, config), config, launcher)
    return int(code)


def plan_of(config: Config) -> Plan:
    """The plan of the definition that the command line names."""
    from coolrun.planning import make_plan, read_definition

    return make_plan(read_definition(definition_path(config), config), config)


def definition_path(config: Config) -> Path:
    """The definition that the command line names, relative to the working directory.

    Raises:
        DefinitionError: there is none.
    """
    from pathlib import Path

    named = config.option("exp")
    path = Path(named or DEFAULT_FILE)
    full = config.cwd / path
    if full.is_file():
        return path
    if full.is_dir():
        raise DefinitionError(f"{str(path)!r} is a folder", cure="name the file in it with --exp")
    if full.exists():
        raise DefinitionError(f"{str(path)!r} is no regular file", cure="save it in a file first")
    if named is None:
        raise DefinitionError(
            f"there is no {DEFAULT_FILE} in this folder",
            cure="name a definition with --exp FILE, or make a project with `coolrun init`",
        )
    raise DefinitionError(f"there is no file {str(path)!r}", cure=_near(full))


def _near(path: Path) -> str:
    from difflib import get_close_matches

    folder = path.parent
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    near = get_close_matches(path.name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"it was looked for in {str(folder)!r}"
