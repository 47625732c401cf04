"""`coolrun status`: how sessions stand, from any terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser

COMMAND = "status"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        COMMAND,
        help="say what runs, what waits and how long the rest takes",
        handler=_show,
        description="Say how the sessions of this folder stand: those first that are not finished.",
        examples=(
            "coolrun status",
            "coolrun status 1432 --watch",
            "coolrun status -a",
            "coolrun status --json",
        ),
    )
    add = parser.add_option
    add("which", command=COMMAND, metavar="WHICH", nargs="?", help="a part of a session's name")
    add(
        "-a", "--all", command=COMMAND, action="store_true", help="all sessions, and all their runs"
    )
    add("--watch", command=COMMAND, action="store_true", help="again every second, until it ends")
    add("--json", command=COMMAND, action="store_true", help="for programs")


def _show(config: Config) -> int:
    if config.option("watch"):
        from coolrun_plugins.status.watch import watch

        return watch(config)
    from coolrun_plugins.status.showing import show

    return show(config)
