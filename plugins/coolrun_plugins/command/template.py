"""The text of a `Command`: what is written, and the placeholders in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

ALL = "args"

_NAME = r"[^\W\d][\w-]*(?:\.[\w-]+|\[-?\d+\])*"
_PIECES = re.compile(
    r"\$\{"  # the shell's own
    r"|(?P<open>\{\{|\[\[)|(?P<close>\}\}|\]\])"
    rf"|\{{(?P<value>{_NAME})\}}|\[(?P<flag>{_NAME})\]"
)


@dataclass(frozen=True)
class Hole:
    """A placeholder: `{name}` is a value, `[name]` a flag with its value, `{args}` all flags."""

    kind: Literal["value", "flag", "all"]
    name: str

    def __str__(self) -> str:
        return f"[{self.name}]" if self.kind == "flag" else f"{{{self.name}}}"


Piece: TypeAlias = str | Hole


def pieces(text: str) -> list[Piece]:
    """The template in order. `{{` and `[[` up to their closing are brackets, not placeholders.

    Other brackets with something else than a name between them stay as they are.
    """
    found: list[Piece] = []
    opened: list[str] = []
    end = 0
    for match in _PIECES.finditer(text):
        literal, hole = _piece(match, opened)
        found.append(text[end : match.start()] + literal)
        if hole is not None:
            found.append(hole)
        end = match.end()
    found.append(text[end:])
    return list(_joined(found))


def _piece(match: re.Match[str], opened: list[str]) -> tuple[str, Hole | None]:
    if match["open"]:
        opened.append("}}" if match["open"] == "{{" else "]]")
        return match["open"][0], None
    if match["close"]:
        if match["close"] in opened:
            opened.remove(match["close"])
            return match["close"][0], None
        return match["close"], None
    if match["flag"]:
        return "", Hole("flag", match["flag"])
    if match["value"]:
        kind: Literal["value", "all"] = "all" if match["value"] == ALL else "value"
        return "", Hole(kind, match["value"])
    return match[0], None


def _joined(found: list[Piece]) -> Iterator[Piece]:
    text = ""
    for piece in found:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            yield text
        text = ""
        yield piece
    if text:
        yield text
