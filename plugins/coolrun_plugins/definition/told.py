"""Notes about a definition: a file can give reason for millions of them."""

from __future__ import annotations

from collections.abc import Callable

MOST = 20


class Told:
    """Tells the first notes, and in the end whether there were more."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._count = 0

    @property
    def enough(self) -> bool:
        """Whether what is told now is only counted: then nothing clever need be said."""
        return self._count >= MOST

    def __call__(self, message: str) -> None:
        if not self.enough:
            self._warn(message)
        self._count += 1

    def close(self) -> None:
        """Say that something was left out."""
        if self._count > MOST:
            self._warn(f"these were the first {MOST} notes about this file; there are more")
