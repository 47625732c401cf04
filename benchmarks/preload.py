"""What a function that uses NumPy costs, forked from what is preloaded and in a new interpreter.

    python benchmarks/preload.py [RUNS] [ROUNDS]

Whole sessions, two at a time, with start-up, preloading, journal, records and output files; a new
interpreter per run is started by `xargs -P2` without any of that, and by coolrun itself with
`isolate: spawn`. Target: 20 times as fast as the former. New interpreters take their time, so that
there are fewer of them; what is compared is the time per run.
"""

from __future__ import annotations

import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import coolrun
import coolrun_plugins

COOLRUN = str(Path(sys.executable).parent / "coolrun")
STUDY = """
import numpy

def main(exp):
    values = numpy.arange(100.0)
    exp["SUM"] = float((values @ values).sum())
"""
HEAD = "Module: study\nGlobal: {jobs: 2, %s}\n---\nRepeat: %d\n"
FEWER = 10
TARGET = 20.0


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    for package in (coolrun, coolrun_plugins):
        compileall.compile_dir(str(Path(str(package.__file__)).parent), quiet=1)
    python = f'{sys.executable} -c "import study; study.main({{}})"'
    few = max(10, count // FEWER)
    ways = {
        "preloaded": (count, HEAD % ("preload: [study]", count), COOLRUN),
        "isolate: spawn": (few, HEAD % ("isolate: spawn", few), COOLRUN),
        "new interpreter": (few, "", f"seq {few} | xargs -P2 -I_ {python}"),
    }
    walls: dict[str, list[float]] = {name: [] for name in ways}
    cpus: dict[str, list[float]] = {name: [] for name in ways}
    # Nothing is removed before the end: removing files slows down the making of others.
    with tempfile.TemporaryDirectory() as where:
        for _ in range(rounds):
            for name, (runs, definition, command) in ways.items():
                wall, cpu = timed(command, definition, Path(tempfile.mkdtemp(dir=where)))
                walls[name].append(1000 * wall / runs)
                cpus[name].append(1000 * cpu / runs)
    print(f"{'':18}{'ms per run':>12}{'CPU ms':>8}{'to preloaded':>14}")
    for name in ways:
        ratio = statistics.median(
            a / b for a, b in zip(walls[name], walls["preloaded"], strict=True)
        )
        wall, cpu = statistics.median(walls[name]), statistics.median(cpus[name])
        target = f" (target {TARGET:.0f})" if name == "new interpreter" else ""
        print(f"{name:18}{wall:12.2f}{cpu:8.2f}{ratio:14.1f}{target}")


def timed(command: str, definition: str, folder: Path) -> tuple[float, float]:
    """Seconds that a command takes in a fresh folder: on the clock, and of all processors."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    (folder / "study.py").write_text(STUDY, encoding="utf-8")
    (folder / "experiment.yaml").write_text(definition, encoding="utf-8")
    compileall.compile_file(str(folder / "study.py"), quiet=1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with (folder / "printed.txt").open("wb") as printed:
        subprocess.run(command, shell=True, check=True, cwd=folder, env=environment, stdout=printed)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
