"""The processes on a GPU: which run they belong to, or whose they are and what they are called."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from coolrun_plugins.gpu.devices import Holder
    from coolrun_plugins.gpu.underway import RunsUnderWay

T = TypeVar("T")

# Where runs have their results, unless their files go to another folder.
_RESULTS = re.compile(
    r"/\.coolrun/sessions/(?P<session>[^/]+)/runs/(?P<position>\d+)"
    r"/results(?:\.(?P<attempt>\d+))?\.jsonl"
)
_RUN_ID = b"COOLRUN_RUN_ID="


@dataclass(frozen=True)
class Process:
    """What is known of a process on a GPU.

    Attributes:
        memory: bytes that it takes there; None where the driver does not say.
        user, command: whose it is and what it is called; empty where that is not told.
        run_id: the run that it belongs to, by itself or by a process that started it.
        name: the name of that run's experiment, where its session was started in this folder.
    """

    pid: int
    memory: int | None
    user: str = ""
    command: str = ""
    run_id: str | None = None
    name: str = ""


class Processes:
    """Finds out about processes."""

    def __init__(self, runs: RunsUnderWay) -> None:
        self._runs = runs

    def of(self, holder: Holder) -> Process:
        """The process; little is known of one that has gone, or is hidden from us."""
        import psutil

        try:
            process = psutil.Process(holder.pid)
            started_by = _unless_hidden(process.parents, list[psutil.Process]())
            lineage = [holder.pid, *(parent.pid for parent in started_by)]
            run_id = next(filter(None, map(self._run_id, lineage)), None)
            words = _unless_hidden(process.cmdline, list[str]())
            return Process(
                holder.pid,
                holder.memory,
                user=_unless_hidden(process.username, ""),
                command=" ".join(words) or _unless_hidden(process.name, ""),
                run_id=run_id,
                name=self._runs.names.get(run_id, "") if run_id else "",
            )
        except psutil.NoSuchProcess:
            return Process(holder.pid, holder.memory)

    def _run_id(self, pid: int) -> str | None:
        """The run of a process: a fork has its results open, a program its number around it."""
        for path in _open_files(pid):
            if path in self._runs.results:
                return self._runs.results[path]
            if written := _RESULTS.search(path):
                number = int(written["attempt"] or 1)
                return f"{written['session']}.{int(written['position'])}.{number}"
        return _told(pid)


def _open_files(pid: int) -> Iterator[str]:
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return  # it has gone, or is another person's
    for name in names:
        try:
            yield os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue  # closed since it was listed


def _told(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return None
    written = next((v for v in variables if v.startswith(_RUN_ID)), None)
    return None if written is None else written[len(_RUN_ID) :].decode("utf-8", "replace")


def _unless_hidden(ask: Callable[[], T], otherwise: T) -> T:
    """What is asked of a process; machines can hide those of others."""
    import psutil

    try:
        return ask()
    except psutil.AccessDenied:
        return otherwise
