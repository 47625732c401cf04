"""What control groups leave to this process, and how often memory ran out in them. Linux only.

Sources of facts: cgroups(7), and of the kernel's documentation "Control Group v2" (cpu.max,
memory.events) and "Memory Resource Controller" (memory.oom_control).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

ROOT = "/sys/fs/cgroup"
MEMBERSHIP = "/proc/self/cgroup"
MACHINE = "/proc/vmstat"


def allowed_cpus() -> int:
    """The CPUs on which this process may be run, whatever share of them it is given."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cpus(root: str = ROOT, membership: str = MEMBERSHIP) -> int:
    """The CPUs that this process may use, which can be fewer than the machine has."""
    return max(1, min([allowed_cpus(), *_quotas(root, membership)]))


def _quotas(root: str, membership: str) -> Iterator[int]:
    """How many CPUs each group may keep busy, part of one counted as one."""
    for folder in _groups("cpu", root, membership):
        text = _text(f"{folder}/cpu.max") or " ".join(
            _text(f"{folder}/cpu.cfs_{name}_us").strip() for name in ("quota", "period")
        )
        quota, _, period = text.strip().partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            yield -(-int(quota) // int(period))


def kills_for_memory(
    root: str = ROOT, membership: str = MEMBERSHIP, machine: str = MACHINE
) -> int | None:
    """How many processes of our group the kernel has killed because memory had run out.

    Of the whole machine where the group does not count them; None where nobody does.
    """
    folders = _groups("memory", root, membership)
    files = [f"{f}/{name}" for f in folders for name in ("memory.events", "memory.oom_control")]
    for file in (*files, machine):
        for line in _text(file).splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill" and number.isdecimal():
                return int(number)
    return None


def _groups(controller: str, root: str, membership: str) -> Iterator[str]:
    """Where the groups of this process may have files of a controller, the innermost first."""
    for line in _text(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = f"{root}/{controllers}" if controllers else root
        # Seen from inside of a container the path may lead out of what is mounted.
        parts = [part for part in path.split("/") if part and part != ".."]
        for length in range(len(parts), -1, -1):
            yield "/".join([base, *parts[:length]])


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
