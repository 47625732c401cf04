"""Watches a session and makes messages of it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from coolrun import ExitCode, Status, hookimpl
from coolrun.concealment import concealed, secrets_in
from coolrun.display import duration, visible
from coolrun_plugins.notify import notification as kinds
from coolrun_plugins.notify.best import Best
from coolrun_plugins.notify.failures import BAD, SHOWN, Failures
from coolrun_plugins.notify.notification import Failure, Notification

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coolrun import Record, Run, Session

LOOK = 1.0  # seconds in which failures gather before the first of them is told


class Watch:
    """Sees what happens and tells the services."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._failures = Failures()
        said = session.config.pluginmanager.ask("coolrun_say", config=session.config)
        self._best = Best(said) if said is not None else None
        self._secrets = secrets_in(os.environ)
        self._paused: str | None = None
        self._file = visible(session.plan.source.path)
        self._where = f"session {session.name} on {os.uname().nodename}"
        session.every(LOOK, self._look)

    def begin(self) -> None:
        """Say that the session starts, or goes on; of one that is only ended nothing is said."""
        session = self._session
        if session.config.ending:
            return
        chosen, ended = len(session.plan.chosen), len(session.ended)
        if ended:
            title = f"{self._file} goes on: {ended} of {_runs(chosen)} ended before"
        else:
            title = f"{self._file} started: {_runs(chosen)}"
            if session.state.capacity > 1:
                title += f", {session.state.capacity} at once"
        self._tell(kinds.STARTED, title, [self._where])

    @hookimpl
    def coolrun_post_run(self, run: Run, record: Record, session: Session) -> None:
        position = run.experiment.position
        if position not in session.ended:
            return  # it is run again
        if record.status in BAD:
            self._failures.add(record)
        elif record.status is Status.DONE and self._best is not None:
            self._best.take(record)

    @hookimpl
    def coolrun_session_finish(self, session: Session, exitcode: int) -> None:
        broken = exitcode in {ExitCode.ENDED, ExitCode.INTERNAL}
        spent = duration(self._spent())
        counted = ", ".join(f"{count} {status}" for status, count in self._counts().items())
        title = f"{self._file} {'was ended after' if broken else 'finished in'} {spent}"
        best = self._best.lines() if self._best is not None else []
        failures = self._failures.all()
        lines = [self._where]
        ended = session.ended
        if broken and not all(
            e.position in ended and ended[e.position].final for e in session.plan.chosen
        ):
            lines.append(f"go on with: coolrun --resume {session.name}")
        lines += [*(["best:"] if best else []), *best, *_told(failures)]
        kind = kinds.INTERRUPTED if broken else kinds.FINISHED
        self._tell(kind, f"{title}: {counted or 'nothing was run'}", lines, best, failures)

    def _look(self) -> None:
        paused = self._session.state.paused
        if paused is not None and paused != self._paused:
            title = f"{self._file} is paused"
            self._tell(kinds.PAUSED, title, [visible(paused), "go on with: coolrun continue"])
        self._paused = paused
        news = self._failures.news(self._session.config.clock.monotonic())
        if news:
            bad = sum(1 for status in self._session.ended.values() if status in BAD)
            title = f"{self._file}: {_runs(bad)} failed so far"
            self._tell(kinds.FAILED, title, _told(news), failures=news)

    def _tell(
        self,
        kind: str,
        title: str,
        lines: Iterable[str],
        best: Iterable[str] = (),
        failures: Iterable[Failure] = (),
    ) -> None:
        told = Notification(
            kind,
            self._harmless(title),
            "\n".join(map(self._harmless, lines)),
            self._session.name,
            self._counts(),
            self._spent(),
            tuple(map(self._harmless, best)),
            tuple(self._without_secrets(failure) for failure in failures),
        )
        manager = self._session.config.pluginmanager
        manager.notify("coolrun_notify", notification=told, session=self._session)

    def _counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for status in self._session.ended.values():
            counts[str(status)] = counts.get(str(status), 0) + 1
        rest = sum(e.position not in self._session.ended for e in self._session.plan.chosen)
        return {**counts, "not run": rest} if rest else counts

    def _spent(self) -> float:
        return self._session.config.clock.monotonic() - self._session.begun

    def _harmless(self, text: str) -> str:
        return concealed(text, self._secrets)

    def _without_secrets(self, failure: Failure) -> Failure:
        return replace(
            failure,
            cause=self._harmless(failure.cause),
            example=self._harmless(failure.example),
            reason=self._harmless(failure.reason),
            lines=tuple(map(self._harmless, failure.lines)),
        )


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _told(failures: list[Failure]) -> list[str]:
    """Failures as lines of plain text."""
    lines = []
    for failure in failures[:SHOWN]:
        why = failure.reason if failure.count == 1 else f"{failure.count:,} x {failure.cause}"
        lines.append(f"{why} ({'' if failure.count == 1 else 'such as '}{failure.example})")
        lines += [f"    {line}" for line in failure.lines]
    rest = len(failures) - SHOWN
    if rest > 0:
        lines.append(f"and {rest} other {'cause' if rest == 1 else 'causes'}")
    return lines
