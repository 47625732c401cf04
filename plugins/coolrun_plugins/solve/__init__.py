"""Builds objects in the process of a run: `optimizer: solve torch.optim.SGD(**_kwds)`."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Parser, Plan
    from coolrun.parameters import Parameters

WORD = "solve"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_word(WORD, help="build a Python object in the process of the run: solve <Python>")


@hookimpl
def coolrun_check(plan: Plan) -> None:
    """Compile every expression, so that a slip of the pen is told before the first run."""
    from coolrun_plugins.solve.building import check

    check(plan)


@hookimpl(wrapper=True)
def coolrun_execute(
    experiment: Experiment, parameters: Parameters, config: Config
) -> Generator[None, Any, Any]:
    from coolrun_plugins.solve.building import build

    build(experiment, parameters, config)
    return (yield)
