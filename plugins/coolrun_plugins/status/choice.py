"""Which sessions a person wants to see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun.finding import find_session, is_running
from coolrun.journal import read_finish
from coolrun.store import SessionFolder

if TYPE_CHECKING:
    from coolrun import Config

ENDED = 3  # sessions that ended before their time which are shown by themselves


def chosen(config: Config) -> tuple[list[SessionFolder], int]:
    """The folders of the sessions to show, and how many others there are.

    Without a word about it: what runs, and the newest that ended before all was run or, if there
    are none, the newest of all.

    Raises:
        UsageError: there is no session, or the name fits none or several.
    """
    which = config.option("which")
    newest = find_session(config.cwd, which)
    if which:
        return [newest], 0
    folders = SessionFolder.all(config.cwd)[::-1]
    running = [folder for folder in folders if is_running(folder)]
    ended = [folder for folder in folders if folder not in running]
    # A look at the end of each journal tells what a person need not be shown: those are many.
    unfinished = [folder for folder in ended if read_finish(folder.journal) not in {0, 1}]
    if config.option("all"):
        first = [*running, *unfinished]
        return [*first, *(folder for folder in ended if folder not in unfinished)], 0
    shown = [*running, *unfinished[:ENDED]] or [newest]
    return shown, len(folders) - len(shown)
