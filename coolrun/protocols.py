"""What the core asks of a queue and of a launcher. The contract is in the docstrings.

`coolrun.testing` ships a suite for each that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from coolrun.experiment import Experiment
    from coolrun.run import Exit, Run


class Launcher(Protocol):
    """Starts runs, tells when they end, and stops them. Never blocks the caller."""

    def submit(self, runs: Sequence[Run]) -> None:
        """Start all of them. Returns at once; what cannot be started is told as an exit."""

    def fileno(self) -> int:
        """A descriptor that is readable whenever `poll` has something to tell."""

    def poll(self) -> Sequence[Exit]:
        """The exits since the last call, each told once; never blocks."""

    def cancel(self, tokens: Collection[str], *, grace: float) -> None:
        """Stop these runs and everything they started, and return at once.

        They are asked (INT), after `grace` seconds told (TERM), and after as long again killed
        (KILL). A grace of 0 kills now. Unknown tokens are ignored: the run has just ended.
        """

    def attach(self, runs: Sequence[Run]) -> Sequence[Run]:
        """Take over runs that another launcher of this kind started; returns those still alive.

        The end of each is told by `poll`, like that of a run of its own.
        """

    def close(self) -> None:
        """Give everything back, when nothing runs any more. Once more, it does nothing."""


class Queue(Protocol):
    """Holds the experiments that wait, in the order in which they are to start."""

    def put(self, experiments: Iterable[Experiment]) -> None:
        """Add experiments at the end."""

    def refresh(self) -> bool:
        """Take in what others have changed; True when anything is other than it was. Cheap."""

    def waiting(self) -> Sequence[Experiment]:
        """What waits, in order."""

    def take(self, experiment: Experiment) -> Experiment | None:
        """Remove it, since it starts now, and return it as it is to run.

        None when it is not there any more: removed by a person, or taken by another runner.
        """

    def give_back(self, experiment: Experiment) -> None:
        """Put it first again: it is to run once more."""

    def close(self) -> None:
        """Give everything back. What still waits is kept where the queue keeps things."""
