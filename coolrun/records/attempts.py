"""Which run a record is of: of several attempts at one experiment, the last one counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coolrun.plain import Plain


Attempt = tuple[str, int]


def attempt_of(record: Mapping[Any, Plain]) -> Attempt | None:
    """The experiment of a session, and which attempt at it this is; None where nothing says so.

    Source of facts: `coolrun.run.Run.id` is session, position and attempt.
    """
    run = record.get("RUN_ID")
    if type(run) is not str:
        return None
    experiment, dot, number = run.rpartition(".")
    attempt = record.get("ATTEMPT")
    if type(attempt) is int:
        return (experiment if dot and number == str(attempt) else run), attempt
    if dot and "." in experiment and number.isascii() and number.isdigit():
        return experiment, int(number[:9])
    return None


def latest(attempts: Iterable[Attempt]) -> dict[str, int]:
    """The last attempt at each experiment."""
    last: dict[str, int] = {}
    for experiment, number in attempts:
        if number > last.get(experiment, 0):
            last[experiment] = number
    return last
