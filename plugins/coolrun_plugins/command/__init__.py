"""Runs experiments that name a program: `Command: python train.py --data {data} [lr]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, Program, UsageError, hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Parser, Plan
    from coolrun_plugins.command.line import Line

KEY = "Command"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        KEY,
        type="text with {value}, [flag] and {args}, or a list of words",
        help="the program that does the work",
        runs=True,
    )


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """Find what is wrong with the commands, and what none of them uses."""
    chosen = plan.chosen
    ours = [e for e in chosen if config.way_of(e) == KEY]
    if ours:
        from coolrun_plugins.command.checks import check_commands

        check_commands(ours, config, has_others=len(ours) < len(chosen))


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    """Find the programs before the first of them is to run."""
    from coolrun_plugins.command.programs import find_program

    for experiment in plan.chosen:
        if config.way_of(experiment) != KEY:
            continue
        if isinstance(experiment[KEY], dict):
            error = UsageError(
                "a chain of commands is shown by --dry, and cannot be run by this version",
                cure="write the stages as one command: first && second",
            )
            raise experiment.blame(error, (KEY,))
        try:
            find_program(_line(experiment).fill(experiment, config)[0], config)
        except DefinitionError as wrong:
            raise experiment.blame(wrong, (KEY,)) from wrong


@hookimpl
def coolrun_program(experiment: Experiment, config: Config) -> Program | None:
    return _program(experiment, config) if config.way_of(experiment) == KEY else None


@hookimpl
def coolrun_execute(
    experiment: Experiment, parameters: Any, config: Config
) -> Callable[[], None] | None:
    """Run it below this process, where nobody could start it in the place of one."""
    if config.way_of(experiment) != KEY:
        return None
    from coolrun_plugins.command.programs import run_below

    program = _program(experiment, config)
    dict(parameters)  # what no command uses was told when the plan was made

    def work() -> None:
        run_below(program, parameters, config)

    return work


def _program(experiment: Experiment, config: Config) -> Program:
    from coolrun_plugins.command.programs import find_program

    try:
        program, *rest = _line(experiment).fill(experiment, config)
        return Program(find_program(program, config), (program, *rest))
    except DefinitionError as error:
        raise experiment.blame(error, (KEY,)) from error


def _line(experiment: Experiment) -> Line:
    from coolrun_plugins.command.line import Line

    return Line(experiment[KEY])
