"""Run on this machine: a process per run, forked from one that has everything loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Launcher, Parser

LAUNCHER = "local"
WAYS = ("fork", "spawn")


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_launcher(LAUNCHER, help="processes of this machine")
    parser.add_setting(
        "preload",
        type=_names,
        default=(),
        help="modules to import once, before the runs are forked: [torch, modules.train]",
        schema={
            "type": ["array", "string"],
            "minLength": 1,
            "items": {"type": "string", "minLength": 1},
        },
    )
    parser.add_setting(
        "isolate",
        type=_way,
        default="fork" if sys.platform.startswith("linux") else "spawn",
        help="how a run gets its process: fork (fast), or spawn (an interpreter of its own)",
        schema={"enum": [*WAYS]},
    )


@hookimpl(trylast=True)
def coolrun_launch(config: Config) -> Launcher | None:
    """The launcher of every session that asked for no other."""
    if config.setting("launcher") not in (None, LAUNCHER):
        return None
    from coolrun_plugins.local.launcher import LocalLauncher

    launcher = LocalLauncher(config)
    config.pluginmanager.register(launcher, "local-launcher")
    return launcher


def _names(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) and n for n in names):
        raise ValueError("expected a list of names of modules")
    return tuple(names)


def _way(value: Any) -> str:
    if value not in WAYS:
        raise ValueError(f"expected {' or '.join(WAYS)}")
    return str(value)
