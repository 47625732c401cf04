"""A guard around every test here: no process and no descriptor is left behind."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from coolrun.testing.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

_SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Fails the test that leaves a process, a descriptor or a signal handler behind.

    What is orphaned meanwhile becomes a child of this process, and so cannot hide.
    """
    linux = sys.platform.startswith("linux")
    if linux:
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    gc.collect()
    descriptors = _descriptors()
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGCHLD)
    folder = os.getcwd()
    yield
    try:
        wait_for(lambda: not _left(), within=10, diagnosis=_left)
    finally:
        for process in _left():
            process.kill()
            process.wait(10)
        if linux:
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    gc.collect()
    assert _descriptors() == descriptors
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGCHLD)) == handlers
    assert os.getcwd() == folder


def _left() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _descriptors() -> dict[int, str]:
    found = {}
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the one that lists the folder
    return found
