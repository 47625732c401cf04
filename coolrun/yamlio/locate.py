"""Where something stands in a file: found by reading once more, when there is something to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coolrun.errors import Place
from coolrun.yamlio import scalars
from coolrun.yamlio.limits import DEPTH
from coolrun.yamlio.source import line_at, split

_NONE: Any = object()


def locate(
    data: bytes,
    document: int,
    path: Sequence[str | int | float | bool],
    *,
    file: str,
    key: bool = False,
) -> Place:
    """The place of a value, or the nearest one around it that stands in the file.

    Args:
        data: the file's bytes.
        document: which document, from 0, as `read` yields them.
        path: keys and positions that lead to the value.
        file: the file's name.
        key: the place of the key instead; of its first appearance.
    """
    ranges = split(data)
    if not 0 <= document < len(ranges):
        return Place(file)
    start, end = ranges[document]
    mark = _Search(list(path), key=key).run(data[start:end])
    before = line_at(data, start) - 1
    if mark is None:
        return Place(file, before + 1)
    return Place(file, mark.line + before + 1, mark.column + 1)


class _Frame:
    """An open collection: whether it lies on the path, and what its next value belongs to."""

    __slots__ = ("at", "mapping", "on_path")

    def __init__(self, *, on_path: bool, mapping: bool) -> None:
        self.on_path = on_path
        self.mapping = mapping
        self.at: Any = _NONE if mapping else -1


class _Search:
    """Follows a path through events; the deepest step that was found is the answer."""

    def __init__(self, path: list[Any], *, key: bool) -> None:
        self._path = path
        self._key = key
        self._mark: Any = None
        self._found = -1
        self._complete = False

    def run(self, data: bytes) -> Any:
        """libyaml's mark of the answer."""
        import yaml
        from yaml._yaml import CParser

        next_event = CParser(data).get_event
        stack: list[_Frame] = []
        try:
            while not self._complete:
                event = next_event()
                kind = type(event)
                if event is None or kind is yaml.DocumentEndEvent:
                    break
                if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    stack.pop()
                elif isinstance(event, yaml.NodeEvent):
                    on_path = self._visit(event, stack)
                    if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                        if len(stack) >= DEPTH:
                            break
                        mapping = kind is yaml.MappingStartEvent
                        stack.append(_Frame(on_path=on_path, mapping=mapping))
        except yaml.YAMLError:
            # The nearest place before what is broken is still an answer.
            return self._mark
        return self._mark

    def _visit(self, event: Any, stack: list[_Frame]) -> bool:
        """Note the place of a key or value; whether a value lies on the path."""
        if not stack:
            return self._note(event, 0)
        frame, depth = stack[-1], len(stack)
        if frame.mapping and frame.at is _NONE:
            frame.at = _name(event)
            if self._key and frame.on_path and self._path[depth - 1 :] == [frame.at]:
                self._mark, self._complete = event.start_mark, True
            return False
        if frame.mapping:
            step, frame.at = frame.at, _NONE
        else:
            step = frame.at = frame.at + 1
        if frame.on_path and depth <= len(self._path) and step == self._path[depth - 1]:
            return self._note(event, depth)
        return False

    def _note(self, event: Any, found: int) -> bool:
        if found > self._found:
            self._found, self._mark = found, event.start_mark
            self._complete = found == len(self._path) and not self._key
        return True


def _name(event: Any) -> Any:
    """The key that an event stands for; an object of its own where it can be none."""
    text = getattr(event, "value", None)
    if text is None:
        return object()
    try:
        if event.tag in scalars.CORE_TAGS:
            return scalars.tagged(event.tag, text)
        return scalars.plain(text) if event.style == "" and event.tag is None else text
    except ValueError:
        return text
