"""What a test orphans becomes a child of the tests' process, where the guard of tests sees it."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def _orphans_are_ours() -> Iterator[None]:
    if not sys.platform.startswith("linux"):
        yield
        return
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
