"""The bytes of a YAML file: whether they are text, and where documents and lines begin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coolrun.errors import DefinitionError, Place

_BOM = b"\xef\xbb\xbf"
_CONTROL = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\r")
# Control characters beyond ASCII, line ends that only YAML 1.1 knows, a mark amid the text, and
# the two code points that are no characters.
_ODD = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]"
    rb"|\xef\xbb\xbf|\xef\xbf[\xbe\xbf]"
)
_AFTER_START = frozenset((b"", b" ", b"\t", b"\r", b"\n"))
_START = re.compile(rb"(?<=[\r\n])---(?=[ \t\r\n]|\Z)")
_LINE = re.compile(rb"\r\n?|\n")


def check_text(data: bytes, path: str, first_line: int = 1) -> None:
    """Refuse what is not UTF-8 text.

    Raises:
        DefinitionError: with the place of the first byte that is wrong.
    """
    if data.isascii():
        if len(data.translate(None, _CONTROL)) == len(data):
            return
    else:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            place = place_at(data, error.start, path, first_line)
            raise DefinitionError(
                f"byte 0x{data[error.start]:02x} is not UTF-8 (line {place.line})",
                place=place,
                cure="save the file as UTF-8",
            ) from None
    match = _ODD.search(data, len(_BOM) if data.startswith(_BOM) else 0)
    if match is None:
        return
    place = place_at(data, match.start(), path, first_line)
    raise DefinitionError(
        f"character {match[0].decode()!a} cannot stand in YAML (line {place.line})",
        place=place,
        cure="remove it, or write it as an escape in double quotes",
    )


def starts(data: bytes) -> Iterator[int]:
    """Where the lines begin that start a document with `---`.

    libyaml takes such a line for the start of a document wherever it stands.
    """
    position = len(_BOM) if data.startswith(_BOM) else 0
    if data.startswith(b"---", position) and data[position + 3 : position + 4] in _AFTER_START:
        yield 0
    # Old Macintosh line ends are rare, and looking for both kinds of line end is slow.
    if data.find(b"\r") >= 0:
        yield from (match.start() for match in _START.finditer(data, position + 1))
        return
    while (position := data.find(b"\n---", position) + 1) > 0:
        if data[position + 3 : position + 4] in _AFTER_START:
            yield position


def split(data: bytes) -> list[tuple[int, int]]:
    """The documents of a log as (start, end), in bytes, without parsing them.

    A document goes from its `---` to the next one; comments before the first belong to that.
    """
    cuts = list(starts(data))
    if _has_content(data, 0, cuts[0] if cuts else len(data)):
        cuts.insert(0, 0)
    elif cuts:
        cuts[0] = 0
    return list(zip(cuts, [*cuts[1:], len(data)], strict=False))


def _has_content(data: bytes, start: int, end: int) -> bool:
    if data.startswith(_BOM):
        start += len(_BOM)
    while start < end:
        match = _LINE.search(data, start, end)
        line = data[start : match.start() if match else end].strip()
        if line and not line.startswith((b"#", b"%")):
            return True
        start = match.end() if match else end
    return False


def line_at(data: bytes, offset: int) -> int:
    """The line, from 1, of a byte."""
    breaks = data.count(b"\n", 0, offset)
    if data.find(b"\r", 0, offset) >= 0:
        breaks += data.count(b"\r", 0, offset) - data.count(b"\r\n", 0, offset)
    return breaks + 1


def place_at(data: bytes, offset: int, path: str, first_line: int = 1) -> Place:
    """The place of a byte; columns are characters."""
    begin = max(data.rfind(b"\n", 0, offset), data.rfind(b"\r", 0, offset)) + 1
    column = len(data[begin:offset].decode(errors="replace")) + 1
    return Place(path, line_at(data, offset) + first_line - 1, column)


def lines_of(data: bytes, *numbers: int) -> list[str]:
    """Lines by number, from 0, empty where there is none; long ones are cut."""
    found = dict.fromkeys(numbers, "")
    begin = 0
    for number in range(max(numbers) + 1):
        match = _LINE.search(data, begin)
        if number in found:
            end = match.start() if match else len(data)
            text = data[begin : min(end, begin + 4000)].decode(errors="replace")
            found[number] = text.removeprefix("\ufeff")
        if match is None:
            break
        begin = match.end()
    return [found[number] for number in numbers]
