"""Which process is which: a number alone may belong to another process by now."""

from __future__ import annotations

import os
import time
from functools import cache

# Seconds by which a process may seem younger than what it wrote: clock ticks are coarse.
_COARSE = 0.05


@cache
def boot() -> str:
    """This start of this machine, and the set of process numbers that we see; empty if unknown."""
    try:
        descriptor = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY)
        try:
            identity = os.read(descriptor, 64).decode().strip()
        finally:
            os.close(descriptor)
        return f"{identity} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def since_boot() -> float:
    """Seconds since the machine was started."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def was_there(pid: int, moment: float, at_boot: str) -> bool:
    """Whether the process that has this number now had it at that moment already.

    Args:
        moment: as `since_boot` told it.
        at_boot: as `boot` told it then.

    Source of facts: proc(5), field 22 of `stat` is the start in clock ticks since the boot.
    """
    if pid <= 0 or not at_boot or at_boot != boot():
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return False
    if fields[0] in {b"Z", b"X"}:
        return False
    return int(fields[19]) / os.sysconf("SC_CLK_TCK") <= moment + _COARSE
