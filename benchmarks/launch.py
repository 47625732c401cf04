"""How much a run of a trivial function costs, next to `xargs -P2 -n1 /bin/true`.

    python benchmarks/launch.py [RUNS] [ROUNDS]

Pairs are taken in turn, each round in a fresh folder; the medians and their ratio are printed.
Target: at most 2.5 with everything that is kept about a run. Two files and a folder are made per
run: with TMPDIR on a disk that makes files slowly, this is what is measured.
"""

from __future__ import annotations

import os
import secrets
import select
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl
from coolrun.cli import configure
from coolrun.experiment import Experiment
from coolrun.run import Run
from coolrun_plugins.local.launcher import LocalLauncher

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 2


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    anchors, launched = [], []
    # Nothing is removed before the end: removing files slows down the making of others.
    with tempfile.TemporaryDirectory() as where:
        for _ in range(rounds):
            anchors.append(timed(lambda: run_xargs(count)))
            folder = tempfile.mkdtemp(dir=where)
            os.chdir(folder)
            launched.append(timed(partial(run_launcher, Path(folder), count)))
            os.chdir("/")
    anchor, figure = statistics.median(anchors), statistics.median(launched)
    print(f"xargs -P2 -n1 /bin/true   {1000 * anchor / count:7.3f} ms per run")
    print(f"functions by the launcher {1000 * figure / count:7.3f} ms per run")
    print(f"ratio                     {figure / anchor:7.2f} (target 2.5 with all bookkeeping)")


def run_xargs(count: int) -> None:
    words = "\n".join(map(str, range(count)))
    subprocess.run(["xargs", "-P2", "-n1", "/bin/true"], input=words, text=True, check=True)


def run_launcher(folder: Path, count: int) -> None:
    config = configure([])
    config.pluginmanager.register(Work(), "work")
    launcher = LocalLauncher(config)
    waiting = iter(range(count))
    running = 0
    ended = 0
    while ended < count:
        runs = []
        while running < AT_ONCE and (number := next(waiting, None)) is not None:
            runs.append(make_run(folder, number))
            running += 1
        if runs:
            launcher.submit(runs)
        select.select([launcher], [], [])
        exits = launcher.poll()
        if not all(exited.ok for exited in exits):
            raise SystemExit(f"a run failed: {exits}")
        running -= len(exits)
        ended += len(exits)
    launcher.close()
    config.close()


def make_run(folder: Path, number: int) -> Run:
    path = folder / f"{number:04}"
    path.mkdir()
    own = {"learning_rate": 0.1, "layers": [1, 2, 3], "number": number}
    experiment = Experiment(own, given={"REP": 0, "RND_IDX": number}, position=number)
    return Run("benchmark", experiment, 1, secrets.token_hex(8), path)


class Work:
    """A plugin that does next to nothing, for every experiment."""

    @hookimpl(tryfirst=True)
    def coolrun_execute(self, parameters: Any) -> Callable[[], None]:
        return lambda: parameters.update(ACC=parameters["number"] * 2)


def timed(function: Callable[[], object]) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
