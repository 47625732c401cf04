"""How long coolrun takes to begin, next to a bare interpreter and to pytest.

    python benchmarks/startup.py [ROUNDS]

Pairs are taken in turn and processor seconds are compared, as the system accounts them for the
finished process. The sources are byte-compiled first: uncompiled ones read up to four times
slower.
"""

from __future__ import annotations

import compileall
import os
import statistics
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
DEFINITION = """\
Module: modules.example
lr: 0.1
---
Name: first
---
Name: second
lr: parse E[-1].lr / 2
---
Name: third
lr: parse E[-1].lr / 2
"""
PASS = [sys.executable, "-c", "pass"]
PYTEST = [str(BIN / "pytest"), "--version"]
COOLRUN = str(BIN / "coolrun")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    root = Path(__file__).parents[1]
    for folder in ("coolrun", "plugins"):
        compileall.compile_dir(root / folder, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("experiment.yaml").write_text(DEFINITION, encoding="utf-8")
        print(f"{'command':24}{'ms':>8}   {'anchor':24}{'ms':>8}{'ratio':>8}{'target':>8}")
        compare([COOLRUN, "--version"], PASS, "python -c pass", 2.0, rounds)
        compare([COOLRUN, "--help"], PYTEST, "pytest --version", 0.7, rounds)
        compare([COOLRUN, "--dry"], PYTEST, "pytest --version", 1.2, rounds)


def compare(ours: list[str], theirs: list[str], anchor: str, target: float, rounds: int) -> None:
    """Time both in turn and print the medians and the median of the ratios."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds + 1)][1:]
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    command = f"coolrun {ours[1]}"
    print(
        f"{command:24}{mine * 1000:8.1f}   {anchor:24}{other * 1000:8.1f}{ratio:8.2f}{target:8.1f}"
    )


def seconds(command: list[str]) -> float:
    """Processor seconds of one run of the command, with its children."""
    pid = os.fork()
    if pid == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        os.execv(command[0], command)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed: {status}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
