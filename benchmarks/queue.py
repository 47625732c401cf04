"""What a queue in a file costs per launch, with few and with many that wait; adding and reading.

    python benchmarks/queue.py [MANY]

CPU time of this process. Targets: at most 1 ms per launch with 100,000 that wait, the rewriting of
the file included; adding to the queue is not slower than reading its file once.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from coolrun import Experiment, Plan, Source
from coolrun.cli import configure
from coolrun.session import Session
from coolrun.store import SessionFolder
from coolrun.yamlio import LOG, read_all
from coolrun_plugins.diskqueue.queue import DiskQueue

LAUNCHES = 500
BUSY = 0.004  # seconds between two launches: two runs of 8 ms at a time
SOURCE = Source("experiment.yaml", b"Module: m\n")


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"per launch, {1000:7,} wait      {launching(1000)[0]:8.3f} ms")
    figure, adding, reading = launching(many)
    print(f"per launch, {many:7,} wait      {figure:8.3f} ms   (target 1)")
    print(f"adding {many:,}              {adding:8.2f} s")
    print(f"reading them once           {reading:8.2f} s")
    print(f"ratio                       {adding / reading:8.2f}     (target 1)")


def launching(count: int) -> tuple[float, float, float]:
    """Milliseconds per launch, seconds for adding, seconds for reading."""
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        folder = Path(name)
        experiments = [experiment(position) for position in range(count)]
        store = SessionFolder.create(folder, datetime.now(timezone.utc))
        store.write_definition(SOURCE)
        config = configure([])
        path = folder / "queue.yaml"
        queue = DiskQueue(path, path.name, config, store.name, store.path, "batch")
        begun = time.process_time()
        queue.put(experiments)
        adding = time.process_time() - begun
        data = path.read_bytes()
        begun = time.process_time()
        read_all(data, path="queue.yaml", limits=LOG)
        reading = time.process_time() - begun
        session: Any = SimpleNamespace(
            plan=Plan(experiments, {}, SOURCE),
            folder=store,
            name=store.name,
            config=config,
            attempts={},
        )
        session.extend = lambda e: Session.extend(session, e)
        queue.begin(session)
        queue.refresh()
        waiting = iter(queue.waiting())
        begun, looked = time.process_time(), 0.0
        for _ in range(LAUNCHES):
            queue.refresh()
            queue.take(next(waiting))
            if time.monotonic() - looked > 0.3:
                queue.tend()
                looked = time.monotonic()
            time.sleep(BUSY)
        taking = time.process_time() - begun
        queue.close()
        os.chdir("/")
    return 1000 * taking / LAUNCHES, adding, reading


def experiment(position: int) -> Experiment:
    own: dict[str, Any] = {"Name": f"run {position}", "lr": position / 7, "seed": position}
    own |= {f"parameter_{n}": f"value {position * n}" for n in range(10)}
    own |= {"sizes": [position, 2, 3], "optimizer": {"name": "sgd", "momentum": 0.9}}
    return Experiment(own, {"Module": "m"}, {"REP": 0, "RND_IDX": position}, position=position)


if __name__ == "__main__":
    main()
