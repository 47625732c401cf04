"""Expressions: new and repeated text, filter calls, and chains of experiments through `E`.

Run `python benchmarks/language.py`. Figures are processor time, medians of several rounds taken in
turn; the ratios to plain Python's `compile` and `eval` in the same run are what to compare.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

from coolrun.expression import Earlier, Evaluator, resolve
from coolrun.plain import Marked

ROUNDS = 5
TEXT = "0.5 * E[-1].sparsity + {}"
RECORD = {"ACC": 0.95, "lr": 0.1, "Name": "a"}


def microseconds(work: Callable[[int], Any], times: int) -> float:
    started = time.process_time()
    for number in range(times):
        work(number)
    return (time.process_time() - started) / times * 1e6


def chain(length: int) -> float:
    """Microseconds per experiment of a chain, each with two expressions."""
    experiments: list[dict[str, Any]] = [{"s": 1.0}]
    earlier = Earlier(experiments)
    evaluator = Evaluator(experiments=length)
    own = {
        "s": Marked("parse", "E[-1].s * 0.5 + 1"),
        "lr": 0.1,
        "tag": Marked("parse", "f'{lr}-{s:.3f}'"),
        "nested": {"a": 1, "b": [1, 2]},
    }
    defaults = {"data": "cifar", "epochs": 3, "optimizer": {"name": "sgd", "momentum": 0.9}}

    def one(number: int) -> None:
        context = {"index": number}
        experiments.append(resolve(own, defaults, context, earlier, evaluator).values)

    return microseconds(one, length)


def main() -> None:
    evaluator = Evaluator(experiments=1_000_000)
    scope = {"E": Earlier([{"sparsity": 0.5}])}
    numbers = itertools.count()
    plain = {"E": [{"sparsity": 0.5}]}
    anchor_text = "0.5 * E[-1]['sparsity'] + {}"
    anchor_code = compile("0.5 * E[-1]['sparsity']", "", "eval")
    test = evaluator.predicate("lambda exp: exp['ACC'] > 0.9 and 'lr' in exp")
    works: dict[str, tuple[Callable[[int], Any], int]] = {
        "new text": (lambda _: evaluator.evaluate(TEXT.format(next(numbers)), scope), 2_000),
        "new text, eval": (
            lambda _: eval(anchor_text.format(next(numbers)), dict(plain)),
            2_000,
        ),
        "repeated text": (lambda _: evaluator.evaluate("0.5 * E[-1].sparsity", scope), 10_000),
        "repeated text, eval": (lambda _: eval(anchor_code, dict(plain)), 10_000),
        "filter call": (lambda _: test(RECORD), 10_000),
    }
    figures: dict[str, list[float]] = {name: [] for name in works}
    figures |= {"chain of 1,000": [], "chain of 100,000": []}
    for _ in range(ROUNDS):
        for name, (work, times) in works.items():
            figures[name].append(microseconds(work, times))
        figures["chain of 1,000"].append(statistics.median(chain(1_000) for _ in range(5)))
        figures["chain of 100,000"].append(chain(100_000))
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, value in medians.items():
        print(f"{name:22} {value:8.2f} us")
    for over, under in (
        ("new text", "new text, eval"),
        ("repeated text", "repeated text, eval"),
        ("chain of 100,000", "chain of 1,000"),
    ):
        print(f"{over} / {under}: {medians[over] / medians[under]:.2f}")
    print("targets: new text 28 us, repeated 5, filter call 1 to 4, chains within 1.2")
    seconds = medians["chain of 100,000"] / 10
    print(f"100,000 experiments with two expressions each: {seconds:.1f} s (target <= 25)")


if __name__ == "__main__":
    main()
