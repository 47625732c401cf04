"""What `!merge` and `!delete` mean to those who put experiments over their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from coolrun.plain import Key, Plain


@dataclass(frozen=True)
class Merge:
    """`!merge {a: 1}`: a mapping that goes into the default's instead of replacing it."""

    value: dict[Key, Plain]


class Delete(Enum):
    """`!delete`: a default that this experiment does without."""

    DELETE = "!delete"


DELETE: Final = Delete.DELETE
