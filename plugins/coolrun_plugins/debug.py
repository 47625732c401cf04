"""`--debug`: only the first picked run, in this process and terminal, apart from real sessions.

Its folder is `.coolrun/debug/<time>-<id>/`, and its record goes to the log.yaml there, whatever
the experiment names: what is tried out never gets among results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import Config, Parser, UsageError, hookimpl

if TYPE_CHECKING:
    from coolrun import Experiment, Plan

FOLDER = "debug"
LOG = "YamlLog"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option(
        "--debug",
        action="store_true",
        help="run the first picked experiment alone, in this process and terminal; "
        f"its files go to .coolrun/{FOLDER}",
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    """
    Raises:
        UsageError: nothing runs in this process.
    """
    if not config.option("debug"):
        return
    if config.option("in_process") is None:
        raise UsageError(
            "--debug needs the plugin 'inline', which is blocked", cure="do without `-p no:inline`"
        )
    config.options.in_process = True
    config.sessions = FOLDER


@hookimpl(trylast=True)
def coolrun_plan(plan: Plan, config: Config) -> None:
    if not config.option("debug"):
        return
    for number, experiment in enumerate(plan.chosen):
        if number:
            plan.skip(experiment.position, "--debug runs the first one only")
        else:
            _forget_log(experiment)


def _forget_log(experiment: Experiment) -> None:
    if LOG in experiment:
        experiment.settle({**experiment.parameters, LOG: None})
