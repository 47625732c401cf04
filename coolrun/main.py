"""The command that runs a definition, and the same as a function."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from coolrun.config import Config
from coolrun.errors import DefinitionError, ExitCode
from coolrun.planning import Plan, make_plan, read_definition
from coolrun.session import start_session

DEFAULT_FILE = "experiment.yaml"


def run(config: Config) -> int:
    """Run the definition that the command line names, or let a plugin do something else."""
    code = config.pluginmanager.ask("coolrun_main", config=config)
    return int(start_session(plan_of(config), config) if code is None else code)


def plan_of(config: Config) -> Plan:
    """The plan of the definition that the command line names."""
    return make_plan(read_definition(definition_path(config), config), config)


def definition_path(config: Config) -> Path:
    """The definition that the command line names, relative to the working directory.

    Raises:
        DefinitionError: there is none.
    """
    named = config.option("exp")
    path = Path(named or DEFAULT_FILE)
    full = config.cwd / path
    if full.is_file():
        return path
    if full.is_dir():
        raise DefinitionError(f"{str(path)!r} is a folder", cure="name the file in it with --exp")
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


def plan(path: str | os.PathLike[str], args: Sequence[str] = ()) -> Plan:
    """Read, expand and evaluate a definition, and launch nothing.

    Args:
        path: the definition file.
        args: what would stand on the command line, such as `+lr=0.1` or `--pick`.

    Returns:
        the plan: `experiments` (each a mapping of its final values), `skipped` (reasons by
        position) and `settings`.

    Raises:
        CoolrunError: the definition is wrong; the message says where and what to do.
    """
    from coolrun.cli import configure

    config = configure(["--exp", os.fspath(path), *args])
    try:
        return plan_of(config)
    finally:
        config.close()
