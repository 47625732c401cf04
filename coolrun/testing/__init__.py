"""What tests of coolrun's own parts and of strangers' plugins are written with.

Put `pytest_plugins = ["coolrun.testing"]` into the `conftest.py` at the root of the tests to have
the `project` fixture. The names are imported when they are first used: every command that a test
runs loads a part of this package, and needs no pytest for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coolrun.testing.launchers import LauncherSuite
    from coolrun.testing.projects import Outcome, Project, project
    from coolrun.testing.queues import QueueSuite
    from coolrun.testing.waiting import wait_for

__all__ = ["LauncherSuite", "Outcome", "Project", "QueueSuite", "project", "wait_for"]

_HOMES = {
    "launchers": ("LauncherSuite",),
    "projects": ("Outcome", "Project", "project"),
    "queues": ("QueueSuite",),
    "waiting": ("wait_for",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
