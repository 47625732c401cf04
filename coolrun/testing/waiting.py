"""Waiting for what is going to happen, with a deadline and a diagnosis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PATIENCE = 30.0


def wait_for(
    condition: Callable[[], T],
    *,
    within: float = PATIENCE,
    diagnosis: Callable[[], object] = lambda: "",
) -> T:
    """Call `condition` until what it returns is true, and return that.

    Raises:
        AssertionError: it was not true within so many seconds; the message shows `diagnosis`.
    """
    deadline = time.monotonic() + within
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            name = getattr(condition, "__name__", repr(condition))
            raise AssertionError(f"not within {within:g} seconds: {name}; {diagnosis()}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
