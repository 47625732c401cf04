"""`coolrun filter` beside PyYAML's ways, and `coolrun collect` beside find and cat.

Prints our figure, the anchor's and the ratio: medians of wall time over rounds in which all take
turns, each as a command of its own. Every record is different from the others. Run it on an
otherwise idle machine with the environment byte-compiled:

    python benchmarks/collect_filter.py [RECORDS] [ROUNDS]

The slow loader of PyYAML is given a twentieth of the records, and its time is multiplied.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from coolrun.yamlio import dump

FILES = 10_000
PART = 20
TEST = "lambda exp: 'ACC' in exp and exp['ACC'] > 0.9"
PYYAML = """
import sys, yaml
loader = getattr(yaml, sys.argv[1] + "SafeLoader")
dumper = getattr(yaml, sys.argv[1] + "SafeDumper")
found = [exp for exp in yaml.load_all(open(sys.argv[2], "rb"), Loader=loader)
         if "ACC" in exp and exp["ACC"] > 0.9]
found.sort(key=lambda exp: exp["TIME_ELAPSED"])
with open("pyyaml.yaml", "w") as file:
    yaml.dump_all(found, file, Dumper=dumper, sort_keys=False)
"""
COOLRUN = [sys.executable, "-m", "coolrun"]


def record(number: int, draw: random.Random) -> dict[str, Any]:
    """What a small training leaves behind: 500 bytes, 20 keys; no two are alike."""
    return {
        "Name": f"prune-{number}",
        "Module": "modules.pruning.train_and_prune",
        "directory": f"/scratch/someone/runs/pruning/{number:05d}/{draw.randrange(10**6)}/final",
        "optimizer": {"name": draw.choice(["sgd", "adam"]), "lr": draw.random() / 100},
        "momentum": draw.choice([0.9, 0.95, 0.99]),
        "weight_decay": draw.random() * 1e-4,
        "epochs": draw.randrange(1, 200),
        "batch_size": 2 ** draw.randrange(4, 10),
        "nesterov": draw.random() < 0.5,
        "input_shape": [32, 32, 3],
        "checkpoint": None,
        "ACC": draw.random(),
        "LOSS": draw.random() * 3,
        "REP": 0,
        "RND_IDX": draw.randrange(10**9),
        "HOST": f"node{draw.randrange(64):02d}.cluster.example.org",
        "RUN_ID": f"20240101-120000-{draw.randrange(16**4):04x}.{number}.1",
        "STARTED": "2024-01-01T12:00:00",
        "TIME_ELAPSED": draw.random() * 1000,
        "STATUS": "done",
    }


def seconds(command: list[str], folder: Path) -> float:
    begin = perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return perf_counter() - begin


def make(folder: Path, records: int) -> None:
    draw = random.Random(1)
    texts = [f"---\n{dump(record(number, draw))}" for number in range(records)]
    (folder / "log.yaml").write_text("".join(texts))
    (folder / "part.yaml").write_text("".join(texts[: records // PART]))
    for number in range(FILES):
        inner = folder / "many" / f"{number // 100:03}"
        inner.mkdir(parents=True, exist_ok=True)
        (inner / f"{number}.yaml").write_text(f"---\n{dump(record(number, draw))}")


def tell(name: str, ours: list[float], anchor: str, theirs: list[float], target: str) -> None:
    ratio = median(other / own for own, other in zip(ours, theirs, strict=True))
    words = f"{1 / ratio:.1f} times the time" if ratio < 1 else f"{ratio:.1f} times faster"
    print(
        f"{name}: {median(ours):.2f} s, {anchor} {median(theirs):.2f} s, {words} (target {target})"
    )


def main(records: int = 100_000, rounds: int = 3) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, records)

        def select(log: str) -> float:
            sort = ["--sort", "TIME_ELAPSED", "--dest", "ours.yaml"]
            return seconds([*COOLRUN, "filter", log, "--filter", TEST, *sort], folder)

        def cold() -> float:
            shutil.rmtree(folder / ".coolrun", ignore_errors=True)
            return select("log.yaml")

        ways: dict[str, Callable[[], float]] = {
            "c": lambda: seconds([sys.executable, "-c", PYYAML, "C", "log.yaml"], folder),
            "slow": lambda: PART * seconds([sys.executable, "-c", PYYAML, "", "part.yaml"], folder),
            "cold": cold,
            "again": lambda: select("log.yaml"),
            "collect": lambda: seconds([*COOLRUN, "collect", "many", "--dest", "c.yaml"], folder),
            "cat": lambda: seconds(
                ["sh", "-c", "find many -name '*.yaml' -exec cat {} + > cat.out"], folder
            ),
        }
        times = {way: list[float]() for way in ways}
        for _ in range(rounds):
            for way, take in ways.items():
                times[way].append(take())
        print(f"{records} records in one log, {FILES} files with one record each")
        tell("filter, first time", times["cold"], "CSafeLoader's way", times["c"], ">= 4")
        tell("filter, first time", times["cold"], "SafeLoader's way", times["slow"], ">= 15")
        tell("filter, second time", times["again"], "CSafeLoader's way", times["c"], ">= 20")
        tell("collect", times["collect"], "find and cat", times["cat"], "<= 6 times")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
