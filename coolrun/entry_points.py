"""Finding and importing plugins: what is installed, and what is in the current folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module

GROUP = "coolrun"
_LARGEST = 1 << 20  # characters of an `entry_points.txt`


@dataclass(frozen=True)
class EntryPoint:
    """One line of a distribution's `entry_points.txt`."""

    name: str
    target: str
    distribution: str
    version: str

    def load(self) -> object:
        module, _, attributes = self.target.partition(":")
        loaded: object = import_module(module.strip())
        for attribute in _words(attributes.split(".")):
            loaded = getattr(loaded, attribute)
        return loaded


def _words(words: Iterable[str]) -> list[str]:
    return [word.strip() for word in words if word.strip()]


def find_entry_points(path: Iterable[str] | None = None) -> Iterator[EntryPoint]:
    """The entry points of our group in every installed distribution, in the order of the path.

    A plain look at the files costs a tenth of importing importlib.metadata.
    """
    seen: set[str] = set()
    for folder in sys.path if path is None else path:
        try:
            with os.scandir(folder or ".") as entries:
                names = sorted(
                    e.name for e in entries if e.name.endswith((".dist-info", ".egg-info"))
                )
        except OSError:
            continue
        for name in names:
            distribution, _, version = name.rpartition(".")[0].partition("-")
            distribution = distribution.replace("_", "-")
            if distribution.lower() in seen:
                continue
            seen.add(distribution.lower())
            file = os.path.join(folder or ".", name, "entry_points.txt")
            try:
                with open(file, encoding="utf-8", opener=_without_waiting) as lines:
                    text = lines.read(_LARGEST)
            except (OSError, UnicodeDecodeError):
                continue
            if f"[{GROUP}]" in text:
                yield from _parse(text, distribution, version.partition("-")[0])


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)


def _parse(text: str, distribution: str, version: str) -> Iterator[EntryPoint]:
    group = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            group = line.strip("[]").strip()
        elif group == GROUP and "=" in line and not line.startswith("#"):
            name, _, target = line.partition("=")
            yield EntryPoint(name.strip(), target.partition("[")[0].strip(), distribution, version)


def import_from_here(name: str) -> object:
    """Import a module, of the current folder too; it comes last, so that it hides no other."""
    here = os.getcwd()
    if not {"", here} & set(sys.path):
        sys.path.append(here)
    return import_module(name)
