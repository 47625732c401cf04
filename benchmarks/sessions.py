"""How much a run costs in a whole session, next to `xargs -P2 -n1 /bin/true`.

    python benchmarks/sessions.py [RUNS] [ROUNDS]

Everything is counted: start-up, plan, journal, record, output file. Functions are forked from a
process that has them loaded; commands are started as they are. Each round takes a fresh folder,
and anchor and sessions in turn. Set TMPDIR to say on which disk.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COOLRUN = str(Path(sys.executable).parent / "coolrun")
FUNCTION = "def main(exp):\n    exp.ACC = 1\n"
DEFINITIONS = {
    "functions": ("Module: trivial\nGlobal: {jobs: 2, preload: [trivial]}\n", 2.5),
    "commands": ("Command: /bin/true\nGlobal: {jobs: 2}\n", 1.5),
}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    anchors: list[float] = []
    taken: dict[str, list[float]] = {name: [] for name in DEFINITIONS}
    for _ in range(rounds):
        anchors.append(timed(f"seq {count} | xargs -P2 -n1 /bin/true", None))
        for name, (head, _) in DEFINITIONS.items():
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "trivial.py").write_text(FUNCTION, encoding="utf-8")
                text = f"{head}---\nRepeat: {count}\n"
                Path(folder, "experiment.yaml").write_text(text, encoding="utf-8")
                taken[name].append(timed(f"{COOLRUN} > out.txt", folder))
    anchor = statistics.median(anchors) / count * 1000
    print(f"{'':12}{'ms per run':>12}{'ratio':>8}{'target':>8}")
    print(f"{'xargs -P2':12}{anchor:12.2f}{1:8.2f}")
    for name, (_, target) in DEFINITIONS.items():
        ours = statistics.median(taken[name]) / count * 1000
        ratio = statistics.median(a / b for a, b in zip(taken[name], anchors, strict=True))
        print(f"{name:12}{ours:12.2f}{ratio:8.2f}{target:8.1f}")


def timed(command: str, folder: str | None) -> float:
    """Seconds of wall time that a shell command takes."""
    begun = time.perf_counter()
    subprocess.run(command, shell=True, check=True, cwd=folder)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
