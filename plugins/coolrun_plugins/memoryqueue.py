"""The queue that is kept in memory: first in, first out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from coolrun import Config, Experiment, Parser, Plan, UsageError, hookimpl


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_setting(
        "queue", type=_path, default=None, help="a file for the queue; null keeps it in memory"
    )


def _path(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("expected a path or null")
    return value


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    path = config.setting("queue")
    if path is not None:
        raise UsageError(
            f"a queue on disk ({path!r}) is not available yet",
            cure="set Global.queue to null to keep the queue in memory",
        )


@hookimpl
def coolrun_queue() -> MemoryQueue:
    return MemoryQueue()


class MemoryQueue:
    """First in, first out, gone with the process."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, Experiment] = OrderedDict()

    def put(self, experiments: Iterable[Experiment]) -> None:
        self._waiting.update((experiment.position, experiment) for experiment in experiments)

    def refresh(self) -> bool:
        return False

    def waiting(self) -> Sequence[Experiment]:
        return tuple(self._waiting.values())

    def take(self, experiment: Experiment) -> Experiment | None:
        return self._waiting.pop(experiment.position, None)

    def give_back(self, experiment: Experiment) -> None:
        self._waiting[experiment.position] = experiment
        self._waiting.move_to_end(experiment.position, last=False)

    def close(self) -> None:
        self._waiting.clear()
