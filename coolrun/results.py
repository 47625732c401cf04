"""The file in which the process of a run keeps its results and how it ended.

One line of JSON per event, each appended with one system call, so that nothing set is lost
however the process ends:

    {"format": 1, "token": ..., "started": ..., "pid": ..., "boot": ..., "moment": ...}
    ["set", key, value]      ["delete", key]      ["warning", text]
    ["pid", number, moment]  the process, where it was another one that made the file
    ["exit", failure, started, elapsed]

Whoever makes the file has claimed the attempt: no other process ever does its work. A process that
could not write all of it sets the sticky bit, for which there is room on a full disk as well.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.machine import boot, since_boot, was_there
from coolrun.plain import Plain, decode, encode
from coolrun.run import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
_TAIL = 1 << 16
_UNFINISHED = 0o644 | stat.S_ISVTX
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class Claimed(FileExistsError):
    """Another process does, did or forbade the work of this attempt."""


class ResultsWriter:
    """Appends what a run sets. Belongs to one process: a fork of it writes nothing.

    Where a write fails, what it said is held and written by `finish`. Where the file or its folder
    was removed, `finish` makes them again.

    Raises:
        Claimed: the attempt is another process's.
        OSError: the file cannot be made.
    """

    def __init__(self, path: str | Path, token: str, started: str) -> None:
        self._path = os.fspath(path)
        self._pid = os.getpid()
        self._header = _header_line(token, started, self._pid)
        self._texts: dict[str, int | None] = {}
        self._warnings: dict[str, None] = {}
        self._complete = True
        self._use(_claimed(self._path, token, self._header))

    def set(self, key: str, value: Plain) -> None:
        """Keep a result, unless this is what the file says already."""
        if type(value) is int or type(value) is bool:
            text, mark = repr(value) if type(value) is int else str(value).lower(), None
        elif type(value) is str:
            text, mark = json.dumps(value), None
        else:
            text = encode(value)
            # An atom cannot change in place; of the others a hash says whether they did.
            mark = hash(text) if isinstance(value, (dict, list, tuple)) else None
        self._texts[key] = mark
        self._append(f'["set",{json.dumps(key)},{text}]\n')

    def update(self, results: Mapping[str, Plain]) -> None:
        """Say what was changed in place or removed since: `results` are as they are now."""
        for key, value in results.items():
            known = self._texts.get(key, "")
            if known is None and not isinstance(value, (dict, list, tuple)):
                continue
            if known != hash(encode(value)):
                self.set(key, value)
        for key in [key for key in self._texts if key not in results]:
            del self._texts[key]
            self._append(f'["delete",{json.dumps(key)}]\n')

    def warn(self, text: str) -> None:
        """Keep a warning. The same one is kept once."""
        if text not in self._warnings:
            self._warnings[text] = None
            self._append(encode(["warning", text]) + "\n")

    def finish(
        self, failure: str | None, started: str, elapsed: float, results: Mapping[str, Plain]
    ) -> None:
        """Say how the run ended; `results` are all of them, in case the file has lost some.

        Raises:
            OSError: the file cannot be written even now.
        """
        if os.getpid() != self._pid:
            return
        if not self._is_there():
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            if self._is_ours():
                os.close(self._descriptor)
            self._open()
            self._complete = False
        try:
            self._end(exit_line(failure, started, elapsed), results)
        except OSError:
            os.fchmod(self._descriptor, _UNFINISHED)
            raise

    def _end(self, line: str, results: Mapping[str, Plain]) -> None:
        if not self._complete:
            # The line break ends a line that a failed write has torn.
            lines = ["", *(encode(["set", key, value]) for key, value in results.items())]
            lines += [encode(["warning", text]) for text in self._warnings]
            _write(self._descriptor, ("\n".join(lines) + "\n").encode())
        _write(self._descriptor, line.encode())

    def close(self) -> None:
        """Let go of the file. What is set afterwards is not kept."""
        if os.getpid() == self._pid and self._is_ours():
            os.close(self._descriptor)
        self._pid = -1

    def _open(self) -> None:
        descriptor = os.open(self._path, _FLAGS, 0o666)
        self._use(descriptor)
        _write(descriptor, self._header.encode())

    def _use(self, descriptor: int) -> None:
        self._descriptor = descriptor
        state = os.fstat(descriptor)
        self._identity = (state.st_dev, state.st_ino)

    def _append(self, line: str) -> None:
        if os.getpid() != self._pid:
            return
        try:
            if not self._is_ours():
                self._complete = False  # a module that closes descriptors has closed ours
                return
            _write(self._descriptor, line.encode())
        except OSError:
            # Told at the end, when the file is completed or cannot be; the run goes on meanwhile.
            self._complete = False

    def _is_ours(self) -> bool:
        """Whether our descriptor still is our file: its number may have been closed and reused."""
        try:
            state = os.fstat(self._descriptor)
        except OSError:
            return False
        return (state.st_dev, state.st_ino) == self._identity

    def _is_there(self) -> bool:
        try:
            state = os.stat(self._path)
        except OSError:
            return False
        return (state.st_dev, state.st_ino) == self._identity and self._is_ours()


@dataclass(frozen=True)
class Written:
    """What a results file says.

    Attributes:
        believed: whether the file is there and of the attempt that was asked for.
        results: what was set, in order.
        warnings: what a person should know.
        started: when the process of the run began, as local ISO 8601 text, or None.
        pid: the process of the run, or 0.
        moment, boot: when `pid` was the number of that process, as `coolrun.machine` tells it.
        exit: how the work ended, with all of the above; None when the process never said.
        unfinished: whether the process said that it could not write all of this.
    """

    believed: bool = False
    results: dict[str, Plain] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    started: str | None = None
    pid: int = 0
    exit: Exit | None = None
    moment: float = 0.0
    boot: str = ""
    unfinished: bool = False

    @property
    def is_there(self) -> bool:
        """Whether the process that wrote this is there still; False as well if nobody can tell."""
        return was_there(self.pid, self.moment, self.boot)

    def end(self, token: str, failure: str | None, started: str, elapsed: float) -> Exit:
        """An exit for a run whose process never said how it ended."""
        began = self.started or started
        return Exit(token, failure, began, elapsed, self.results, self.warnings)


def read_results(path: Path, token: str) -> Written:
    """Read a results file. A torn line is passed over; a file of another attempt says nothing."""
    results: dict[str, Plain] = {}
    warnings: dict[str, None] = {}
    ended: tuple[str | None, str, float] | None = None
    pid, moment = 0, 0.0
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return Written()
    except OSError as error:
        return Written(warnings=(f"cannot read {str(path)!r}: {error.strerror}",))
    with file:
        unfinished = bool(os.fstat(file.fileno()).st_mode & stat.S_ISVTX)
        header = _header(file.readline())
        if header.get("format") != FORMAT or header.get("token") != token:
            return Written()
        pid, moment = header.get("pid", 0), header.get("moment", 0.0)
        for line in file:
            event = _event(line)
            if event is None:
                continue
            kind = event[0]
            if kind == "set":
                results[event[1]] = event[2]
            elif kind == "delete":
                results.pop(event[1], None)
            elif kind == "warning":
                warnings[event[1]] = None
            elif kind == "pid":
                pid, moment = event[1], event[2] if len(event) > 2 else moment
            elif kind == "exit" and ended is None:
                ended = event[1], event[2], event[3]
    told = tuple(warnings)
    exited = None if ended is None else Exit(token, *ended, results, told)
    started, at_boot = header.get("started"), header.get("boot", "")
    return Written(True, results, told, started, pid, exited, moment, at_boot, unfinished)


def token_of(path: Path) -> str | None:
    """Whose results file this is; None where there is none, or its first line was never written."""
    try:
        with path.open("rb") as file:
            token = _header(file.readline()).get("token")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return token if isinstance(token, str) else None


def claim(path: str | Path, token: str, started: str) -> int:
    """Take an attempt for a process that does not exist yet; `append_pid` says which it is.

    Returns:
        the results file, open.

    Raises:
        Claimed: the attempt is another process's.
        OSError: the file cannot be made.
    """
    return _claimed(path, token, _header_line(token, started, 0))


def append_pid(descriptor: int, pid: int) -> None:
    """Say in a results file which process does the work.

    Raises:
        OSError: the file cannot be written.
    """
    _write(descriptor, _pid_line(pid).encode())


def forbid(path: Path, token: str) -> bool:
    """Make sure that an attempt never begins; False when it has begun already.

    Raises:
        OSError: the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = encode({"format": FORMAT, "token": token})
        os.close(_claimed(path, token, f"{header}\n"))
    except Claimed:
        return False
    return True


def append_exit(
    path: Path, token: str, failure: str | None, started: str, elapsed: float, *, pid: int = 0
) -> None:
    """Say for a process that has ended how it ended, unless it said so itself or could not.

    With `pid` only if it is that process that did the work.

    Raises:
        OSError: the file cannot be written.
    """
    header, exited = _ends(path)
    if exited or (header and path.stat().st_mode & stat.S_ISVTX):
        return
    if header.get("token") != token or (pid and header.get("pid", -1) not in {0, pid}):
        return
    line = exit_line(failure, str(header.get("started", started)), elapsed)
    _append_line(path, f"\n{line}")


def has_exit(path: Path, token: str) -> bool:
    """Whether the file says how the run ended, as far as its last part tells."""
    header, exited = _ends(path)
    return exited and header.get("token") == token


def _ends(path: Path) -> tuple[dict[str, Plain], bool]:
    """The header, and whether there is an exit in the last part, however long the file is.

    Of two exits the first counts, so that writing another one does no harm.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return {}, False
    with file:
        header = _header(file.readline())
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        return header, b'\n["exit",' in file.read(_TAIL)


def _claimed(path: str | Path, token: str, header: str) -> int:
    """Make the file, which only one process can, and write its first line; its descriptor."""
    try:
        descriptor = os.open(path, _FLAGS | os.O_EXCL, 0o666)
    except FileExistsError:
        owner = token_of(Path(path))
        if owner is None or owner == token:
            raise Claimed(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        # Another attempt's: its process may still write to the file it has open.
        os.unlink(path)
        descriptor = os.open(path, _FLAGS | os.O_EXCL, 0o666)
    try:
        _write(descriptor, header.encode())
    except BaseException:
        os.close(descriptor)
        os.unlink(path)
        raise
    return descriptor


def _header_line(token: str, started: str, pid: int) -> str:
    # As `encode` would write it, with less code: every run does this after its fork.
    return (
        f'{{"format":{FORMAT},"token":{json.dumps(token)},"started":{json.dumps(started)},'
        f'"pid":{pid},"boot":{json.dumps(boot())},"moment":{since_boot()}}}\n'
    )


def exit_line(failure: str | None, started: str, elapsed: float) -> str:
    """The line that says how the work ended, as `encode` would write it."""
    told = "null" if failure is None else json.dumps(failure)
    return f'["exit",{told},{json.dumps(started)},{elapsed!r}]\n'


def _pid_line(pid: int) -> str:
    return f'["pid",{pid},{since_boot()}]\n'


def _append_line(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        _write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _header(line: bytes) -> dict[str, Plain]:
    try:
        header = json.loads(line)
    except ValueError:
        return {}
    return header if type(header) is dict else {}


def _event(line: bytes) -> list[Plain] | None:
    """One event, or None for a line that a crash or a full disk has torn, or that is empty."""
    if not line.endswith(b"]\n"):
        return None
    try:
        # Wrapped values are rare, and plain JSON is read three times as fast.
        event = decode(line) if b"{" in line else json.loads(line)
    except ValueError:
        return None
    return event if type(event) is list and event else None
