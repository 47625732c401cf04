"""The hooks by which messages about a session reach people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookspec

if TYPE_CHECKING:
    from coolrun import Config, Session
    from coolrun_plugins.notify.notification import Notification


@hookspec
def coolrun_notify(notification: Notification, session: Session) -> None:
    """Told what a person wants to know who is not looking at the screen. [observing]

    Called in the runner, a few times in a session: when it starts, when runs have failed (equal
    failures together, and the longer the rarer), when it is paused and when it has ended. Return
    at once: `coolrun.outbox.Outbox` delivers in a thread of its own. Services that are asked for
    by a setting register when the session starts.
    """


@hookspec(firstresult=True)
def coolrun_say(config: Config) -> str | None:
    """Give the expression by which the best results are told. [deciding, first result]

    Called in the runner when a session starts about which somebody is told. It is evaluated on the
    record of each run that is done, as `coolrun filter --sort` does. None means: not by this
    plugin.
    """
