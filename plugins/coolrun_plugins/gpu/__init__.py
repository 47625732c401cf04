"""`--gpus auto` and `Gpus: 2`: every run gets GPUs of its own; `coolrun gpus` lists them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from coolrun import Config, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Plan
    from coolrun.plugins import PluginManager

LEASES = "gpu-leases"
SETTINGS = ("gpus", "per_gpu", "resources")


@hookimpl
def coolrun_addoption(parser: Parser, pluginmanager: PluginManager) -> None:
    from coolrun_plugins.gpu import hookspecs

    pluginmanager.add_hookspecs(hookspecs)
    parser.add_key(
        "Gpus",
        type="whole number",
        help="how many GPUs a run gets where GPUs are handed out (default: 1)",
        schema={"type": ["integer", "null"], "minimum": 0},
    )
    parser.add_key(
        "GpuMemory",
        type="size",
        help="what a run takes of each GPU, such as 10 GiB: several may share one",
        schema={
            "type": ["string", "null"],
            "pattern": r"^\s*\d+(\.\d+)?\s*[KkMmGgTt][Ii]?[Bb]\s*$",
        },
    )
    parser.add_setting(
        "gpus",
        type=partial(_read, "gpus"),
        default=None,
        help="the GPUs to hand out: 0,1, uuids, auto or none",
        schema=partial(_schema, "GPUS"),
    )
    parser.add_setting(
        "per_gpu",
        type=partial(_read, "count"),
        default=None,
        help="how many runs share a GPU",
        schema={"type": ["integer", "null"], "minimum": 1},
    )
    parser.add_setting(
        "resources",
        type=partial(_read, "resources"),
        default=None,
        help='what runs get one entry of: [0, 1, "2,3"]; one that is named twice is shared',
        schema=partial(_schema, "RESOURCES"),
    )
    parser.add_setting(
        "gpu_ids",
        type=partial(_read, "form"),
        default="index",
        help="how runs are told their GPUs: index or uuid",
        schema={"enum": ["index", "uuid"]},
    )
    parser.add_setting(
        "gpu_tolerance",
        type=partial(_read, "tolerance"),
        default=0.1,
        help="the part of a GPU that others may use for it to count as free: 0.1 or 10%",
        schema={
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$"},
            ]
        },
    )
    parser.add_option(
        "--gpus",
        setting="gpus",
        type=_given("gpus", str),
        metavar="GPUS",
        help="hand out these GPUs: 0,1, uuids, auto (all) or none; see `coolrun gpus`",
    )
    parser.add_option(
        "--per-gpu",
        setting="per_gpu",
        type=_given("count", int),
        metavar="N",
        help="how many runs share a GPU",
    )
    parser.add_command(
        "gpus",
        help="list the GPUs, who holds them, and why one is not free",
        handler=_show,
        examples=("coolrun gpus", "coolrun gpus --json"),
    )
    parser.add_option("--json", command="gpus", action="store_true", help="as JSON, for programs")


def _schema(name: str) -> dict[str, Any]:
    from coolrun_plugins.gpu import schemas

    schema: dict[str, Any] = getattr(schemas, name)
    return schema


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    asking = [e for e in plan.experiments if "Gpus" in e or "GpuMemory" in e]
    if not asking:
        return
    from coolrun_plugins.gpu.needs import is_pending, need_of

    for experiment in asking:
        if not is_pending(experiment):
            need_of(experiment)


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    if config.pluginmanager.get_plugin(LEASES) is not None or not _is_asked_for(plan, config):
        return
    from coolrun_plugins.gpu.leasing import Leases
    from coolrun_plugins.gpu.settings import choice_of

    choice = choice_of(config, plan.source)
    if choice is not None:
        leases = Leases(config, choice)
        leases.coolrun_check(plan)
        config.pluginmanager.register(leases, LEASES)
        config.pluginmanager.register(leases.last_word, "gpu-last-word")


def _is_asked_for(plan: Plan, config: Config) -> bool:
    """No setting and no key: GPUs are nobody's business here, and nothing is imported for them."""
    if any(config.setting(name) is not None for name in SETTINGS):
        return True
    return any(e.get("Gpus") is not None or e.get("GpuMemory") is not None for e in plan.chosen)


def _read(what: str, value: object) -> object:
    from coolrun_plugins.gpu import settings

    reader: Callable[[object], object] = getattr(settings, f"read_{what}")
    return reader(value)


def _given(what: str, convert: Callable[[str], object]) -> Callable[[str], object]:
    """The same setting from the command line."""

    def given(text: str) -> object:
        try:
            return _read(what, convert(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None

    return given


def _show(config: Config) -> int:
    from coolrun_plugins.gpu.listing import show

    return show(config)
