"""Runs experiments that name a Python function: `Module: modules.train`, `Run: solve ...`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Parser, Plan

WAYS = ("Module", "Run")


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        "Module",
        type="module, module:function or file.py",
        help="the Python function that does the work; main(exp) unless another is named",
        runs=True,
        schema={"type": ["string", "null"]},
    )
    parser.add_key(
        "Run",
        type="solve module.function",
        help="the Python function that does the work, by its whole name",
        runs=True,
        schema={"type": ["string", "null"]},
    )


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    from coolrun_plugins.module.checks import check

    check(plan, config)


@hookimpl
def coolrun_execute(
    experiment: Experiment, parameters: Any, config: Config
) -> Callable[[], None] | None:
    if config.way_of(experiment) not in WAYS:
        return None
    from coolrun_plugins.module.call import prepare

    return prepare(experiment, parameters, config)
