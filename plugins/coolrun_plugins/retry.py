"""`Retries: 2`: a run that failed is run again, each attempt with a record of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coolrun import Config, DefinitionError, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Blocked, Experiment, Plan, Record, Retry, Run

RETRIES = "Retries"
DELAY = "RetryDelay"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        RETRIES,
        type="whole number",
        default=0,
        help="how often a run that failed is run again",
        schema={"type": ["integer", "null"], "minimum": 0},
    )
    parser.add_key(
        DELAY,
        type="duration",
        default=0,
        help="how long to wait before each retry",
        schema=_duration,
    )


def _duration() -> dict[str, Any]:
    from coolrun.durations import SCHEMA

    return {"anyOf": [SCHEMA, {"type": "null"}]}


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Retries(), "retry-counts")


@hookimpl
def coolrun_plan(plan: Plan) -> None:
    from coolrun import Marked

    for experiment in plan.experiments:
        if not isinstance(experiment.get(RETRIES), Marked):
            retries(experiment)
        if not isinstance(experiment.get(DELAY), Marked):
            delay(experiment)


@hookimpl
def coolrun_ready(experiment: Experiment) -> Blocked | None:
    from coolrun import Blocked

    try:
        retries(experiment)
        delay(experiment)
    except DefinitionError as error:
        return Blocked(f"key {error.key!r}: {error.message}")
    return None


def retries(experiment: Experiment) -> int:
    """How often the experiment may be run again.

    Raises:
        DefinitionError: it is no whole number from 0.
    """
    written = experiment.get(RETRIES)
    if written is None:
        return 0
    if isinstance(written, bool) or not isinstance(written, int) or written < 0:
        error = DefinitionError(f"{RETRIES} is {written!r} (expected a whole number from 0)")
        raise experiment.blame(error, (RETRIES,))
    return written


def delay(experiment: Experiment) -> float:
    """The seconds between two attempts.

    Raises:
        DefinitionError: it is no length of time.
    """
    written = experiment.get(DELAY)
    if written is None:
        return 0.0
    from coolrun.durations import seconds

    try:
        return seconds(written)
    except ValueError as error:
        wrong = DefinitionError(f"{DELAY} is {written!r} ({error})")
        raise experiment.blame(wrong, (DELAY,)) from error


class Retries:
    """Counts the retries of each experiment in this session."""

    def __init__(self) -> None:
        self._spent: dict[int, int] = {}

    @hookimpl
    def coolrun_retry(self, run: Run, record: Record) -> Retry | None:
        from coolrun import Retry, Status

        if record.status is Status.INTERRUPTED:
            return None  # a person wanted it to stop
        position = run.experiment.position
        spent = self._spent.get(position, 0)
        if spent >= retries(run.experiment):
            self._spent.pop(position, None)
            return None
        self._spent[position] = spent + 1
        return Retry(run.experiment, delay(run.experiment))
