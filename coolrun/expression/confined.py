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
    from collections.abc import Callable, Generator, Iterable, Iterator

# What a child may answer with: the largest definition, written out.
ANSWER = 1 << 30
_CHUNK = 1 << 16
# What a line of the child begins with.
_ITEM, _LAST, _ERROR = b"=", b".", b"!"
_SMALLER = "make the file smaller or simpler"


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

    def only() -> Iterator[Plain]:
        yield function()

    (value,) = stream_confined(only, seconds=seconds, memory=memory, what=what, answer=answer)
    return value


def stream_confined(
    function: Callable[[], Iterable[Plain]],
    *,
    seconds: float,
    memory: int,
    what: str,
    answer: int = ANSWER,
) -> Generator[Plain, None, None]:
    """What the function gives, item by item, each as soon as it is made.

    The arguments and errors are those of `run_confined`; time in which the caller works on an
    item does not count. A caller that takes no more items ends the child.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Newer versions of Python warn of threads; the child touches no lock of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _child(function, reading, writing, seconds, memory, what)
    os.close(writing)
    status: int | None = None
    try:
        for line in _lines(reading, seconds, answer, what):
            if line[:1] == _LAST:
                return
            value = _decoded(line[1:], what)
            if line[:1] != _ITEM:
                raise _as_error(value, what)
            yield value
        status = _ended(child)
    finally:
        os.close(reading)
        if status is None:
            _ended(child)
    late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
    reason = "takes too long" if late else "failed or needs too much memory"
    raise DefinitionError(f"{what} {reason}", cure=_SMALLER)


def _child(
    function: Callable[[], Iterable[Plain]],
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
            for item in function():
                _write(writing, _ITEM + encode(item).encode("ascii"))
            last = _LAST
        except CoolrunError as error:
            last = _ERROR + encode(_as_data(error)).encode("ascii")
        except MemoryError:
            last = _failure(f"{what} needs too much memory")
        except BaseException as error:
            last = _failure(f"{what} failed with {type(error).__name__}")
        _write(writing, last)
        code = 0
    finally:
        # Nothing of the parent's is flushed, closed or run at exit in the child.
        os._exit(code)


def _failure(reason: str) -> bytes:
    return _ERROR + encode(["DefinitionError", reason, None, None, None, None]).encode("ascii")


def _write(descriptor: int, line: bytes) -> None:
    data = memoryview(line + b"\n")
    while data:
        data = data[os.write(descriptor, data) :]


def _limit(seconds: float, memory: int) -> None:
    import resource

    signal.set_wakeup_fd(-1)
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


def _lines(reading: int, seconds: float, answer: int, what: str) -> Iterator[bytes]:
    """The lines that the child writes, without the newline, as they come."""
    import select

    poller = select.poll()
    poller.register(reading, select.POLLIN)
    chunks: list[bytes] = []
    size = 0
    while True:
        begun = time.monotonic()
        ready = seconds > 0 and poller.poll(seconds * 1000)
        seconds -= time.monotonic() - begun
        if not ready:
            raise DefinitionError(f"{what} takes too long", cure=_SMALLER)
        chunk = os.read(reading, _CHUNK)
        if not chunk:
            return
        size += len(chunk)
        if size > answer:
            raise DefinitionError(f"{what} gives too large an answer", cure=_SMALLER)
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*chunks, line])
            chunks.clear()
        chunks.append(rest)


def _ended(child: int) -> int:
    """The status of the child, which has said all it will."""
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _decoded(data: bytes, what: str) -> Plain:
    try:
        return decode(data)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DefinitionError(f"{what} gave an answer that cannot be read") from None


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
