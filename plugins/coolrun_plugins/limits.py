"""`Timeout: 2h` and `Stalled: 10m`: a run that takes too long, or prints nothing, is stopped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from coolrun import Config, DefinitionError, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Blocked, Experiment, Plan, Run, Session

TIMEOUT = "Timeout"
STALLED = "Stalled"
_COARSE, _FINE = 1.0, 0.05  # seconds between two looks


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        TIMEOUT,
        type="duration",
        help="a run is stopped after this long: seconds, 90s, 10m, 2h, 1d",
        schema=_schema,
    )
    parser.add_key(
        STALLED,
        type="duration",
        help="a run that prints nothing for this long is stopped",
        schema=_schema,
    )


def _schema() -> dict[str, Any]:
    from coolrun.durations import SCHEMA

    return {"anyOf": [SCHEMA, {"type": "null"}], "not": {"const": 0}}


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Limits(config), "limits-watch")


@hookimpl
def coolrun_plan(plan: Plan) -> None:
    from coolrun import Marked

    for experiment in plan.experiments:
        for key in (TIMEOUT, STALLED):
            if not isinstance(experiment.get(key), Marked):
                limit(experiment, key)


@hookimpl
def coolrun_ready(experiment: Experiment) -> Blocked | None:
    from coolrun import Blocked

    try:
        limit(experiment, TIMEOUT)
        limit(experiment, STALLED)
    except DefinitionError as error:
        return Blocked(f"key {error.key!r}: {error.message}")
    return None


def limit(experiment: Experiment, key: str) -> float | None:
    """The seconds that a key of an experiment allows, or None.

    Raises:
        DefinitionError: it is no length of time above zero.
    """
    written = experiment.get(key)
    if written is None:
        return None
    from coolrun.durations import seconds

    try:
        length = seconds(written)
    except ValueError as error:
        wrong = DefinitionError(f"{key} is {written!r} ({error})")
        raise experiment.blame(wrong, (key,)) from error
    if length == 0:
        none = DefinitionError(f"{key} is {written!r}", cure="write null to have no limit")
        raise experiment.blame(none, (key,))
    return length


class Limits:
    """Looks at what runs, about ten times as often as the shortest limit asks for."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._watched: dict[str, Watched | None] = {}

    @hookimpl
    def coolrun_session_start(self, session: Session) -> None:
        from coolrun import Marked

        planned = [
            length
            for experiment in session.plan.chosen
            for key in (TIMEOUT, STALLED)
            if not isinstance(experiment.get(key), Marked)
            and (length := limit(experiment, key)) is not None
        ]
        often = max(_FINE, min([_COARSE, *(length / 10 for length in planned)]))
        session.every(often, lambda: self._look(session))

    @hookimpl
    def coolrun_run_start(self, run: Run) -> None:
        self._watch(run, age=0.0)

    @hookimpl
    def coolrun_post_run(self, run: Run) -> None:
        self._watched.pop(run.token, None)

    def _watch(self, run: Run, *, age: float) -> None:
        timeout, stalled = limit(run.experiment, TIMEOUT), limit(run.experiment, STALLED)
        watched = None
        if timeout is not None or stalled is not None:
            now = self._config.clock.monotonic()
            watched = Watched(timeout, stalled, now - age, now)
        self._watched[run.token] = watched

    def _look(self, session: Session) -> None:
        from coolrun import Status

        now = self._config.clock.monotonic()
        for run in session.running:
            if run.token not in self._watched:
                self._watch(run, age=self._age(run))  # started by an earlier runner
            watched = self._watched[run.token]
            reason = watched.reason_to_stop(run, now) if watched is not None else None
            if reason is not None:
                session.stop_run(run.token, Status.TIMEOUT, reason)

    def _age(self, run: Run) -> float:
        from datetime import datetime

        from coolrun.results import read_results

        started = read_results(run.results, run.token).started
        if started is None:
            return 0.0
        age = self._config.clock.now() - datetime.fromisoformat(started)
        return max(0.0, age.total_seconds())


class Watched:
    """The limits of one run, and when it last printed something; times are monotonic."""

    def __init__(
        self, timeout: float | None, stalled: float | None, begun: float, now: float
    ) -> None:
        self.timeout = timeout
        self.stalled = stalled
        self.begun = begun
        self.changed = now
        self.seen = (0, 0)

    def reason_to_stop(self, run: Run, now: float) -> str | None:
        """Why the run is to be stopped now, or None."""
        from coolrun.display import duration

        if self.timeout is not None and now - self.begun >= self.timeout:
            return f"it ran longer than its {TIMEOUT} of {duration(self.timeout)}"
        if self.stalled is None:
            return None
        seen = _size_and_time(run)
        if seen != self.seen:
            self.seen, self.changed = seen, now
        elif now - self.changed >= self.stalled:
            return f"it printed nothing for {duration(self.stalled)} ({STALLED})"
        return None


def _size_and_time(run: Run) -> tuple[int, int]:
    try:
        state = os.stat(run.output)
    except OSError:
        return 0, 0
    return state.st_size, state.st_mtime_ns
