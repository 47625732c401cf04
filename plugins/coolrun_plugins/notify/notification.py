"""What people are told about a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STARTED = "started"
FAILED = "failed"
PAUSED = "paused"
FINISHED = "finished"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Failure:
    """Runs that failed for one cause.

    Attributes:
        cause: why, without what differs from one run to the next; one line.
        count: how many runs failed for it so far.
        example: one of the runs, as people name it.
        reason: why that one failed.
        lines: the last lines of its output; none where more runs have failed like one told before.
    """

    cause: str
    count: int
    example: str
    reason: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notification:
    """One message about a session. Nothing in it is markup, and secrets are blanked.

    Attributes:
        kind: `started`, `failed`, `paused`, `finished` or `interrupted`; after the last two nothing
            comes.
        title: one line that says it all.
        text: the rest as lines of plain text; may be empty.
        thread: the name of the session; messages with the same one belong together.
        counts: how many experiments have ended how, by status, and `not run`.
        seconds: how long the session has gone on.
        best: the best results, best first, a line each.
        failures: the causes of failures; for `failed` those that are news, at the end all of them.
    """

    kind: str
    title: str
    text: str
    thread: str
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    best: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def last(self) -> bool:
        """Whether the session is over."""
        return self.kind in {FINISHED, INTERRUPTED}
