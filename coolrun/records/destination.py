"""Where a command writes the records that it gives to people."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from coolrun.errors import CoolrunError, UsageError
from coolrun.files import atomic_write

VERSION = 1
_SUFFIXES = (".yaml", ".yml")
_MANY = 10_000


class Destination:
    """A new file in a folder, or a file of a given name.

    Args:
        command: the command's name, for the first line of the file.
        prefix: what names of new files begin with.
        given: a folder, or a file whose name ends in .yaml.
        folder: what a relative name starts from.
    """

    def __init__(self, command: str, prefix: str, given: str, folder: Path) -> None:
        self.given = given
        self._command = command
        self._prefix = prefix
        self._path = folder / given
        self.named = given.endswith(_SUFFIXES) and not self._path.is_dir()

    def check(self) -> None:
        """Find out before the work what would make writing fail.

        Raises:
            UsageError: something else is in the way.
        """
        if not self.named:
            blocked = next((p for p in (self._path, *self._path.parents) if p.exists()), None)
            if blocked is not None and not blocked.is_dir():
                message = f"{self.given!r} is no folder"
                cure = "give --dest a folder, or a file name that ends in .yaml"
                raise UsageError(message, cure=cure)
        elif self._path.exists() and not self._is_ours():
            raise UsageError(
                f"{self.given!r} is there already, and no command wrote it",
                cure="give --dest another name, or remove the file first",
            )

    def write(self, pieces: Iterable[bytes], about: str, now: datetime) -> Path:
        """Write documents, each with its `---`, as a whole file; the path is as it was given.

        Args:
            about: what the file holds, for its first line.
            now: the local time, for the name.

        Raises:
            CoolrunError: the disk or the folder does not let us.
        """
        head = f"# coolrun {self._command} {VERSION}: {about}\n".encode()
        content = [head, *pieces]
        try:
            if self.named:
                path = self._path.resolve()
                path.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(path, content)
                return Path(self.given)
            self._path.mkdir(parents=True, exist_ok=True)
            return Path(self.given) / self._write_new(content, now)
        except OSError as error:
            reason = error.strerror or str(error)
            cure = "give --dest a folder of yours with enough room"
            message = f"cannot write to {self.given!r}: {reason}"
            raise CoolrunError(message, cure=cure) from error

    def _write_new(self, content: list[bytes], now: datetime) -> str:
        stem = f"{self._prefix}_{now:%Y-%m-%d_%H-%M-%S}"
        for number in range(1, _MANY):
            name = f"{stem}.yaml" if number == 1 else f"{stem}_{number}.yaml"
            try:
                if not (self._path / name).exists():
                    atomic_write(self._path / name, content, replace=False)
                    return name
            except FileExistsError:
                continue  # somebody else took the name at the same moment
        raise OSError(f"all names from {stem}.yaml on are taken")

    def _is_ours(self) -> bool:
        if not self._path.is_file():
            return False
        beginning = b"# coolrun "
        try:
            with open(self._path, "rb") as file:
                return file.read(len(beginning)) == beginning or not os.fstat(file.fileno()).st_size
        except OSError:
            return False
