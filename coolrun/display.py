"""Values, names and durations as people see them on a screen, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from coolrun.plain import Marked, Plain

ELLIPSIS = "..."


def visible(text: str) -> str:
    """The text with everything escaped that a terminal would obey instead of showing it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible_lines(text: str) -> str:
    """The same of a text of several lines, which stay lines."""
    return "\n".join(visible(line) for line in text.splitlines())


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def shortened(text: str, width: int) -> str:
    """The text, or its beginning and `...`, in at most `width` columns."""
    if len(text) * 2 <= width or cells(text) <= width:
        return text
    if width <= len(ELLIPSIS):
        return ELLIPSIS[: max(width, 0)]
    taken, room = [], width - len(ELLIPSIS)
    for character in text:
        room -= cells(character)
        if room < 0:
            break
        taken.append(character)
    return "".join(taken) + ELLIPSIS


def shown(value: Plain, width: int = 60) -> str:
    """A value in one line of at most `width` columns, near to what one would write in YAML.

    Text that would be read as something else is quoted. Nothing large is built on the way.
    """
    pieces: list[str] = []
    room = width + 1
    for piece in _pieces(value, width):
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            break
    return shortened(visible("".join(pieces)), width)


def measured(value: Plain, width: int = 24) -> str:
    """A result in one line: a float with as many digits as anybody compares."""
    return shown(float(f"{value:.6g}") if type(value) is float else value, width)


def _pieces(value: Plain, width: int) -> Iterable[str]:
    if isinstance(value, Marked):
        yield str(value[: width + 1])
    elif isinstance(value, dict):
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            yield ", " if number else ""
            yield f"{_leaf(key, width)}: "
            yield from _pieces(item, width)
        yield "}"
    elif isinstance(value, (list, tuple)):
        opening, closing = "[]" if isinstance(value, list) else "()"
        yield opening
        for number, item in enumerate(value):
            yield ", " if number else ""
            yield from _pieces(item, width)
        yield ",)" if isinstance(value, tuple) and len(value) == 1 else closing
    else:
        yield _leaf(value, width)


def _leaf(value: Plain, width: int) -> str:
    if isinstance(value, str) and (len(value) > width or not value.isprintable()):
        return value[: width + 1]
    if isinstance(value, int) and value.bit_length() > 200:
        return f"{'-' if value < 0 else ''}{hex(abs(value))[: width + 1]}"
    if type(value) is int:
        return str(value)
    from coolrun.yamlio import dump

    # In a list, so that text is written as it stands between others.
    written = dump([value]).rstrip("\n")
    return written[1:-1] if written.startswith("[") else written[2:]


def duration(seconds: float) -> str:
    """A length of time in words: `30 ms`, `1.3 s`, `12 s`, `3:25`, `1:02:03`, `2 d 03:04`."""
    if seconds < 0.0995:
        return f"{max(seconds, 0.0) * 1000:.0f} ms"
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{hours // 24} d {hours % 24:02}:{minutes:02}"


def numbers(positions: Iterable[int], most: int | None = None) -> str:
    """Whole numbers in short: `0-3, 7, 9`; after `most` parts only how many follow."""
    spans: list[list[int]] = []
    for position in sorted(positions):
        if spans and position == spans[-1][1] + 1:
            spans[-1][1] = position
        else:
            spans.append([position, position])
    rest = sum(b - a + 1 for a, b in spans[most:]) if most is not None else 0
    text = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans[:most])
    return f"{text} and {rest} more" if rest else text


def as_json(value: Plain) -> Any:
    """What JSON can say of a value: keys are text, and numbers that JSON does not have are too."""
    if isinstance(value, dict):
        return {key_text(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, float) and not isfinite(value):
        return key_text(value)
    return value


def key_text(key: Plain) -> str:
    """A key as text, in JSON and in headings: `true` as YAML and JSON write it."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)
