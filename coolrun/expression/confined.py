"""Run a function in a forked child with limits: the backstop behind the guard."""

from __future__ import annotations

import os
import signal
import time
import warnings
from typing import TYPE_CHECKING

from coolrun import errors
from coolrun.errors import CoolrunError, DefinitionError, Place
from coolrun.plain import Plain, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

# What a child may answer with: the largest definition, written out.
ANSWER = 1 << 30
_CHUNK = 1 << 16


def run_confined(
    function: Callable[[], Plain],
    *,
    seconds: float,
    memory: int,
    what: str,
    answer: int = ANSWER,
) -> Plain:
    """What the function returns, computed in a child process that can write no file.

    Args:
        function: returns plain data; it sees the memory of this process and changes none of it.
        seconds: of processor time, and of wall time.
        memory: bytes that the child may take beyond what this process has.
        what: what is being done, for the error: `reading 'a.yaml'`.
        answer: bytes that the child may answer with.

    Raises:
        CoolrunError: the same that the function raised.
        DefinitionError: the child ended in any other way, or took too long.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Newer versions of Python warn of threads; the child touches no lock of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _child(function, reading, writing, seconds, memory, what)
    os.close(writing)
    try:
        text, late = _read(reading, time.monotonic() + seconds, answer)
    finally:
        os.close(reading)
        status = _ended(child)
    if late:
        raise DefinitionError(f"{what} {late}", cure="make the file smaller or simpler")
    return _opened(text, status, what)


def _child(
    function: Callable[[], Plain],
    reading: int,
    writing: int,
    seconds: float,
    memory: int,
    what: str,
) -> None:
    code = 1
    try:
        os.close(reading)
        _limit(seconds, memory)
        try:
            text = "=" + encode(function())
        except CoolrunError as error:
            text = "!" + encode(_as_data(error))
        except MemoryError:
            text = "!" + encode(
                ["DefinitionError", "it needs too much memory", None, None, None, None]
            )
        except BaseException as error:
            reason = f"it failed with {type(error).__name__}"
            text = "!" + encode(["DefinitionError", reason, None, None, None, None])
        data = memoryview(text.encode("ascii"))
        while data:
            data = data[os.write(writing, data) :]
        os.write(writing, b"\n")
        code = 0
    finally:
        # Nothing of the parent's is flushed, closed or run at exit in the child.
        os._exit(code)


def _limit(seconds: float, memory: int) -> None:
    import resource

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    cpu = int(seconds) + 1
    for kind, soft, top in (
        # The soft limit alone tells by its signal that time ran out.
        (resource.RLIMIT_CPU, cpu, cpu + 1),
        (resource.RLIMIT_AS, _size() + memory, _size() + memory),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            soft, top = min(soft, hard), min(top, hard)
        try:
            resource.setrlimit(kind, (soft, top))
        except (ValueError, OSError):
            # macOS refuses some of them; the wall clock is the parent's and stays.
            continue


def _size() -> int:
    """Bytes of address space that this process has."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 1 << 32


def _read(reading: int, deadline: float, answer: int) -> tuple[bytes, str]:
    """Everything the child wrote, and what went wrong: "" where nothing did."""
    import select

    poller = select.poll()
    poller.register(reading, select.POLLIN)
    chunks: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return b"", "takes too long"
        if not poller.poll(left * 1000):
            continue
        chunk = os.read(reading, _CHUNK)
        if not chunk:
            return b"".join(chunks), ""
        chunks.append(chunk)
        size += len(chunk)
        if size > answer:
            return b"", "gives too large an answer"


def _ended(child: int) -> int:
    """End the child, which has answered or never will, and wait for it."""
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _opened(data: bytes, status: int, what: str) -> Plain:
    if not data.endswith(b"\n"):
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        late = killed == signal.SIGXCPU
        reason = "takes too long" if late else "failed or needs too much memory"
        raise DefinitionError(f"{what} {reason}", cure="make the file smaller or simpler")
    try:
        value = decode(data[1:-1])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DefinitionError(f"{what} gave an answer that cannot be read") from None
    if data[:1] == b"=":
        return value
    raise _as_error(value, what)


def _as_data(error: CoolrunError) -> Plain:
    kind = next(
        name for name in (one.__name__ for one in type(error).__mro__) if hasattr(errors, name)
    )
    place = None if error.place is None else list(error.place)
    return [kind, error.message, place, error.experiment, error.key, error.cure]


def _as_error(value: Plain, what: str) -> CoolrunError:
    shape = isinstance(value, list) and len(value) == 6 and isinstance(value[0], str)
    kind = getattr(errors, value[0], None) if shape else None
    if not isinstance(kind, type) or not issubclass(kind, CoolrunError):
        return DefinitionError(f"{what} gave an answer that cannot be read")
    _, message, place, experiment, key, cure = value
    where = Place(*place) if isinstance(place, list) else None
    return kind(message, place=where, experiment=experiment, key=key, cure=cure)
