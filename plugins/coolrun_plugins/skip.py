"""`Name: skip`: an experiment that is parsed, can be read by later ones, and is never launched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser, Plan

WORD = "skip"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_value("Name", WORD, help="the experiment is read by later ones, and never launched")
    parser.add_value("Name", None, help="the same, with a note")


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    nameless = 0
    for experiment in plan.experiments:
        name = experiment.get("Name")
        if name == WORD:
            plan.skip(experiment.position, "its Name is skip")
        elif name is None:
            plan.skip(experiment.position, "it has no Name")
            nameless += 1
    if nameless:
        many = "1 experiment is" if nameless == 1 else f"{nameless} experiments are"
        config.warn(f"{many} skipped because the Name is null; give a Name to run them")
