"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest

# How fast examples are made is the machine's affair, as is how long one takes.
hypothesis.settings.register_profile(
    "coolrun", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("coolrun")

pytest_plugins = ["coolrun.testing"]


def pytest_configure() -> None:
    """A shell starts what it puts into the background with INT ignored, and `nohup` ignores HUP.

    Children would inherit both.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


PATIENCE = 5.0  # seconds in which what is ending has to be gone


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Fail a test that leaves a process, a thread, a descriptor or a changed process behind."""
    before = {name: look() for name, look in SIGHTS.items()}
    yield
    left = _left(before)
    deadline = time.monotonic() + PATIENCE
    while left and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
        left = _left(before)
    if left:
        pytest.fail("the test left behind: " + "; ".join(left), pytrace=False)


def _left(before: Mapping[str, Mapping[object, object]]) -> list[str]:
    found = []
    for name, look in SIGHTS.items():
        now = look()
        for key in now.keys() | before[name].keys():
            was, became = before[name].get(key, "nothing"), now.get(key, "nothing")
            # A descriptor that a test closed is not left behind.
            if was != became and not (name == "descriptor" and key not in now):
                found.append(f"{name} {key}: {was} -> {became}")
    return found


def _processes() -> dict[object, object]:
    """Children of ours, dead ones that nobody waited for included."""
    found: dict[object, object] = {}
    tasks = Path("/proc/self/task")
    for task in tasks.iterdir() if tasks.is_dir() else ():
        try:
            children = (task / "children").read_text().split()
        except OSError:  # a thread that has just ended
            continue
        for pid in children:
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has just gone
                continue
            found[pid] = command or "ended, and nobody waited for it"
    return found


def _threads() -> dict[object, object]:
    return {thread.ident: thread.name for thread in threading.enumerate()}


def _descriptors() -> dict[object, object]:
    found: dict[object, object] = {}
    for name in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the one that the listing itself used
            continue
    return found


def _environment() -> dict[object, object]:
    return {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}


def _handlers() -> dict[object, object]:
    return {n: signal.getsignal(n) for n in signal.valid_signals() if n < signal.SIGRTMIN}


SIGHTS: Mapping[str, Callable[[], dict[object, object]]] = {
    "process": _processes,
    "thread": _threads,
    "descriptor": _descriptors,
    "environment": _environment,
    "folder": lambda: {"cwd": os.getcwd()},
    "signal": _handlers,
}
