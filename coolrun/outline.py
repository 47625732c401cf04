"""The plan of a session as it lies on the disk: looked at line by line, read only where needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from coolrun.plain import decode

if TYPE_CHECKING:
    from coolrun.experiment import Experiment
    from coolrun.store import SessionFolder

# The beginning of a line, as the store writes it: position, document, series, why it is skipped,
# and whom it waits for.
_BEGINNING = re.compile(rb'\[(\d+),\d+,\d+,(null|"(?:[^"\\]|\\.)*"),\[([\d,]*)\]')


class Outline:
    """What a plan says of each experiment before its values, for as many as there are.

    Attributes:
        skipped: why an experiment is not run, by position.
        after: for whom an experiment waits, by position, where it waits for any.
    """

    def __init__(self, folder: SessionFolder) -> None:
        """Look at the plan of a session.

        Raises:
            SessionError: the folder holds no whole plan.
        """
        self._folder = folder
        self._lines: list[bytes] = []
        self.skipped: dict[int, str] = {}
        self.after: dict[int, frozenset[int]] = {}
        try:
            first, *lines = folder.plan.read_bytes().split(b"\n")
            count = decode(first)["count"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise folder.without_plan(error) from error
        self._take(lines, count)
        if len(self._lines) < count:
            raise folder.without_plan("it was cut off")

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def chosen(self) -> Iterator[int]:
        """The positions of the experiments that are to run, in order."""
        return (position for position in range(len(self)) if position not in self.skipped)

    def experiment(self, position: int) -> Experiment:
        """One experiment with its final values, as far as they were known when it was planned."""
        return self._folder.read_line(self._lines[position])

    def named(self, name: str) -> list[int]:
        """The positions of the experiments that have this name."""
        # Text without it cannot be that of such an experiment, and is not taken apart.
        inside = json.dumps(name).encode()
        near = (n for n, line in enumerate(self._lines) if inside in line or name.isdecimal())
        return [position for position in near if self.experiment(position).name == name]

    def _take(self, lines: list[bytes], count: int) -> None:
        """Lines beyond the plan as it was at first add to it or take the place of earlier ones."""
        for line in lines:
            found = _BEGINNING.match(line)
            if found is None or (len(self._lines) >= count and not _is_whole(line)):
                continue
            position = int(found[1])
            if position > len(self._lines):
                continue
            if position == len(self._lines):
                self._lines.append(line)
            else:
                self._lines[position] = line
            self._note(position, found[2], found[3])

    def _note(self, position: int, skipped: bytes, after: bytes) -> None:
        self.skipped.pop(position, None)
        self.after.pop(position, None)
        if skipped != b"null":
            self.skipped[position] = json.loads(skipped)
        if after:
            self.after[position] = frozenset(map(int, after.split(b",")))


def _is_whole(line: bytes) -> bool:
    """Whether a line that was added later is no torn one."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
