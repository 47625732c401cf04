"""Documents out of bytes.

libyaml's events and not PyYAML's loaders, because those recurse, share what aliases name, read
YAML 1.1 and take a duplicate key for an update. Nothing here keeps positions: an event knows its
own, and any other place is found by reading once more.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from coolrun.errors import DefinitionError, Place
from coolrun.yamlio.builder import Builder
from coolrun.yamlio.leaves import Leaves, Warn
from coolrun.yamlio.limits import DEFINITION, Limits
from coolrun.yamlio.locate import locate
from coolrun.yamlio.problems import Refused, as_definition_error, dotted
from coolrun.yamlio.source import check_text, starts

if TYPE_CHECKING:
    from coolrun.plain import Plain


class Document(NamedTuple):
    """One document: its value, its bytes in the data, and the line where its content begins.

    `data[start:end]` is the document as it was written, its `---` included.
    """

    value: Plain
    start: int
    end: int
    line: int


def read(
    data: bytes,
    *,
    path: str,
    limits: Limits = DEFINITION,
    words: Collection[str] = (),
    definition: bool = False,
    warn: Warn | None = None,
    first_line: int = 1,
) -> Iterator[Document]:
    """The documents of a file, one after the other.

    Args:
        data: the file's bytes.
        path: the file's name, for messages.
        limits: the bounds; what is beyond them is an error.
        words: text that begins with one of these and white space is `coolrun.plain.Marked`.
        definition: whether this is a definition: `!merge` and `!delete` are known, every document
            is a mapping with text for keys (or empty: None), keys with `__` at either end and NUL
            characters are refused. Elsewhere any plain value is a document, and every text that
            `dump` can write is read, an escaped NUL included.
        warn: told of what is valid and hardly meant.
        first_line: the number of the first line, where `data` is a part of a file.

    Raises:
        DefinitionError: with the place, when the reading comes to what is wrong.
    """
    import yaml
    from yaml._yaml import CParser

    if not limits.each:
        _check_size("the file", len(data), limits, Place(path, first_line))
    check_text(data, path, first_line)

    def place(event: Any) -> Place:
        mark = event.start_mark
        return Place(path, mark.line + first_line, mark.column + 1)

    def tell(message: str, event: Any) -> None:
        if warn is not None:
            warn(message, place(event))

    def line_of_key(keys: list[Any]) -> int:
        return locate(data, number, keys, file=path, key=True).line + first_line - 1

    next_event = CParser(data).get_event
    leaves = Leaves(limits, words, tell, definition=definition)
    builder = Builder(next_event, leaves, limits, line_of_key, definition=definition)
    cuts = starts(data)
    cut = next(cuts, None)
    start, number = 0, -1
    try:
        while True:
            opening = next_event()
            if type(opening) is yaml.StreamStartEvent:
                continue
            if type(opening) is not yaml.DocumentStartEvent:
                return
            number += 1
            if opening.explicit:
                start, cut = (cut or 0) if number else 0, next(cuts, None)
            end = len(data) if cut is None else cut
            _check_opening(opening, number, limits)
            if limits.each and end - start > limits.size:
                _check_size("the document", end - start, limits, place(opening))
            builder.begin()
            first, value = builder.build()
            if definition and value is not None and type(value) is not dict:
                cure = "write `key: value`, with a space after the colon"
                raise Refused("the document is no mapping of keys to values", cure, first)
            mark: Any = (opening if value is None else first).start_mark
            yield Document(value, start, end, mark.line + first_line)
    except yaml.YAMLError as problem:
        raise as_definition_error(problem, data, path, first_line) from None
    except Refused as refused:
        where = place(refused.event)
        raise DefinitionError(
            f"{refused.message} (line {where.line})",
            place=where,
            key=dotted(refused.path) or None,
            cure=refused.cure,
        ) from None


def read_all(data: bytes, *, path: str, **options: Any) -> list[Document]:
    """`read` as a list, made without collecting garbage meanwhile, which is faster."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return list(read(data, path=path, **options))
    finally:
        if enabled:
            gc.enable()


def _check_size(what: str, size: int, limits: Limits, place: Place) -> None:
    if size > limits.size:
        raise DefinitionError(
            f"{what} is larger than {limits.size:,} bytes (line {place.line})",
            place=place,
            cure="spread it over several files",
        )


def _check_opening(opening: Any, number: int, limits: Limits) -> None:
    if limits.documents is not None and number >= limits.documents:
        message = f"more than {limits.documents:,} documents"
        raise Refused(message, "spread them over several files", opening)
    if opening.version not in (None, (1, 2)) or opening.tags:
        cure = "remove the line that begins with %"
        raise Refused("a directive other than %YAML 1.2", cure, opening)
