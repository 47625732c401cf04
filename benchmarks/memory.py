"""How much memory the runner takes, per run that waits and per run that has ended.

    python benchmarks/memory.py [WAITING ...] [--ended N ...]

Real sessions: one run goes on, and all others wait or have ended. What the process of the runner
holds then (resident, shared pages included) is read, and a line is fitted through it. Linux only.
What a run took while it waited is not given back when it ends: it is in the plan. Targets: 45 MB,
4 KiB per waiting run, and 0.5 KiB that are added when it ends.
"""

from __future__ import annotations

import argparse
import compileall
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import coolrun

HEAD = "Command: '[ {last} = 1 ] && touch begun && exec sleep 1000; exit 0'\nlast: 0\n"
PATIENCE = 1800.0  # seconds until a session has come so far


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("waiting", nargs="*", type=int, default=[1_000, 20_000, 100_000])
    parser.add_argument("--ended", nargs="*", type=int, default=[100, 1_000, 10_000])
    options = parser.parse_args()
    compileall.compile_dir(Path(coolrun.__file__).parent, quiet=1)
    begin, each = show("waiting", options.waiting, lambda count: resident([1] + [0] * (count - 1)))
    print(f"{begin / 2**20:8.1f} MiB + {each / 2**10:.2f} KiB per waiting run (targets 45, 4)\n")
    begin, whole = show("ended", options.ended, lambda count: resident([0] * (count - 1) + [1]))
    print(
        f"{begin / 2**20:8.1f} MiB + {whole / 2**10:.2f} KiB per ended run: its end has added "
        f"{(whole - each) / 2**10:.2f} KiB (target 0.5)"
    )


def show(word: str, counts: Sequence[int], measured: Callable[[int], int]) -> tuple[float, float]:
    """Print what is measured for every count; the line through it, in bytes."""
    points = []
    for count in counts:
        points.append((count, measured(count)))
        print(f"{count:8,} {word:8} {points[-1][1] / 2**20:8.1f} MiB", flush=True)
    return fitted(points)


def fitted(points: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """The line of least squares: where it begins, and how much it rises with one more."""
    x0 = sum(x for x, _ in points) / len(points)
    y0 = sum(y for _, y in points) / len(points)
    rise = sum((x - x0) * (y - y0) for x, y in points) / sum((x - x0) ** 2 for x, _ in points)
    return y0 - rise * x0, rise


def resident(order: Sequence[int]) -> int:
    """Bytes that a runner holds when the run has begun for which there is a 1."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents = (
            f"---\nName: run-{n}\nlr: {1 / (n + 7)}\nlayers: [{n}, 2, 3]\nlast: {last}\n"
            for n, last in enumerate(order)
        )
        (folder / "experiment.yaml").write_text(HEAD + "".join(documents), encoding="utf-8")
        with (folder / "out.txt").open("wb") as out:
            runner = subprocess.Popen(
                [sys.executable, "-m", "coolrun", "-j", "1"],
                cwd=folder,
                stdout=out,
                stderr=out,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            )
        try:
            wait_for(folder / "begun", runner)
            return held(runner.pid)
        finally:
            runner.send_signal(signal.SIGTERM)
            runner.wait()


def wait_for(path: Path, runner: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        if runner.poll() is not None or time.monotonic() > deadline:
            raise SystemExit((path.parent / "out.txt").read_text(encoding="utf-8")[-2000:])
        time.sleep(0.05)


def held(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "VmRSS":
            return int(rest.split()[0]) * 1024
    raise SystemExit("this system does not say how much memory a process holds")


if __name__ == "__main__":
    main()
