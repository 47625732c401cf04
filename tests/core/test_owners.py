"""Whose code an error came up in: the plugin that was called last, however deep it failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from coolrun.calling import PluginInfo
from coolrun.owners import owner_of
from coolrun.plugins import PluginManager

SOURCE = "class Plugin:\n    pass\n\ndef call(function):\n    return function()\n"


@pytest.fixture
def manager() -> PluginManager:
    return PluginManager()


def calling(manager: PluginManager, name: str, module: str, origin: str = "-p") -> Any:
    """A function of a module below the one that a plugin is registered with: it calls another."""
    names: dict[str, Any] = {"__name__": module}
    exec(SOURCE, names)
    manager.register(names["Plugin"](), name)
    manager.infos[name] = PluginInfo(name, origin)
    names["__name__"] = f"{module}.deep"
    return names["call"]


def raised(function: Callable[[], object]) -> Exception:
    with pytest.raises(ValueError) as caught:
        function()
    return caught.value


def broken() -> object:
    return json.loads("{")


def test_it_is_the_plugin_whose_code_called_what_failed(manager: PluginManager) -> None:
    call = calling(manager, "works", "stranger_works")
    assert owner_of(raised(lambda: call(broken)), manager) == "works"


def test_of_two_plugins_it_is_the_one_that_was_called_last(manager: PluginManager) -> None:
    outer, inner = calling(manager, "outer", "one"), calling(manager, "inner", "two")
    assert owner_of(raised(lambda: outer(lambda: inner(broken))), manager) == "inner"


def test_it_is_nobody_where_no_plugin_was_called(manager: PluginManager) -> None:
    calling(manager, "works", "stranger_works")
    assert owner_of(raised(broken), manager) is None


def test_a_built_in_is_not_named_for_it_is_a_part_of_coolrun(manager: PluginManager) -> None:
    call = calling(manager, "ours", "coolrun_plugins.ours", "built-in")
    assert owner_of(raised(lambda: call(broken)), manager) is None
