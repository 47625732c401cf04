"""How long `coolrun status` takes for a session of many runs.

    python benchmarks/status.py [RUNS] [ROUNDS]

The session is written, not run: nine tenths of it have ended, twenty runs go on. The start of the
command itself (`coolrun plugins --json`, which reads nothing) is the anchor. Target: 0.3 seconds
for 10,000 runs.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from coolrun.experiment import Experiment
from coolrun.results import ResultsWriter
from coolrun.run import Status
from coolrun.testing.sessions import run_of, write_session

RUNNING = 20


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, count)
        anchors, figures = [], []
        for _ in range(rounds):
            anchors.append(seconds(folder, "plugins", "--json"))
            figures.append(seconds(folder, "status"))
    anchor, figure = statistics.median(anchors), statistics.median(figures)
    print(f"start of a command          {anchor:6.3f} s of CPU time")
    print(f"status of {count:>8,} runs    {figure:6.3f} s of CPU time (target 0.3 for 10,000)")
    print(f"ratio                       {figure / anchor:6.2f}")


def write(cwd: Path, count: int) -> None:
    experiments = [
        Experiment({"Name": f"run-{n}", "lr": n / 7, "layers": [n, 2, 3], "note": "x" * 200})
        for n in range(count)
    ]
    ended = count * 9 // 10
    done, failed = (Status.DONE, None, 12.5), (Status.FAILED, "ValueError: no luck with 7", 1.5)
    ends = {n: failed if n % 10 == 0 else done for n in range(ended)}
    running = range(ended, min(ended + RUNNING, count))
    folder = write_session(cwd, experiments, ends=ends, running=running, places=RUNNING)
    for number in running:
        run = run_of(folder, experiments[number])
        run.folder.mkdir(parents=True)
        ResultsWriter(run.results, run.token, "2026-01-02T03:04:05+00:00").close()
        run.output.write_text("epoch 1\n" * 1000)


def seconds(cwd: Path, *args: str) -> float:
    """The CPU time of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "coolrun", *args]
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, env={**os.environ})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
