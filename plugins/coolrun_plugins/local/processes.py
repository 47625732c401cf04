"""Looking at processes: who is a child of this one, and which run it belongs to."""

from __future__ import annotations

import os
import signal
import sys


def become_subreaper() -> bool:
    """Have orphans of our children become children of this process. Linux only."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    set_child_subreaper = 36
    return bool(ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0) == 0)


def die_with(parent: int) -> None:
    """Have the system kill this process when its parent ends; it is dead already: end now."""
    _when_the_parent_ends(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)  # it ended before this was asked for


def outlive_the_parent() -> None:
    """Take back `die_with`."""
    _when_the_parent_ends(0)


def _when_the_parent_ends(number: int) -> None:
    """Linux only: elsewhere such a process ends when it finds nobody to talk to."""
    if sys.platform.startswith("linux"):
        import ctypes

        set_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_signal, int(number), 0, 0, 0)


def children() -> frozenset[int]:
    """The children of this process, zombies too; empty where the system does not tell."""
    pid = os.getpid()
    try:
        descriptor = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY)
    except OSError:
        return frozenset()
    try:
        text = b""
        while data := os.read(descriptor, 1 << 16):
            text += data
    finally:
        os.close(descriptor)
    return frozenset(map(int, text.split()))


def group_exists(leader: int) -> bool:
    """Whether anything is left of the process group of a leader that was waited for.

    While a group has members its number is given to no new process; where there is a process of
    that number, the group is a stranger's.
    """
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False
    return not os.path.exists(f"/proc/{leader}")


def is_alive(pid: int, token: str, results: object) -> bool:
    """Whether a process lives and is that of the run, not a stranger with the same number."""
    return pid > 0 and (holds(pid, str(results)) or carries(pid, token))


def process_of(token: str, results: object) -> int:
    """The process of a run that has not said which it is, or 0: looks at all that there are."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return 0
    found = (int(name) for name in names if name.isdigit() and is_alive(int(name), token, results))
    return next(found, 0)


def watch(pid: int) -> int | None:
    """A descriptor that is readable once the process has ended; None if it has."""
    try:
        return os.pidfd_open(pid)
    except (ProcessLookupError, AttributeError):
        return None


def session_of(pid: int) -> int:
    """The session of a process; 0 if it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def carries(pid: int, token: str) -> bool:
    """Whether the token of a run is in the environment that a program was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"COOLRUN_TOKEN={token}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def holds(pid: int, path: str) -> bool:
    """Whether a process has a file open, as every fork of a run has its results file."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(f"/proc/{pid}/fd/{name}") == path:
                return True
        except OSError:
            continue  # closed since it was listed
    return False
