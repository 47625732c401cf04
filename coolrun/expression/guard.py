"""What every part of the guard shares: bounds, fuel, and the errors that may leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Ceilings on what an expression builds; data that was given may be larger.
BITS = 4_096
TEXT = 100_000
LIST = 20_000
MAPPING = 2_000
DEPTH = 50

# One step is about 0.3 us of work: an expression ends within a second on a slow machine.
STEPS = 1_000_000
# A definition may be worth more than its longest expression, and grows with its experiments.
STEPS_PER_FILE = 50_000_000
STEPS_PER_EXPERIMENT = 10_000

REASON = 300
SHOWN = 200


class GuardError(ExpressionError):
    """An expression was refused or failed.

    `path` leads from the experiment to the value, for whoever locates it in the file:
    `("optimizer", "betas", 0)`. It is empty where only a text was evaluated.
    """

    path: tuple[str | int, ...] = ()


class MissingName(GuardError):
    """A name, or a key of a mapping, that does not exist.

    `name` is what was looked for, `owner` the source text of the mapping (None: a bare name).
    """

    def __init__(self, message: str, *, name: str, owner: str | None, cure: str | None) -> None:
        super().__init__(message, cure=cure)
        self.name = name
        self.owner = owner
        self.container: object = None


class Pending(GuardError):
    """A value that does not exist yet was read.

    A mapping in the scope may raise it for a key whose value is not to be read now. `word` is the
    first word of the text that will make the value.
    """

    def __init__(
        self, message: str, *, word: str = "", container: object = None, cure: str | None = None
    ) -> None:
        super().__init__(message, cure=cure)
        self.word = word
        self.container = container


class Refused(Exception):
    """Inside the guard only: the reason, and what to do about it."""

    def __init__(self, reason: str, cure: str | None = None) -> None:
        super().__init__(reason)
        self.cure = cure


class Missing(Refused):
    """Inside the guard only: `name` is not in `container` (None: not in scope at all)."""

    def __init__(self, reason: str, name: object, owner: str | None, container: object) -> None:
        super().__init__(reason)
        self.name = name
        self.owner = owner
        self.container = container


class Unresolved:
    """Holds the place of a value whose expression has not been evaluated yet."""

    __slots__ = ("wanted",)

    def __init__(self) -> None:
        self.wanted = False


class Needs(Exception):
    """Inside the guard only: an unresolved value was read."""

    def __init__(self, cell: Unresolved) -> None:
        super().__init__("a value that is not resolved yet")
        self.cell = cell


class Meter:
    """Counts down the steps that are left."""

    left: int = 0

    def spend(self, steps: int) -> None:
        """Pay before doing the work.

        Raises:
            Refused: nothing is left.
        """
        self.left -= steps
        if self.left < 0:
            raise Refused("too much work for one expression", "compute it in the module instead")


class Lazy:
    """A mapping of the scope that is only ever read by key: never listed, copied or returned."""

    __slots__ = ("mapping",)

    def __init__(self, mapping: Mapping[object, object]) -> None:
        self.mapping = mapping


def printable(text: str, limit: int) -> str:
    """The text on one line without control characters, cut to `limit` characters."""
    cut = text[: limit + 1]
    if not cut.isprintable():
        cut = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
    return cut if len(cut) <= limit else cut[: limit - 3] + "..."
