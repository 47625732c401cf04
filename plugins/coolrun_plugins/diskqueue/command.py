"""`coolrun queue`: what an editor does to the file, and with the lock held."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coolrun import UsageError

if TYPE_CHECKING:
    from coolrun import Config, Parser

    from .desk import Desk

COMMAND = "queue"
WIDTH = 100  # columns, where there is no terminal


def declare(parser: Parser) -> None:
    """The command and its arguments."""
    parser.add_command(
        COMMAND,
        help="show and change what waits in a queue file",
        handler=handle,
        description="Show and change the experiments that wait in a queue file (Global.queue).",
        examples=(
            "coolrun queue",
            "coolrun queue edit",
            "coolrun queue add more.yaml",
            "coolrun queue rm 3 5-7",
            "coolrun queue move 4 first",
            "coolrun queue hold big-model",
        ),
    )
    parser.add_option(
        "action",
        command=COMMAND,
        nargs="?",
        default="ls",
        metavar="action",
        choices=("ls", "edit", "add", "rm", "move", "hold", "release", "undo"),
        help="ls (default) lists; edit opens $EDITOR; add FILE; rm, hold, release WHICH...; "
        "move WHICH first, last or a number; undo takes back the last removal",
    )
    parser.add_option(
        "what",
        command=COMMAND,
        nargs="*",
        help="a file, or entries: numbers as ls shows them (2, 5-7), RUN_IDs, names, all",
    )
    parser.add_option(
        "--file",
        command=COMMAND,
        metavar="FILE",
        help="the queue file (default: that of the newest session here, or of experiment.yaml)",
    )


def handle(config: Config) -> int:
    """Do what was asked for and return 0."""
    from .desk import Desk, queue_path

    action, what = config.option("action"), list(config.option("what"))
    path, shown = queue_path(config)
    desk = Desk(path, shown, config)
    actions: dict[str, Callable[[Desk, list[str]], None]] = {
        "ls": _ls,
        "edit": _edit,
        "add": _add,
        "rm": _rm,
        "move": _move,
        "hold": _hold,
        "release": _release,
        "undo": _undo,
    }
    try:
        actions[action](desk, what)
    finally:
        desk.close()
    return 0


def _ls(desk: Desk, what: list[str]) -> None:
    if what:
        raise UsageError(f"ls takes nothing, not {what[0]!r}")
    entries = desk.listed()
    if not entries:
        print(f"{desk.shown}: nothing waits")
        return
    import shutil
    import sys

    from coolrun.streams import write

    from .listing import lines

    width = shutil.get_terminal_size((WIDTH, 24)).columns
    listed = lines(entries, desk.config, width, whole=not sys.stdout.isatty())
    write(sys.stdout, "".join(f"{line}\n" for line in listed))


def _edit(desk: Desk, what: list[str]) -> None:
    if what:
        raise UsageError(f"edit takes nothing, not {what[0]!r}")
    from .editing import edit

    edit(desk)


def _add(desk: Desk, what: list[str]) -> None:
    if not what:
        raise UsageError("add needs a file", cure="coolrun queue add more.yaml")
    for name in what:
        count = desk.add(name)
        print(f"{desk.shown}: added {count} from {name}")


def _rm(desk: Desk, what: list[str]) -> None:
    for label in desk.remove(_given(what, "rm")):
        print(f"removed {label}; `coolrun queue undo` takes it back")


def _move(desk: Desk, what: list[str]) -> None:
    if len(what) < 2:
        raise UsageError("move needs entries and a place", cure="coolrun queue move 4 first")
    *which, place = what
    for label in desk.move(which, place):
        print(f"moved {label}")


def _hold(desk: Desk, what: list[str]) -> None:
    for label in desk.hold(_given(what, "hold"), hold=True):
        print(f"held {label}")


def _release(desk: Desk, what: list[str]) -> None:
    for label in desk.hold(_given(what, "release"), hold=False):
        print(f"released {label}")


def _undo(desk: Desk, what: list[str]) -> None:
    print(f"{desk.undo(what)} waits again")


def _given(what: list[str], action: str) -> list[str]:
    if not what:
        raise UsageError(
            f"{action} needs to know which", cure=f"coolrun queue {action} 2, a RUN_ID or a name"
        )
    return what
