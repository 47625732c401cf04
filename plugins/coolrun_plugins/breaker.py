"""`Global.pause_after: 3`: so many quick failures of one cause in a row hold the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser, Record, Run, Session

SETTING = "pause_after"
QUICK = 30.0  # seconds from its start in which a failure says more about the code than the values


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_setting(
        SETTING,
        type=_count,
        default=None,
        help="pause after so many failures of one cause in a row, soon after their start",
        schema={"type": ["integer", "null"], "minimum": 1},
    )


def _count(value: object) -> object:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError("expected a positive whole number or null")
    return value


@hookimpl
def coolrun_session_start(session: Session) -> None:
    config: Config = session.config
    most = config.setting(SETTING)
    if most is not None:
        config.pluginmanager.register(Breaker(most), "breaker-count")


class Breaker:
    """Counts failures of one cause in a row."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._cause = ""
        self._count = 0

    @hookimpl
    def coolrun_post_run(self, run: Run, record: Record, session: Session) -> None:
        why = cause_of(record)
        self._count = self._count + 1 if why and why == self._cause else int(bool(why))
        self._cause = why
        if self._count >= self._most and len(session.waiting):
            self._count = 0
            times = f"{self._most} runs in a row" if self._most > 1 else "a run"
            session.pause(f"{times} failed soon after the start: {record.failure}")


def cause_of(record: Record) -> str:
    """The failure without what differs from run to run; empty if it does not count."""
    from coolrun import Status
    from coolrun.causes import cause

    if record.status is not Status.FAILED or record.exit.elapsed > QUICK or not record.failure:
        return ""
    return cause(record.failure)
