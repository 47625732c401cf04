"""Giving orders to a session that another process runs, and seeing that they are obeyed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from coolrun.control import send_order
from coolrun.errors import SessionError
from coolrun.standing import Onlooker, Standing

if TYPE_CHECKING:
    from coolrun.store import SessionFolder

PATIENCE = 5.0  # seconds for a session to do what it was told
_PAUSES = (0.01, 0.02, 0.05, 0.1)


class NotObeyed(SessionError):
    """The process that runs the session did not do what it was told in time."""


def give_order(
    folder: SessionFolder,
    words: Sequence[str],
    until: Callable[[Standing], bool],
    *,
    within: float = PATIENCE,
) -> Standing:
    """Give an order, and wait until it was obeyed or the session has ended.

    Args:
        words: a verb and its arguments.
        until: whether the session has done it, by how it stands.
        within: seconds.

    Returns:
        how the session stands then.

    Raises:
        NotObeyed: it takes longer.
    """
    deadline = time.monotonic() + within
    onlooker = Onlooker(folder)
    given, number = False, 0
    while True:
        given = given or _give(folder, words)
        standing = onlooker.look()
        if not standing.is_live or (given and until(standing)):
            return standing
        if time.monotonic() > deadline:
            raise NotObeyed(
                f"session {folder.name} does not answer",
                cure=f"look whether its process {standing.past.pid} is stopped or stuck",
            )
        time.sleep(_PAUSES[min(number, len(_PAUSES) - 1)])
        number += 1


def _give(folder: SessionFolder, words: Sequence[str]) -> bool:
    try:
        return send_order(folder.control, words)
    except BlockingIOError:
        return False  # so many orders wait that there is no room for this one
