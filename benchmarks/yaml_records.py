"""Loading and dumping of distinct records, beside PyYAML's C classes.

Prints our figure, the anchor and the ratio: medians of CPU time over rounds in which both take
turns on the same 530-byte records with 20 keys. Run it on an otherwise idle machine:

    python benchmarks/yaml_records.py [RECORDS] [ROUNDS]
"""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

import yaml
from yaml.cyaml import CSafeDumper, CSafeLoader

from coolrun.yamlio import LOG, dump, read_all


def record(number: int, draw: random.Random) -> dict[str, Any]:
    """What a small training leaves behind; no two are alike."""
    return {
        "Name": f"prune-{number}",
        "Module": "modules.pruning.train_and_prune",
        "directory": f"/scratch/someone/runs/pruning/{number:05d}/{draw.randrange(10**6)}/final",
        "optimizer": draw.choice(["sgd", "adam", "lamb"]),
        "lr": draw.random() / 100,
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
        "RUN_ID": f"20240101-120000-{draw.randrange(16**6):06x}/{number}/1",
        "TIME_ELAPSED": draw.random() * 1000,
        "STATUS": "done",
    }


def cpu(work: Callable[[], object]) -> float:
    gc.collect()
    begin = process_time()
    work()
    return process_time() - begin


def compare(
    name: str,
    ours: Callable[[], object],
    anchor: Callable[[], object],
    rounds: int,
    records: int,
    target: float,
) -> None:
    pairs = [(cpu(ours), cpu(anchor)) for _ in range(rounds)]
    mine, theirs = (median(column) / records * 1e6 for column in zip(*pairs, strict=True))
    ratio = median(other / own for own, other in pairs)
    print(
        f"{name}: {mine:7.1f} us per record, {theirs:7.1f} PyYAML in C, "
        f"{ratio:.2f} times faster (target {target:g})"
    )


def main(records: int = 4000, rounds: int = 5) -> None:
    draw = random.Random(1)
    values = [record(number, draw) for number in range(records)]
    text = "---\n".join(dump(value) for value in values)
    data = text.encode()
    print(f"{records} records of {len(data) / records:.0f} bytes")
    assert [document.value for document in read_all(data, path="log", limits=LOG)] == values
    assert list(yaml.load_all(data, Loader=CSafeLoader)) == values

    compare(
        "load",
        lambda: read_all(data, path="log", limits=LOG),
        lambda: list(yaml.load_all(data, Loader=CSafeLoader)),
        rounds,
        records,
        2,
    )
    compare(
        "dump",
        lambda: [dump(value) for value in values],
        lambda: [yaml.dump(value, Dumper=CSafeDumper, sort_keys=False) for value in values],
        rounds,
        records,
        3,
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
