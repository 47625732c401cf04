"""Writing files so that a crash leaves the old or the new, never half of one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

TICK = 1_000_000_000  # ns; the coarsest time stamps of files


def atomic_write(
    path: Path, data: bytes | Iterable[bytes], *, replace: bool = True, sync: bool = True
) -> None:
    """Write a file as a whole: after a crash it holds the old bytes or the new.

    Args:
        data: the bytes, or pieces of them.
        replace: whether a file that is there already may be replaced.
        sync: whether it has to survive a power loss; without, it may then hold anything.

    Raises:
        FileExistsError: it is there, and may not be replaced.
    """
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        if replace:
            os.replace(name, path)
        else:
            _take_name(name, path)
    except BaseException:
        os.unlink(name)
        raise
    if sync:
        sync_folder(path.parent)


def _take_name(name: str, path: Path) -> None:
    """Rename, unless the new name is taken."""
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: an empty file holds the name for a moment.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(name, path)
    else:
        os.unlink(name)


def replace_unchanged(
    path: Path, data: bytes | Iterable[bytes], known: tuple[int, int, int] | None
) -> tuple[int, int, int] | None:
    """Write a file that others write as well, unless it is not any more as it was known.

    What somebody saves at the very moment is kept: the old file is taken aside and looked at, and
    the new one takes the name only while it is free. A crash in between leaves the old file at
    `aside_of(path)`. The time of change is a second early: whoever saves within the same tick of
    the clock has another one.

    Args:
        known: inode, time of change in nanoseconds and size; None: there was no file.

    Returns:
        the same of the new file, looked at before anybody else could see it; None: not written.
    """
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode_of(path))
        os.utime(name, ns=(time.time_ns(), time.time_ns() - TICK))
        mark = mark_of(os.stat(name))
        if known is not None and not _take_aside(path, known):
            return None
        try:
            _take_name(name, path)
        except FileExistsError:
            return None
        finally:
            if known is not None and path.exists():
                os.unlink(aside_of(path))
    finally:
        Path(name).unlink(missing_ok=True)
    sync_folder(path.parent)
    return mark


def mark_of(status: os.stat_result) -> tuple[int, int, int]:
    """What tells a file from the same file saved again."""
    return status.st_ino, status.st_mtime_ns, status.st_size


def aside_of(path: Path) -> Path:
    """Where a file is for a moment while `replace_unchanged` puts another in its place."""
    return path.with_name(f".{path.name}.aside")


def _take_aside(path: Path, known: tuple[int, int, int]) -> bool:
    """Take a file's name away if it is as it was known; put it back if it is not."""
    aside = aside_of(path)
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return False
    status = os.stat(aside)
    if mark_of(status) == known:
        return True
    try:
        _take_name(str(aside), path)
    except FileExistsError:
        os.unlink(aside)  # it was saved once more, and that is the newest
    return False


def _mode_of(path: Path) -> int:
    try:
        return os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        return 0o666 & ~_umask()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Appender:
    """Appends whole pieces to a file that others may append to as well.

    A piece is written with one system call. Where a piece before it was torn by a crash or a full
    disk, the next one begins on a line of its own. `sync` makes everything survive a power loss.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self.path = path
        self._descriptor = os.open(path, flags, 0o666)
        self._dirty = False

    def append(self, piece: bytes, *, joined: bool = False) -> None:
        """Add a piece that ends with a line break.

        With `joined` it is the rest of what was torn, and no line break is put before it.

        Raises:
            OSError: nothing or only a part was written; the part is cut off by the next piece.
        """
        if not piece:
            return
        size = os.fstat(self._descriptor).st_size
        if size and not joined and os.pread(self._descriptor, 1, size - 1) != b"\n":
            piece = b"\n" + piece
        self._dirty = True
        written = os.write(self._descriptor, piece)
        while written < len(piece):
            written += os.write(self._descriptor, piece[written:])

    def sync(self) -> None:
        """Flush to the disk, if anything was appended since the last time."""
        if self._dirty:
            os.fsync(self._descriptor)
            self._dirty = False

    def close(self) -> None:
        """Sync and let go of the file."""
        if self._descriptor >= 0:
            self.sync()
            os.close(self._descriptor)
            self._descriptor = -1
