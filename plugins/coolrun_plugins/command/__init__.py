"""Runs experiments that name a program: `Command: python train.py --data {data} [lr]`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, UsageError, hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Exit, Experiment, Parser, Plan, Program, Run
    from coolrun_plugins.command.line import Line

KEY = "Command"
_KEPT = 100  # command lines that are taken apart once


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        KEY,
        type="text with {value}, [flag] and {args}, or a list of words",
        help="the program that does the work",
        runs=True,
        schema={"type": ["string", "array", "object", "null"]},
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Commands(config), "command-lines")


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """Find what is wrong with the commands, and what none of them uses."""
    chosen = plan.chosen
    ours = [e for e in chosen if config.way_of(e) == KEY]
    if ours:
        from coolrun_plugins.command.checks import check_commands

        check_commands(ours, config, has_others=len(ours) < len(chosen))


class Commands:
    """The programs of a session. What was found out about a command is kept for the next run."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lines: dict[str, Line] = {}
        self._files: dict[tuple[str, str | None], str] = {}

    @hookimpl
    def coolrun_check(self, plan: Plan) -> None:
        """Find the programs before the first of them is to run."""
        for experiment in plan.chosen:
            if self._config.way_of(experiment) != KEY:
                continue
            if isinstance(experiment[KEY], dict):
                error = UsageError(
                    "a chain of commands is shown by --dry, and cannot be run by this version",
                    cure="write the stages as one command: first && second",
                )
                raise experiment.blame(error, (KEY,))
            if not experiment.pending:
                self._program(experiment)

    @hookimpl
    def coolrun_program(self, experiment: Experiment) -> Program | None:
        return self._program(experiment) if self._config.way_of(experiment) == KEY else None

    @hookimpl
    def coolrun_execute(self, experiment: Experiment, parameters: Any) -> Callable[[], None] | None:
        """Run it below this process, where nobody could start it in the place of one."""
        if self._config.way_of(experiment) != KEY:
            return None
        from coolrun_plugins.command.programs import run_below

        program = self._program(experiment)
        dict(parameters)  # what no command uses was told when the plan was made
        return lambda: run_below(program, parameters, self._config)

    @hookimpl(trylast=True)
    def coolrun_diagnose(self, run: Run, exited: Exit) -> str | None:
        """An exit code alone says next to nothing: what the program printed last says more."""
        if self._config.way_of(run.experiment) != KEY:
            return None
        from coolrun_plugins.command.lastwords import with_last_words

        return with_last_words(exited.failure or "", run.output)

    def _program(self, experiment: Experiment) -> Program:
        from coolrun import Program
        from coolrun_plugins.command.programs import find_program

        try:
            arguments = self._line(experiment[KEY]).fill(experiment, self._config)
            if not arguments:
                raise DefinitionError("the command is empty with these values")
            known = arguments[0], os.environ.get("PATH")
            if known not in self._files:
                self._files[known] = find_program(arguments[0], self._config)
            return Program(self._files[known], tuple(arguments))
        except DefinitionError as error:
            raise experiment.blame(error, (KEY,)) from error

    def _line(self, written: Any) -> Line:
        from coolrun_plugins.command.line import Line

        key = written if type(written) is str else repr(written)
        if key not in self._lines:
            if len(self._lines) == _KEPT:
                self._lines.clear()
            self._lines[key] = Line(written)
        return self._lines[key]
