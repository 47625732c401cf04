"""The queue that is kept in memory: first in, first out."""

from __future__ import annotations

from collections import deque
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
        self._waiting: deque[Experiment] = deque()

    def put(self, experiments: Iterable[Experiment]) -> None:
        self._waiting.extend(experiments)

    def take(self) -> Experiment | None:
        return self._waiting.popleft() if self._waiting else None

    def waiting(self) -> Sequence[Experiment]:
        return tuple(self._waiting)

    def __len__(self) -> int:
        return len(self._waiting)

    def close(self) -> None:
        self._waiting.clear()
