"""Finding files: from the paths that a person gave down to every folder that is not hidden."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from coolrun import CoolrunError, UsageError


class Found(NamedTuple):
    """A file. `explicit`: a person named it; `session`: it belongs to that folder of a session."""

    path: str
    explicit: bool
    session: str | None = None


class Walk:
    """Walks from paths, in the order in which they are given; names in a folder are sorted.

    Args:
        excluded: names, paths or patterns of what is left out.
        visit: told of every folder.

    Attributes:
        problems: what could not be looked at.
        unused: what was to be left out and was never seen.
    """

    def __init__(
        self, cwd: str, excluded: Sequence[str], visit: Callable[[str], None] | None = None
    ) -> None:
        self.problems: list[CoolrunError] = []
        self._cwd = cwd
        self._visit = visit
        self._names = [e.rstrip("/") for e in excluded if "/" not in e.rstrip("/")]
        self._paths = [os.path.normpath(os.path.join(cwd, e)) for e in excluded]
        self._used: set[str] = set()
        self._excluded = list(excluded)
        self._seen: set[tuple[int, int]] = set()

    @property
    def unused(self) -> list[str]:
        return [
            e
            for e, path in zip(self._excluded, self._paths, strict=True)
            if e.rstrip("/") not in self._used and path not in self._used
        ]

    def files(self, paths: Sequence[str]) -> Iterator[Found]:
        """Every regular file, once, however many ways lead to it.

        Raises:
            UsageError: a path that does not exist, before anything is walked.
        """
        given = [(path, self._status(path)) for path in paths]
        return self._files(given)

    def _files(self, given: Sequence[tuple[str, os.stat_result]]) -> Iterator[Found]:
        for path, status in given:
            if S_ISDIR(status.st_mode):
                yield from self._folder(path.rstrip("/") or "/")
            elif not self._excludes(path) and self._new(status.st_dev, status.st_ino):
                yield Found(path, explicit=True)

    def _status(self, path: str) -> os.stat_result:
        full = os.path.join(self._cwd, path)
        try:
            status = os.stat(full)
        except (OSError, ValueError) as error:
            raise _missing(path, full, error) from None
        if not (S_ISDIR(status.st_mode) or S_ISREG(status.st_mode)):
            raise UsageError(f"{path!r} is no regular file", cure="save it in a file first")
        return status

    def _folder(self, top: str) -> Iterator[Found]:
        # Folders are visited in the order of their names, without recursion.
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            full = os.path.join(self._cwd, folder)
            try:
                status = os.stat(full)
                if not self._new(status.st_dev, status.st_ino):
                    continue
                with os.scandir(full) as entries:
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                reason = error.strerror or str(error)
                self.problems.append(CoolrunError(f"{folder!r} cannot be read: {reason}"))
                continue
            if self._visit is not None:
                self._visit(folder)
            if _is_session(full):
                yield Found(folder, explicit=False, session=full)
                continue
            inner = []
            prefix = "" if folder == "." else f"{folder.rstrip('/')}/"
            for entry in listed:
                name = entry.name
                if name[0] == ".":
                    continue
                path = prefix + name
                if entry.is_dir():
                    if not self._excludes(path):
                        inner.append(path)
                elif entry.is_file() and not self._excludes(path):
                    if entry.is_symlink():
                        target = entry.stat()
                        device, number = target.st_dev, target.st_ino
                    else:
                        device, number = status.st_dev, entry.inode()
                    if self._new(device, number):
                        yield Found(path, explicit=False)
            waiting += reversed(inner)

    def _new(self, device: int, number: int) -> bool:
        size = len(self._seen)
        self._seen.add((device, number))
        return len(self._seen) > size

    def _excludes(self, path: str) -> bool:
        if not self._excluded:
            return False
        name = os.path.basename(path.rstrip("/"))
        for pattern in self._names:
            if fnmatchcase(name, pattern):
                self._used.add(pattern)
                return True
        full = os.path.normpath(os.path.join(self._cwd, path))
        for pattern in self._paths:
            if full == pattern or fnmatchcase(full, pattern):
                self._used.add(pattern)
                return True
        return False


def _is_session(folder: str) -> bool:
    names = ("plan.jsonl", "definition.yaml")
    return all(os.path.isfile(os.path.join(folder, name)) for name in names)


def _missing(path: str, full: str, error: Exception) -> UsageError:
    if isinstance(error, FileNotFoundError):
        from difflib import get_close_matches

        folder = os.path.dirname(full)
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        near = get_close_matches(os.path.basename(full), names, n=1)
        cure = f"did you mean {near[0]!r}?" if near else f"it was looked for in {folder!r}"
        return UsageError(f"there is no file or folder {path!r}", cure=cure)
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(f"{path!r} cannot be looked at: {reason}")
