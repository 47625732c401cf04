"""`coolrun pause`, `coolrun continue`, `coolrun stop`: hold the queue of a session that runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from coolrun import UsageError, hookimpl
from coolrun.streams import write

if TYPE_CHECKING:
    from coolrun import Config, Parser
    from coolrun.standing import Standing

_HELP = {
    "pause": "start nothing more until `coolrun continue`",
    "continue": "go on after a pause",
    "stop": "start nothing more, and end when what runs has ended",
}
_DESCRIPTIONS = {
    "pause": "Start nothing more until told to go on. What runs is not disturbed.",
    "continue": "Go on starting runs after a pause, whoever has asked for it.",
    "stop": "Start nothing more. What runs may finish; then the session ends, and can be resumed.",
}


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    handlers = {"pause": _pause, "continue": _continue, "stop": _stop}
    for name, handler in handlers.items():
        parser.add_command(
            name,
            help=_HELP[name],
            handler=handler,
            description=_DESCRIPTIONS[name],
            examples=(f"coolrun {name}", f"coolrun {name} 1432"),
        )
        parser.add_option(
            "which",
            command=name,
            metavar="WHICH",
            nargs="?",
            help="a part of a session's name (default: the one that runs)",
        )


def _pause(config: Config) -> int:
    standing = _standing(config)
    name = standing.folder.name
    if standing.state == "paused":
        _say(f"session {name} is paused already: {standing.reason}")
        return 0
    _refuse_ending(standing, "paused")
    standing = _order(standing, "pause", "paused")
    if not standing.is_live:
        return _ended(standing)
    _say(f"session {name} is paused: {_runs(standing)}, {len(standing.waiting)} wait")
    which = config.option("which")
    _say(f"next: coolrun continue{f' {which}' if which else ''}")
    return 0


def _continue(config: Config) -> int:
    standing = _standing(config)
    name = standing.folder.name
    if standing.state == "running":
        _say(f"session {name} is not paused: {_runs(standing)}")
        return 0
    _refuse_ending(standing, "continued")
    standing = _order(standing, "continue", "running")
    if not standing.is_live:
        return _ended(standing)
    _say(f"session {name} goes on: {_runs(standing)}, {len(standing.waiting)} wait")
    return 0


def _stop(config: Config) -> int:
    standing = _standing(config)
    if standing.state not in {"stopping", "ending"}:
        standing = _order(standing, "stop", "stopping")
    if not standing.is_live:
        return _ended(standing)
    waiting = len(standing.waiting)
    _say(f"session {standing.folder.name} starts nothing more: {waiting} will not be run")
    _say(f"it ends when what runs has ended: {_runs(standing)}")
    return 0


def _standing(config: Config) -> Standing:
    """How the session stands that is meant.

    Raises:
        UsageError: no session runs, or several do.
    """
    from coolrun.finding import find_running
    from coolrun.standing import Onlooker

    return Onlooker(find_running(config.cwd, config.option("which"))).look()


def _order(standing: Standing, verb: str, state: str) -> Standing:
    from coolrun.steering import give_order

    return give_order(standing.folder, [verb], lambda now: now.state == state)


def _refuse_ending(standing: Standing, what: str) -> None:
    if standing.state in {"stopping", "ending"}:
        raise UsageError(
            f"session {standing.folder.name} is {standing.state} and cannot be {what}",
            cure="wait until it has ended, then resume it",
        )


def _runs(standing: Standing) -> str:
    from coolrun.display import numbers

    positions = [attempt.position for attempt in standing.under_way]
    if not positions:
        return "nothing runs"
    spans = numbers(positions).split(", ")
    more = ", ..." if len(spans) > 8 else ""
    run = "run goes" if len(positions) == 1 else "runs go"
    return f"{len(positions)} {run} on ({', '.join(spans[:8])}{more})"


def _ended(standing: Standing) -> int:
    _say(f"session {standing.folder.name} has just ended")
    return 0


def _say(text: str) -> None:
    write(sys.stdout, f"{text}\n")
