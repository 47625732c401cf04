"""Ending what a session has left behind whose own process has gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun.errors import SessionError
from coolrun.opening import Resumption, launcher_of, open_session
from coolrun.resurvey import Resurvey
from coolrun.scheduler import Interrupt, Terminate

if TYPE_CHECKING:
    from coolrun.config import Config


def end_session(resumption: Resumption, config: Config, *, kill: bool = False) -> None:
    """End what still runs of a session, and record what became of it; nothing is started.

    What has ended is recorded; what runs is asked to end, told and killed, and recorded then.

    Args:
        kill: kill it at once.

    Raises:
        SessionError: another process runs the session.
    """
    folder, plan = resumption.folder, resumption.plan
    if not folder.lock():
        raise SessionError(f"session {folder.name} has just been taken up", cure="try again")
    config.add_cleanup(folder.unlock)
    config.session_folder = folder
    config.ending = True
    config.take_settings(plan.settings, plan.source)
    session = open_session(plan, folder, config, launcher_of(config), enqueue=False)
    survey = Resurvey(session, resumption.past)
    survey.complete()
    survey.take_up(lambda _: False)
    session.tell(Terminate(config.clock.monotonic()))
    if kill:
        session.tell(Interrupt(config.clock.monotonic()))
    session.run()
