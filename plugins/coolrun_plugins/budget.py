"""`--max-runs N`, `--for 2h` and `--until 08:00`: a session that stops starting runs in time."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from coolrun import Config, Parser, UsageError, hookimpl

if TYPE_CHECKING:
    from datetime import datetime

    from coolrun import Lease, Record, Run, Session

END = "COOLRUN_ENDBY"
_NO_DAY = "0001-01-01T"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option(
        "--max-runs", type=_count, metavar="N", help="start at most so many runs, retries included"
    )
    parser.add_option(
        "--for",
        dest="length",
        type=_length,
        metavar="TIME",
        help="start nothing that will not end within this time: 2h, 90m",
    )
    parser.add_option(
        "--until",
        type=_moment,
        metavar="TIME",
        help="start nothing that will not end before this moment: 08:00, 2026-09-21T08:00",
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    """
    Raises:
        UsageError: the moment is over.
    """
    until = config.option("until")
    if until is not None and _next(until, config.clock.now()) <= config.clock.now():
        raise UsageError(
            f"--until {until:%Y-%m-%dT%H:%M} is over",
            cure="write a later moment, or a time of day such as 08:00 for the next one",
        )
    given = [config.option(name) for name in ("max_runs", "length", "until")]
    if any(value is not None for value in given):
        config.pluginmanager.register(Budget(config), "budget-spent")


class Budget:
    """Knows what a session may still start."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._most: int | None = config.option("max_runs")
        self._end: datetime | None = None
        self._given: set[str] = set()
        self._started = 0
        self._begun: dict[str, float] = {}
        self._spent: dict[str, tuple[int, float]] = {}

    @hookimpl
    def coolrun_session_start(self, session: Session) -> None:
        from datetime import timedelta

        length, until = self._config.option("length"), self._config.option("until")
        ends = [session.started + timedelta(seconds=length)] if length is not None else []
        ends += [_next(until, session.started)] if until is not None else []
        self._end = min(ends, default=None)

    @hookimpl(trylast=True)
    def coolrun_pre_launch(self, run: Run) -> Lease:
        """
        Raises:
            Halt: the budget is spent, or would not suffice for this run.
        """

        from coolrun import Halt, Lease

        if self._most is not None and self._started + len(self._given) >= self._most:
            raise Halt(f"--max-runs {self._most}: as many were started")
        environment = {}
        if self._end is not None:
            self._check_time(run, self._end)
            environment[END] = self._end.isoformat(timespec="seconds")
        self._given.add(run.token)
        return Lease(environment=environment, release=lambda: self._given.discard(run.token))

    @hookimpl
    def coolrun_run_start(self, run: Run) -> None:
        self._given.discard(run.token)
        self._started += 1
        self._begun[run.token] = self._config.clock.monotonic()

    @hookimpl
    def coolrun_post_run(self, run: Run, record: Record) -> None:
        from coolrun import Status

        begun = self._begun.pop(run.token, None)
        if begun is None or record.status is not Status.DONE:
            return
        spent = self._config.clock.monotonic() - begun
        for name in (run.experiment.name, ""):
            count, total = self._spent.get(name, (0, 0.0))
            self._spent[name] = count + 1, total + spent

    def _check_time(self, run: Run, end: datetime) -> None:
        from coolrun import Halt
        from coolrun.display import duration

        left = (end - self._config.clock.now()).total_seconds()
        if left <= 0:
            raise Halt(f"the time is up ({end:%H:%M})")
        expected = self._expected(run)
        if expected > left:
            raise Halt(
                f"{run.experiment.label} takes about {duration(expected)}, "
                f"and {duration(left)} are left until {end:%H:%M}"
            )

    def _expected(self, run: Run) -> float:
        """The mean of what runs of that name took, or else of what all took; 0 without any."""
        count, total = self._spent.get(run.experiment.name) or self._spent.get("", (1, 0.0))
        return total / count


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"invalid number {text!r} (expected 1 or more)")
    return int(text)


def _length(text: str) -> float:
    from coolrun.durations import seconds

    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"invalid time {text!r} ({error})") from None


def _moment(text: str) -> datetime:
    """A moment, or a time of day as a moment in the year 1."""

    from datetime import datetime

    try:
        return datetime.fromisoformat(f"{_NO_DAY}{text.zfill(5)}" if len(text) <= 8 else text)
    except ValueError:
        message = f"invalid moment {text!r} (expected a time such as 08:00 or 2026-09-21T08:00)"
        raise argparse.ArgumentTypeError(message) from None


def _next(moment: datetime, now: datetime) -> datetime:
    """The moment itself, or the next time that the clock shows it."""

    from datetime import timedelta

    if moment.year > 1:
        return moment.astimezone()
    day = now.replace(tzinfo=None)
    end = day.replace(hour=moment.hour, minute=moment.minute, second=moment.second, microsecond=0)
    # Taken as local time again, since the offset may change in between.
    return (end if end > day else end + timedelta(days=1)).astimezone()
