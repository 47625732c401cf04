"""Items from a limited child, each as soon as it is made."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from coolrun.errors import CoolrunError, DefinitionError, NothingToRun
from coolrun.expression import run_confined, stream_confined

LIMITS: dict[str, Any] = {"seconds": 5, "memory": 1 << 28, "what": "reading 'a.yaml'"}


def test_items_arrive_before_the_last_is_made() -> None:
    reading, writing = os.pipe()

    def work() -> Iterator[str]:
        yield "first"
        os.read(reading, 1)
        yield "second"

    items = stream_confined(work, **LIMITS)
    assert next(items) == "first"
    os.write(writing, b"x")
    assert list(items) == ["second"]
    os.close(reading)
    os.close(writing)


def test_an_item_larger_than_a_pipe_arrives_whole() -> None:
    items = ["x" * 300_000, {"a": (1, float("inf"))}, "y" * 70_000]
    assert list(stream_confined(lambda: items, **LIMITS)) == items


def test_an_error_comes_after_the_items_before_it() -> None:
    def work() -> Iterator[int]:
        yield 1
        raise NothingToRun("nothing is left", cure="do something else")

    items = stream_confined(work, **LIMITS)
    assert next(items) == 1
    with pytest.raises(NothingToRun) as caught:
        next(items)
    assert caught.value.cure == "do something else"


def test_time_that_the_reader_takes_does_not_count() -> None:
    now = time.monotonic

    def busy() -> None:
        end = now() + 0.4
        while now() < end:
            pass

    taken = []
    for item in stream_confined(lambda: range(3), **{**LIMITS, "seconds": 0.8}):
        busy()
        taken.append(item)
    assert taken == [0, 1, 2]


def test_a_child_that_never_ends_is_ended() -> None:
    with pytest.raises(DefinitionError, match=r"reading 'a\.yaml' takes too long"):
        list(stream_confined(lambda: iter(lambda: time.sleep(0), 1), **{**LIMITS, "seconds": 0.3}))


def test_a_child_that_gives_too_much_is_ended() -> None:
    with pytest.raises(DefinitionError, match="too large an answer"):
        list(stream_confined(lambda: iter(int, 1), answer=1 << 16, **LIMITS))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (lambda: os._exit(3), "failed or needs too much memory"),
        (lambda: [0] * (1 << 30), "needs too much memory"),
        (lambda: 1 / 0, "failed with ZeroDivisionError"),
        (object, "failed with TypeError"),
    ],
)
def test_any_other_end_is_an_error(code: Any, reason: str) -> None:
    with pytest.raises(CoolrunError, match=reason):
        run_confined(code, **LIMITS)


def test_a_reader_that_takes_no_more_ends_the_child() -> None:
    items = stream_confined(lambda: iter(os.getpid, -1), **LIMITS)
    child = next(items)
    items.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
