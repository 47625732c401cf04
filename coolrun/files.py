"""Writing files so that a crash leaves the old or the new, never half of one."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


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

    def append(self, piece: bytes) -> None:
        """Add a piece that ends with a line break.

        Raises:
            OSError: nothing or only a part was written; the part is cut off by the next piece.
        """
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
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
