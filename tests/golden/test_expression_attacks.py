"""Every hostile expression of the corpus, in value and in record mode, in limited children."""

from __future__ import annotations

import asyncio
import copy
import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from coolrun.errors import ExpressionError
from coolrun.expression import Earlier, Evaluator, run_confined
from coolrun.plain import encode

CORPUS = Path(__file__).with_name("sandbox_attacks.yaml")
ITEMS: list[dict[str, Any]] = [
    item
    for item in yaml.load(CORPUS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    if ("expr" in item or "gen" in item)
    and not item["id"].startswith("YAML")
    and "yaml" not in item
]
BATCHES = 6
SECONDS_PER_ITEM = 1.5


def text_of(item: dict[str, Any]) -> str:
    if "expr" in item:
        return str(item["expr"])
    gen: dict[str, Any] = {
        "pre": "",
        "unit": "",
        "times": 0,
        "mid": "",
        "unit2": "",
        "times2": 0,
        "post": "",
    }
    gen |= item["gen"]
    return (
        f"{gen['pre']}{gen['unit'] * gen['times']}{gen['mid']}"
        f"{gen['unit2'] * gen['times2']}{gen['post']}"
    )


def experiments() -> list[dict[str, Any]]:
    return [
        {
            "lr": 0.1 / (i + 1),
            "model": "VGG",
            "Name": f"exp{i}",
            "directory": "runs",
            "list": [1, 2, 3],
            "n": 3,
            "w": 2.5,
            "nested": {"test": 1, "deep": {"x": [1, 2]}},
            "pruning_config": {"odd_config": {"sparsity": 0.5}},
            "keys": "k",
            "_helper": 42,
        }
        for i in range(3)
    ]


class Careless:
    """What a plugin should not put among its functions."""

    def __init__(self) -> None:
        self._private = "private"
        self.mod = os
        self.items: list[int] = []
        try:
            raise ValueError
        except ValueError as error:
            self.err = type("Err", (), {"tb": error.__traceback__})()

    def method(self) -> int:
        return 1


def helper(value: object = 1) -> object:
    return value


def generator() -> Any:
    yield 1


async def coroutine() -> int:
    return await asyncio.sleep(0, 1)


async def asynchronous() -> Any:
    yield 1


def functions(careless: Careless) -> dict[str, Any]:
    return {
        "helper": helper,
        "hobj": careless,
        "hgen": generator,
        "hcoro": coroutine,
        "hagen": asynchronous,
    }


def tried(item: dict[str, Any]) -> list[Any]:
    """[outcome, value or message, seconds, what changed]."""
    careless = Careless()
    own = functions(careless)
    earlier = Earlier(experiments())
    scope: dict[str, Any] = {
        "E": earlier,
        "lr": 0.1,
        "model": "VGG",
        "Name": "this",
        "directory": "runs",
        "n": 3,
        "w": 2.5,
        "list_": [1, 2, 3],
        "nested": {"test": 1},
        **item.get("scope", {}),
    }
    record = {"ACC": 0.95, "lr": 0.1, "Name": "a", "list": [1]}
    evaluator = Evaluator(own)
    seen: list[Any] = [list(earlier), {**scope, "E": None}, record]
    before = copy.deepcopy(seen), dict(os.environ)
    started = time.process_time()
    outcome: list[Any]
    try:
        if item.get("mode"):
            outcome = ["value", encode(evaluator.predicate(text_of(item))(record))]
        else:
            outcome = ["value", encode(evaluator.evaluate(text_of(item), scope))]
    except ExpressionError as error:
        outcome = ["refused", str(error)]
    except BaseException as error:
        outcome = ["leaked", repr(error)]
    seconds = time.process_time() - started
    seen = [list(earlier), {**scope, "E": None}, record]
    after = seen, dict(os.environ)
    changed = [] if before == after and not careless.items else ["scope"]
    return [*outcome, seconds, changed]


def batch(items: list[dict[str, Any]], silence: int) -> Callable[[], Any]:
    def run() -> Any:
        # A child that writes anything is killed: its files may not grow.
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.stdout = sys.stderr = output = io.StringIO()
        results = [tried(item) for item in items]
        return [results, output.getvalue()]

    return run


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    folder = tmp_path_factory.mktemp("attacked")
    canary = folder / "canary"
    canary.mkdir()
    (canary / "secret.txt").write_text("the-secret-text")
    (canary / "canarymod.py").write_text("open('canary/IMPORTED', 'w').close()\n")
    os.mkfifo(canary / "fifo")
    before = sorted(path.name for path in canary.iterdir())
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    patch.syspath_prepend(str(canary))
    patch.setenv("COOLRUN_CANARY", "the-secret-variable")
    found: dict[str, list[Any]] = {}
    try:
        with open(folder / "output", "wb") as silence:
            for number in range(BATCHES):
                items = ITEMS[number::BATCHES]
                results, output = run_confined(
                    batch(items, silence.fileno()),
                    seconds=40,
                    memory=1 << 30,
                    what=f"batch {number}",
                )
                assert output == ""
                found.update(
                    {item["id"]: result for item, result in zip(items, results, strict=True)}
                )
    finally:
        patch.undo()
    assert (folder / "output").stat().st_size == 0
    assert sorted(path.name for path in canary.iterdir()) == before
    return found


def test_the_corpus_is_not_empty() -> None:
    assert len(ITEMS) > 300


@pytest.mark.parametrize("item", ITEMS, ids=[item["id"] for item in ITEMS])
def test_a_hostile_expression_is_held(item: dict[str, Any], outcomes: dict[str, Any]) -> None:
    outcome, value, seconds, changed = outcomes[item["id"]]
    assert outcome != "leaked", value
    assert changed == []
    assert seconds < SECONDS_PER_ITEM
    for secret in ("the-secret", "0x7f", " object at "):
        assert secret not in value
    if item["must"] == "blocked":
        assert outcome == "refused", value
    if item["must"] == "literal":
        assert [outcome, value] == ["value", encode(item["want"])]
    if outcome == "value":
        assert len(value) < 400_000
    else:
        assert value.isprintable() or "\n" in value
        assert len(value) < 700
    if "must_value" in item:
        assert [outcome, value] == ["value", encode(item["must_value"])]
