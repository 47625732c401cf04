"""What became of the runs of a session whose runner has gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from coolrun.journal import Attempt, Past
from coolrun.results import read_results, token_of
from coolrun.run import Record, Run, Status
from coolrun.scheduler import Submitted

if TYPE_CHECKING:
    from coolrun.session import Session

UNSEEN = "it ended together with the processes that kept it"


class Resurvey:
    """Takes up every attempt that was made, in the session that goes on.

    Attributes:
        replayed: the records that were missing, which nobody was told of.
    """

    def __init__(self, session: Session, past: Past) -> None:
        self._session = session
        self._past = past
        self.replayed: list[Record] = []
        self._doubtful: set[str] = set()

    def complete(self) -> None:
        """Find out what a journal that lost its end does not say.

        Only where the session never said that it ended: otherwise everything was synced.
        """
        if self._past.finished is not None:
            return
        ask, config = self._session.config.pluginmanager.ask, self._session.config
        for attempt in self._past.attempts.values():
            if attempt.recorded:
                run = self._session.run_of(attempt)
                attempt.recorded = ask("coolrun_recorded", run=run, config=config) is not False
                if not attempt.recorded:
                    self._doubtful.add(attempt.token)
        last = self._past.last_attempts()
        for experiment in self._session.plan.chosen:
            known = last.get(experiment.position)
            if known is None or not known.final:
                self._find(experiment.position, 1 if known is None else known.number + 1)

    def take_up(self, again: Callable[[Attempt], bool]) -> list[int]:
        """Record what was not, adopt what still runs, and return the positions that are to run."""
        session, last = self._session, self._past.last_attempts()
        unknown: list[Run] = []
        for attempt in self._past.attempts.values():
            if attempt.status is not None and not attempt.recorded:
                self._replay(session.run_of(attempt), attempt)
        for attempt in last.values():
            known = session.attempts.get(attempt.position, 0)
            session.attempts[attempt.position] = max(known, attempt.number)
            if attempt.status is None:
                unknown.append(session.run_of(attempt))
        alive = {run.token for run in session.launcher.attach(unknown)}
        for run in unknown:
            if run.token in alive:
                session.tell(Submitted(run))
            else:
                self._settle(run, last[run.experiment.position])
        return self._waiting(last, alive, again)

    def _waiting(
        self,
        last: Mapping[int, Attempt],
        alive: Collection[str],
        again: Callable[[Attempt], bool],
    ) -> list[int]:
        waiting = []
        for experiment in self._session.plan.chosen:
            attempt = last.get(experiment.position)
            if attempt is not None and attempt.token in alive:
                continue
            if attempt is None or not attempt.final or again(attempt):
                waiting.append(experiment.position)
                if attempt is not None and attempt.final:
                    self._session.journal.again(attempt.token)
            else:
                self._session.settle(attempt)
        return waiting

    def _find(self, position: int, number: int) -> None:
        """The attempts from this number on that have left a file, but nothing in the journal."""
        while True:
            run = self._session.run_of(Attempt(position, number, ""))
            if not run.results.exists():
                return
            # No other attempt may use the file, whoever it belongs to.
            self._session.attempts[position] = number
            token = token_of(run.results)
            if token is not None:
                attempt = Attempt(position, number, token)
                self._past.attempts[token] = attempt
                self._session.journal.started([self._session.run_of(attempt)])
            number += 1

    def _settle(self, run: Run, attempt: Attempt) -> None:
        """Say how a run ended that ended while nobody looked."""
        written = read_results(run.results, run.token)
        seconds = None
        if written.exit is not None:
            exited = written.exit
            if not exited.ok:
                exited = self._session.diagnosed(run, exited)
            attempt.status = Status.DONE if exited.ok else Status.FAILED
            attempt.failure = exited.failure
            seconds = exited.elapsed
        else:
            attempt.status, attempt.failure = Status.LOST, UNSEEN
        self._session.journal.ended(run.token, attempt.status, attempt.failure, seconds)
        self._replay(run, attempt)

    def _replay(self, run: Run, attempt: Attempt) -> None:
        """Write the record of a run that ended without one."""
        assert attempt.status is not None
        started = self._session.config.clock.now().isoformat(timespec="seconds")
        written = read_results(run.results, run.token)
        exited = written.exit or written.end(run.token, attempt.failure, started, 0.0)
        if attempt.failure is not None:
            exited = exited.because(attempt.failure)
        record = Record(run, exited, attempt.status, replayed=True)
        self._session.record(record)
        attempt.recorded = True
        if run.token not in self._doubtful:
            self.replayed.append(record)
