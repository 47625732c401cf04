"""Whose code an error came up in, where no hook says so: a command, a launcher, a queue."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.calling import HookCalls


def owner_of(error: BaseException, pluginmanager: HookCalls) -> str | None:
    """The name of the plugin that is no built-in and whose module was the last to be called."""
    modules: dict[str, str] = {}
    for name, info in pluginmanager.infos.items():
        if info.state == "loaded" and info.origin != "built-in":
            plugin = pluginmanager.get_plugin(name)
            if isinstance(plugin, ModuleType):
                modules[plugin.__name__] = name
            else:
                modules[str(getattr(plugin, "__module__", ""))] = name
    owner, trace = None, error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        while module and module not in modules:
            module = module.rpartition(".")[0]
        owner = modules.get(module, owner)
        trace = trace.tb_next
    return owner
