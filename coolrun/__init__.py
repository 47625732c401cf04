"""Run experiments from one YAML file: as many as there are, once each, with nothing lost.

The names here are the public API for plugins and scripts. They are imported when they are first
used, so that `coolrun --version` costs an interpreter start and little more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coolrun.cli import plan
    from coolrun.config import Config
    from coolrun.declarations import Parser
    from coolrun.definition import Definition
    from coolrun.errors import (
        CoolrunError,
        DefinitionError,
        ExitCode,
        ExpressionError,
        NothingToRun,
        Place,
        PluginError,
        SessionError,
        UsageError,
    )
    from coolrun.experiment import Experiment, Source
    from coolrun.hookspecs import hookimpl, hookspec
    from coolrun.plain import Marked
    from coolrun.planning import Plan
    from coolrun.programs import Program
    from coolrun.protocols import Launcher, Queue
    from coolrun.run import Blocked, Busy, Exit, Halt, Lease, Record, Retry, Run, Status
    from coolrun.session import Session

__version__ = "0.1.0"

__all__ = [
    "Blocked",
    "Busy",
    "Config",
    "CoolrunError",
    "Definition",
    "DefinitionError",
    "Exit",
    "ExitCode",
    "Experiment",
    "ExpressionError",
    "Halt",
    "Launcher",
    "Lease",
    "Marked",
    "NothingToRun",
    "Parser",
    "Place",
    "Plan",
    "PluginError",
    "Program",
    "Queue",
    "Record",
    "Retry",
    "Run",
    "Session",
    "SessionError",
    "Source",
    "Status",
    "UsageError",
    "hookimpl",
    "hookspec",
    "plan",
]

_HOMES = {
    "cli": ("plan",),
    "config": ("Config",),
    "declarations": ("Parser",),
    "definition": ("Definition",),
    "errors": (
        "CoolrunError",
        "DefinitionError",
        "ExitCode",
        "ExpressionError",
        "NothingToRun",
        "Place",
        "PluginError",
        "SessionError",
        "UsageError",
    ),
    "experiment": ("Experiment", "Source"),
    "hookspecs": ("hookimpl", "hookspec"),
    "plain": ("Marked",),
    "planning": ("Plan",),
    "programs": ("Program",),
    "protocols": ("Launcher", "Queue"),
    "run": ("Blocked", "Busy", "Exit", "Halt", "Lease", "Record", "Retry", "Run", "Status"),
    "session": ("Session",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(f"coolrun.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'coolrun' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
