"""What is remembered of large logs between commands, in `.coolrun/cache` of the working folder.

A file per part of a log, named by a digest of the part's bytes. It can be deleted at any time.
Where the folder cannot be written, nothing is remembered.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.files import atomic_write
from coolrun.records.columns import Columns, Recorder

if TYPE_CHECKING:
    from coolrun.records.log import Part

# Below this reading again is as fast.
WORTH = 1 << 20
# Of all files together; beyond it the ones that were not used for longest go.
LARGEST = 1 << 30
_SUFFIX = ".columns"


class Memory:
    """Remembers the columns of parts of logs.

    Children find and make columns; only the parent writes them. A part of the parent's memory is
    set aside for that, because a child can write no file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ".coolrun" / "cache"
        self._set_aside: dict[Part, mmap] = {}

    def set_aside(self, part: Part) -> None:
        """Make room for what a child may tell about a part."""
        if len(part) >= WORTH:
            self._set_aside[part] = mmap(-1, 2 * len(part))

    # In a child

    def find(self, part: Part) -> Columns | None:
        """The columns of a part, if they are remembered."""
        if len(part) < WORTH:
            return None
        try:
            data = (self._folder / _name(part)).read_bytes()
            return Columns(data)
        except (OSError, ValueError, TypeError):
            return None  # nothing there, or nothing to be believed: the log itself is read

    def recorder(self, part: Part) -> Recorder | None:
        """What takes the records of a part, if it is worth it."""
        return Recorder() if part in self._set_aside else None

    def tell(self, part: Part, recorder: Recorder) -> int:
        """Hand the columns to the parent; their size, 0 where they are not worth keeping."""
        room, data = self._set_aside[part], recorder.data()
        if data is None or len(data) > len(room):
            return 0
        room[: len(data)] = data
        return len(data)

    # In the parent

    def keep(self, part: Part, size: int) -> None:
        """Write what a child told about a part, if that is possible."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            ignore = self._folder.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            atomic_write(self._folder / _name(part), self._set_aside[part][:size], sync=False)
            self._tidy()

    def close(self) -> None:
        """Give the memory back."""
        while self._set_aside:
            self._set_aside.popitem()[1].close()

    def _tidy(self) -> None:
        found = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(_SUFFIX):
                    status = entry.stat()
                    found.append((status.st_atime, status.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= LARGEST:
                return
            os.unlink(path)
            total -= size


def _name(part: Part) -> str:
    data = memoryview(part.log.data)[part.start : part.end]
    return blake2b(data, digest_size=16).hexdigest() + _SUFFIX
