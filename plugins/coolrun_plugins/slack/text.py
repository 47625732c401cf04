"""Messages in Slack's markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun_plugins.notify.notification import Notification

LONGEST = 3800  # characters of a message; Slack asks for at most 4,000
_LINE = 400
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_FENCE = "```"
_INDENT = "    "


def heading(notification: Notification) -> str:
    """The title, in bold."""
    title = notification.title.replace("*", "").replace(_FENCE, "'''")
    return f"*{escaped(title)}*"


def markup(notification: Notification) -> str:
    """The whole message: the title, the text, and what is indented as it was printed."""
    lines = [heading(notification)]
    length, inside = len(lines[0]), False
    for line in notification.text.splitlines():
        printed = line.startswith(_INDENT)
        # A fence in what was said would turn the next one round: output shown as markup.
        shown = escaped(line.removeprefix(_INDENT)).replace(_FENCE, "'''")
        length += len(shown) + 2 * len(_FENCE) + 2
        if length > LONGEST:
            shown, printed = "...", inside
        if printed != inside:
            lines.append(_FENCE)
            inside = printed
        lines.append(shown)
        if length > LONGEST:
            break
    return "\n".join([*lines, *([_FENCE] if inside else [])])


def escaped(text: str, longest: int = _LINE) -> str:
    """Text in which Slack finds no mention, link or entity; cut where it is too long."""
    text = text.encode("utf-8", errors="replace").decode()
    pieces: list[str] = []
    length = 0
    for character in text:
        piece = _ESCAPES.get(character, character)
        length += len(piece)
        if length > longest:
            return "".join([*pieces, "..."])
        pieces.append(piece)
    return "".join(pieces)
