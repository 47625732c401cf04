"""How much a run costs in a whole session, next to `xargs -P2 -n1 /bin/true` and other runners.

    python benchmarks/sessions.py [RUNS ...] [--rounds N]

Everything is counted: start-up, plan, journal, record, output file. Functions are forked from a
process that has them loaded; commands are started as they are. Each round takes fresh folders, and
all take their turn in it; medians are printed, and how the cost of a run grows with their number.
GNU parallel is taken where it is installed, mlrunner is installed into an environment of its own
for the time of the measurement. Set TMPDIR to say on which disk.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import coolrun
import coolrun_plugins

COOLRUN = str(Path(sys.executable).parent / "coolrun")
FUNCTION = "def main(exp):\n    exp.ACC = 1\n"
DEFINITIONS = {
    "functions": "Module: trivial\nGlobal: {jobs: 2, preload: [trivial]}\n",
    "commands": "Command: /bin/true\nGlobal: {jobs: 2}\n",
}
ANCHOR, SLOW = "xargs -P2", "parallel"
TARGETS = {"functions": 2.5, "commands": 1.5}  # times the anchor
FASTER = 3.0  # than GNU parallel with records


class Taken(NamedTuple):
    """Seconds that a command took: on the clock, and of all processors."""

    wall: float
    cpu: float


Prepare = Callable[[Path, int], str]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="*", type=int, default=[1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for package in (coolrun, coolrun_plugins):
        compileall.compile_dir(str(Path(str(package.__file__)).parent), quiet=1)
    per_run: dict[str, dict[int, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ways = {ANCHOR: xargs, **others(Path(folder)), **ours()}
        for count in options.runs:
            taken = measured(ways, count, options.rounds, Path(folder))
            show(taken, count)
            for name, rounds in taken.items():
                wall = statistics.median(one.wall for one in rounds)
                per_run.setdefault(name, {})[count] = wall / count
    first, last = min(options.runs), max(options.runs)
    if last > first:
        print(f"a run of {last:,} to one of {first:,}, whole sessions:")
        for name, costs in per_run.items():
            print(f"  {name:10}{costs[last] / costs[first]:8.2f}")


def measured(
    ways: Mapping[str, Prepare], count: int, rounds: int, where: Path
) -> dict[str, list[Taken]]:
    """Nothing is removed before the end: removing files slows down the making of others."""
    taken: dict[str, list[Taken]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, prepare in ways.items():
            folder = tempfile.mkdtemp(dir=where)
            taken[name].append(timed(prepare(Path(folder), count), folder))
    return taken


def show(taken: Mapping[str, list[Taken]], count: int) -> None:
    """A table: milliseconds per run, and ratios of what was measured in the same round."""
    print(f"{count:,} runs      ms per run  CPU ms  to xargs  target")
    for name, rounds in taken.items():
        wall = statistics.median(one.wall for one in rounds) / count * 1000
        cpu = statistics.median(one.cpu for one in rounds) / count * 1000
        line = f"  {name:12}{wall:12.2f}{cpu:8.2f}{ratio(rounds, taken[ANCHOR]):10.2f}"
        print(line + (f"{TARGETS[name]:8.1f}" if name in TARGETS else ""))
    for name in TARGETS:
        for other in (other for other in taken if other not in {ANCHOR, *TARGETS}):
            target = f" (target {FASTER:.0f})" if other == SLOW else ""
            print(
                f"  {other} takes {ratio(taken[other], taken[name]):.1f}x as long as {name}{target}"
            )
    print(flush=True)


def ratio(some: list[Taken], others: list[Taken]) -> float:
    return statistics.median(a.wall / b.wall for a, b in zip(some, others, strict=True))


def timed(command: str, folder: str) -> Taken:
    """What a shell command takes, with all that it starts and waits for."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with open(Path(folder, "printed.txt"), "wb") as printed:
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, stdout=printed, stderr=printed
        )
    wall = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(Path(folder, "printed.txt").read_text(encoding="utf-8")[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Taken(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


# What is measured: each makes its files in a fresh folder, and says what to type there


def xargs(folder: Path, count: int) -> str:
    return f"seq {count} | xargs -P2 -n1 /bin/true"


def ours() -> dict[str, Prepare]:
    def prepare(head: str, folder: Path, count: int) -> str:
        (folder / "trivial.py").write_text(FUNCTION, encoding="utf-8")
        text = f"{head}---\nRepeat: {count}\n"
        (folder / "experiment.yaml").write_text(text, encoding="utf-8")
        return COOLRUN

    return {name: partial(prepare, head) for name, head in DEFINITIONS.items()}


def others(environment: Path) -> dict[str, Prepare]:
    found: dict[str, Prepare] = {}
    if shutil.which("parallel"):
        found[SLOW] = parallel
    else:
        print("parallel is left out: it is not installed")
    if install("mlrunner", environment):
        found["mlrunner"] = partial(mlrunner, environment / "bin" / "run")
    return found


def parallel(folder: Path, count: int) -> str:
    return f"seq {count} | parallel --will-cite -j2 --joblog log --results out /bin/true"


def mlrunner(program: Path, folder: Path, count: int) -> str:
    numbers = ", ".join(map(str, range(count)))
    text = f"template:\n  train: /bin/true {{n}}\nresource: [0, 1]\n---\nn: [{numbers}]\n"
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    return str(program)


def install(package: str, environment: Path) -> bool:
    """Whether a package could be installed from the registry into a new environment."""
    python = environment / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(environment)],
        [str(python), "-m", "pip", "install", "--quiet", "--compile", package],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"{package} is left out: it cannot be installed: {reason}")
            return False
    return True


if __name__ == "__main__":
    main()
