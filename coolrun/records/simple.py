"""A fast way through documents that are written simply, as most records are.

Lines of `key: value`, nested by indentation, with plain or quoted text on one line and short lists
between brackets: what the writer here and PyYAML make of most records. Whatever looks any other
way is left to the full reader. What is taken here has the same value there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from coolrun.yamlio.scalars import INITIALS, plain

if TYPE_CHECKING:
    from coolrun.plain import Plain

# Beyond these the bounds of the full reader could matter.
LONGEST = 256 * 1024
DEPTH = 20
_KEPT = 5_000
_KEPT_LENGTH = 64

# Text without quotes in which no reader finds an indicator: no `: `, no ` #`, nothing odd at the
# beginning or the end.
_INNER = r"\w./+\-@=,()<>^$;%~*|&!?"
_PLAIN = rf"[-+]?[\w./][{_INNER}]*(?:[: ](?=[\w./])[{_INNER}]+)*"
_SINGLE = r"'(?:[^'\n]|'')*'"
_DOUBLE = r'"[^"\\\n]*"'
_ITEM = rf"(?:[-+]?[\w./][\w./+\-@=]*|{_SINGLE}|{_DOUBLE})"
_FLOW = rf"\[(?:{_ITEM}(?:, {_ITEM})*)?\]"
_VALUE = re.compile(rf"{_PLAIN}|{_SINGLE}|{_DOUBLE}|{_FLOW}|\{{\}}")
_KEY = r"[A-Za-z_][\w.\-]*"
_FLAT_LINE = re.compile(rf"^({_KEY}): (.+)$", re.MULTILINE)
_LINE = re.compile(rf"^( *)(- )?(?:({_KEY}):(?: (.+)|$)|(.+)$)", re.MULTILINE)
_ITEMS = re.compile(_ITEM)
# The most frequent kind of value that is new each time; never an infinity.
_FLOAT = re.compile(r"-?[0-9]{1,20}\.[0-9]{1,40}(?:[eE][-+]?[0-9]{1,2})?")
_NUMERIC = frozenset("0123456789-+.")
_NONE: Any = object()


# Indentation, dash, key, value, and what stands in a line without a key.
_Line = tuple[str, str, str, str, str]


class _NotSimple(Exception):
    """The document is one for the full reader."""


class SimpleReader:
    """Reads simple documents; remembers the scalars that it has seen."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._lists: dict[str, tuple[Plain, ...]] = {}
        self._keys: set[str] = set()

    def read(self, text: str) -> dict[Any, Plain] | None:
        """The value of a document that begins with its `---` line; None: not written simply.

        The text is UTF-8 without control characters and without carriage returns.
        """
        if not text.startswith("---\n") or len(text) > LONGEST:
            return None
        number = text.count("\n") - 1 + (not text.endswith("\n"))
        found = _FLAT_LINE.findall(text, 4)
        try:
            if len(found) != number:
                return self._nested(text, number)
            return self._flat(found)
        except (_NotSimple, ValueError):
            return None

    def _flat(self, found: list[tuple[str, str]]) -> dict[Any, Plain] | None:
        known, is_float, convert = self._known.get, _FLOAT.fullmatch, self._value
        record: dict[Any, Plain] = {}
        for key, written in found:
            value = known(written, _NONE)
            if value is _NONE:
                value = float(written) if is_float(written) else convert(written)
            record[key] = value
        if len(record) != len(found) or not record:
            return None
        if not self._keys.issuperset(record):
            self._check_keys(record)
        return record

    def _check_keys(self, keys: Any) -> None:
        for key in keys:
            if type(plain(key)) is not str:
                raise _NotSimple
            if len(self._keys) < _KEPT:
                self._keys.add(key)

    def _value(self, written: str) -> Plain:
        initial = written[0]
        value: Plain = written
        if initial == "[":
            return list(self._lists.get(written) or self._list(written))
        if initial in _NUMERIC:
            value = plain(written)
        if type(value) is str:
            if not _VALUE.fullmatch(written):
                raise _NotSimple
            if initial == "'":
                value = written[1:-1].replace("''", "'")
            elif initial == '"':
                value = written[1:-1]
            elif initial == "{":
                return {}
            elif initial in INITIALS:
                value = plain(written)
        if len(written) <= _KEPT_LENGTH:
            if len(self._known) >= _KEPT:
                # What is frequent comes back at once; what came once is gone.
                self._known.clear()
            self._known[written] = value
        return value

    def _list(self, written: str) -> tuple[Plain, ...]:
        if not _VALUE.fullmatch(written):
            raise _NotSimple
        items = tuple(map(self._value, _ITEMS.findall(written)))
        if len(written) <= _KEPT_LENGTH and len(self._lists) < _KEPT:
            self._lists[written] = items
        return items

    # Nested

    def _nested(self, text: str, number: int) -> dict[Any, Plain] | None:
        lines = _LINE.findall(text, 4)
        if len(lines) != number or not lines:
            return None
        value, end = self._mapping(lines, 0, "", 1)
        return value if end == number else None

    def _block(self, lines: list[_Line], at: int, indent: str, depth: int) -> tuple[Plain, int]:
        if depth > DEPTH:
            raise _NotSimple
        if lines[at][1]:
            return self._sequence(lines, at, indent, depth)
        return self._mapping(lines, at, indent, depth)

    def _mapping(
        self, lines: list[_Line], at: int, indent: str, depth: int
    ) -> tuple[dict[Any, Plain], int]:
        known, is_float, convert = self._known.get, _FLOAT.fullmatch, self._value
        record: dict[Any, Plain] = {}
        size = len(lines)
        while at < size:
            margin, dash, key, written, alone = lines[at]
            if dash or alone or margin != indent:
                if len(margin) < len(indent) or (dash and margin == indent and record):
                    break
                raise _NotSimple
            if key in record:
                raise _NotSimple
            at += 1
            value: Plain = None
            if written:
                value = known(written, _NONE)
                if value is _NONE:
                    value = float(written) if is_float(written) else convert(written)
            elif at < size:
                inner = lines[at][0]
                if len(inner) > len(indent) or (inner == indent and lines[at][1]):
                    value, at = self._block(lines, at, inner, depth + 1)
            record[key] = value
        if not self._keys.issuperset(record):
            self._check_keys(record)
        return record, at

    def _sequence(
        self, lines: list[_Line], at: int, indent: str, depth: int
    ) -> tuple[list[Plain], int]:
        items: list[Plain] = []
        size = len(lines)
        while at < size:
            margin, dash, key, written, alone = lines[at]
            if len(margin) < len(indent) or (not dash and margin == indent):
                break
            if margin != indent:
                raise _NotSimple
            if alone:
                known = self._known.get(alone, _NONE)
                items.append(self._value(alone) if known is _NONE else known)
                at += 1
                continue
            # `- key: value` begins a mapping two columns further in.
            if depth >= DEPTH:
                raise _NotSimple
            lines[at] = (f"{margin}  ", "", key, written, "")
            value, at = self._mapping(lines, at, f"{indent}  ", depth + 1)
            items.append(value)
        return items, at
