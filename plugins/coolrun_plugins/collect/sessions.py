"""The logs of a session, wherever its experiments had their records written."""

from __future__ import annotations

import os
from pathlib import Path

from coolrun.store import SessionFolder

KEY = "YamlLog"


def logs_of(folder: str) -> list[str]:
    """The logs that a session was to write, its own first; some may not exist.

    Raises:
        SessionError: the folder holds no whole plan.
    """
    session = SessionFolder(Path(folder).resolve())
    # `.coolrun/sessions/NAME` stands in the folder in which the session was started.
    start = session.path.parents[2]
    experiments, _, _ = session.read_plan()
    named = dict.fromkeys(e[KEY] for e in experiments if isinstance(e.get(KEY), str))
    return [str(session.log), *(os.path.normpath(start / name) for name in named)]
