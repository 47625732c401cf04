"""`coolrun errors`: failures by their cause; `coolrun retry`: run those of one cause again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser, Session

ERRORS = "errors"
RETRY = "retry"
VERB = "retry"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        ERRORS,
        help="list the failures of a session by their cause",
        handler=_errors,
        description="List what failed by its cause, in which numbers, addresses, paths and quoted\n"
        "values do not count. A group keeps its number.",
        examples=("coolrun errors", "coolrun errors 1432", "coolrun errors --json"),
    )
    parser.add_command(
        RETRY,
        help="run again what failed for one cause",
        handler=_retry,
        description="Run again what failed for one cause. A session that runs does it at once;\n"
        "one that has ended is taken up again, and runs what it has not run yet as well.",
        examples=("coolrun errors", "coolrun retry --group 1"),
        runs=True,
    )
    add = parser.add_option
    for command in (ERRORS, RETRY):
        which = "a part of a session's name (default: the newest)"
        add("which", command=command, metavar="WHICH", nargs="?", help=which)
    add("--json", command=ERRORS, action="store_true", help="for programs")
    number = "the number of the group, as `coolrun errors` shows it"
    add("--group", command=RETRY, metavar="N", type=int, required=True, help=number)


@hookimpl
def coolrun_control(words: Sequence[str], session: Session) -> bool | None:
    """Run again what has failed for a cause, in the session that runs."""
    if words[0] != VERB or len(words) != 2:
        return None
    from coolrun_plugins.failures.groups import failed_for

    positions = failed_for(session.settled.values(), words[1])
    count = session.run_again(positions)
    session.config.warn(f"{count} that failed are run again: {words[1]}")
    return True


def _errors(config: Config) -> int:
    from coolrun_plugins.failures.listing import list_errors

    return list_errors(config)


def _retry(config: Config) -> int:
    from coolrun_plugins.failures.again import retry

    return retry(config)
