"""Functions of plugins that look like hooks and would not do what their author means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import Any

# Called plugin by plugin, each alone: a wrapper would surround nothing.
ONE_BY_ONE = frozenset(
    {
        "coolrun_addoption",
        "coolrun_configure",
        "coolrun_expand",
        "coolrun_names",
        "coolrun_capacity",
        "coolrun_pre_launch",
        "coolrun_session_start",
        "coolrun_run_start",
        "coolrun_post_run",
        "coolrun_session_finish",
        "coolrun_notice",
    }
)
# Flags of code; `inspect` would be heavy.
_GENERATOR, _ASYNCHRONOUS = 0x20, 0x80 | 0x200


def is_unmarked(function: object, specification: Callable[..., object] | None) -> bool:
    """Whether it has the name of a hook and is called by nobody, for want of `@hookimpl`."""
    return specification is not None and isinstance(function, FunctionType | MethodType)


def trouble_of(
    name: str,
    function: object,
    options: Mapping[str, Any],
    specification: Callable[..., object] | None,
) -> str | None:
    """Why calling a hook function would not run it as it is meant, in words for its author."""
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    wraps = options["wrapper"] or options["hookwrapper"]
    if flags & _ASYNCHRONOUS:
        return f"{name} is an async function, which is never awaited: write it without async"
    if wraps and name in ONE_BY_ONE:
        return f"{name} is called plugin by plugin: a wrapper would have nothing to surround"
    returns = str(specification.__annotations__.get("return")) if specification else ""
    if flags & _GENERATOR and not wraps and returns == "None":
        return f"{name} yields and would never run: write it without yield, or with wrapper=True"
    return None
