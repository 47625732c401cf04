"""One run as its keeper sees it: its process, how far stopping it has come, what it left behind."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coolrun_plugins.local.processes import carries, group_exists, holds, session_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from coolrun_plugins.local.messages import ProgramOrder

SETTLE = 0.1  # seconds in which what a run left behind may end by itself
GRACE = 2.0  # seconds between TERM and KILL for what a run left behind
LAST = 5.0  # seconds after which a process that survives KILL is left alone

_STEPS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


@dataclass
class Task:
    """A run that was started and whose exit was not told yet.

    Attributes:
        pid: its main process.
        token, results: which attempt it is, and its results file.
        started, begun: local time as text, and the same on the monotonic clock.
        status: the wait status of the main process, once it has ended.
        ended: when that was, on the monotonic clock.
        program: what was started, if that is no process of ours.
        due: when `advance` has something to do, on the monotonic clock.
        warnings: what people should know.
    """

    pid: int
    token: str
    results: str
    started: str
    begun: float
    status: int | str | None = None
    ended: float = 0.0
    due: float | None = None
    program: ProgramOrder | None = None
    warnings: list[str] = field(default_factory=list)
    _grace: float = 0.0
    _step: int = 0
    _sessions: set[int] = field(default_factory=set)
    _signalled: set[tuple[int, int]] = field(default_factory=set)

    def cancel(self, grace: float, now: float) -> None:
        """Stop it: INT now, TERM after `grace` seconds, KILL after as long again; 0 kills now."""
        if grace <= 0:
            self._step = len(_STEPS) - 1
        elif self._step:
            # It is being stopped already; a shorter grace counts, a longer one does not.
            self.due = min(self.due or now, now + grace)
            self._grace = min(self._grace, grace)
            return
        self._grace, self.due = grace, now
        if self.status is None:
            self.advance(now)

    def advance(self, now: float) -> None:
        """Take the next step of stopping the main process, if it is due."""
        if self.status is not None or self.due is None or self.due > now:
            return
        number = _STEPS[self._step]
        self._signal_group(number)
        self._step += 1
        self.due = now + self._grace if self._step < len(_STEPS) else None

    def end(self, status: int | str, now: float) -> None:
        """Its main process has ended."""
        self.status, self.ended, self.due = status, now, None
        self._sessions.add(self.pid)

    def is_over(self, others: Collection[int], *, alone: bool, now: float) -> bool:
        """Whether nothing of it is left; what is left is asked to end, then told, then killed.

        Args:
            others: children of the keeper that are no main process of a run.
            alone: no other run could have left them behind.
            now: the monotonic time.
        """
        left = [pid for pid in others if alone or self._owns(pid)] if others else []
        grouped = group_exists(self.pid)
        if not left and not grouped:
            self._tell_left_behind()
            return True
        self._sessions |= {session_of(pid) for pid in left} - {0}
        number, self.due = self._stage(now)
        if number is None:
            return False
        if self.due is None:
            self.warnings.append("some processes that it left behind could not be ended")
            return True
        self._signal_left(left, number, grouped=grouped)
        return False

    def _owns(self, pid: int) -> bool:
        return (
            session_of(pid) in self._sessions
            or carries(pid, self.token)
            or holds(pid, self.results)
        )

    def _stage(self, now: float) -> tuple[signal.Signals | None, float | None]:
        """Which signal is due for what was left behind, and when to look again."""
        killed = self._step >= len(_STEPS) or (self._grace == 0 and self._step > 0)
        term = self.ended + (0.0 if self._step else SETTLE)
        kill = term if killed else term + GRACE
        if now < term:
            return None, term
        if now < kill:
            return signal.SIGTERM, kill
        # KILL makes orphans of what was further down, which are found when that has happened.
        return signal.SIGKILL, (now + 0.05 if now < kill + LAST else None)

    def _signal_left(self, left: list[int], number: signal.Signals, *, grouped: bool) -> None:
        if grouped and (0, number) not in self._signalled:
            self._signalled.add((0, number))
            self._signal_group(number)
        for pid in left:
            if (pid, number) in self._signalled:
                continue
            self._signalled.add((pid, number))
            try:
                # A child of this process that was not waited for: its number is its own.
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue

    def _signal_group(self, number: signal.Signals) -> None:
        for each in (number, signal.SIGCONT):
            try:
                os.killpg(self.pid, each)
            except (ProcessLookupError, PermissionError):
                if self.status is None:
                    self._signal_main(each)

    def _signal_main(self, number: signal.Signals) -> None:
        """It was just forked and has not made its group yet; or it was adopted and has gone."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return

    def _tell_left_behind(self) -> None:
        if not self._signalled:
            return
        count = len({pid for pid, _ in self._signalled if pid})
        some = f"{count} process{'es' if count > 1 else ''}" if count else "processes"
        self.warnings.append(f"ended {some} that the run had left behind")
