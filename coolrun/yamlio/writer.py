"""Plain data as YAML in block style, the same for every reader, old or new."""

from __future__ import annotations

from collections.abc import Collection

from coolrun.errors import CoolrunError
from coolrun.plain import Key, Marked, Plain
from coolrun.yamlio.limits import DEPTH
from coolrun.yamlio.scalars import marked
from coolrun.yamlio.styles import block_text, float_text, flow_text, int_text, key_text
from coolrun.yamlio.tuples import tuple_text

_FLOW_WIDTH = 80
_FLOW_ITEMS = 40
_INDENT = "  "


def dump(value: Plain, *, own: bool = False, words: Collection[str] = ()) -> str:
    """A document without its `---`, which `read` and PyYAML's SafeLoader take for the same.

    Args:
        own: for files of the runner's own: tuples stay tuples (otherwise they become lists), and
            text that `read` with these `words` would take for an expression gets `!text`.
        words: the words that expressions begin with. Only `own` files need them: what people get
            is text in any case.

    Raises:
        CoolrunError: what no reader would take back: nested too deep, half of a surrogate pair,
            a number of too many digits, something that is not plain data.
    """
    writer = _Writer(own=own, words=words)
    writer.value(value, "", "", 1)
    return "".join(writer.lines)


class _Writer:
    """Collects lines. `depth` is that of a collection: 1 for the document's own."""

    def __init__(self, *, own: bool, words: Collection[str]) -> None:
        self.lines: list[str] = []
        self._own = own
        self._words = frozenset(words) if own else frozenset()
        self._beginnings = tuple(self._words)

    def value(self, value: Plain, head: str, margin: str, depth: int) -> None:
        """Any value after its head (`key:`, `-`, or nothing); what it holds begins at `margin`."""
        gap = " " if head else ""
        leaf = self._leaf(value, margin or _INDENT, depth)
        if leaf is not None:
            self.lines.append(f"{head}{gap}{leaf}\n")
            return
        if head:
            self.lines.append(f"{head}\n")
        if type(value) is dict:
            self._mapping(value, margin, depth)
        else:
            self._sequence(value, margin, depth)

    def _mapping(self, value: dict[Key, Plain], margin: str, depth: int) -> None:
        append, inner = self.lines.append, margin + _INDENT
        beginnings = self._beginnings
        for key, item in value.items():
            head = key_text(key) if type(key) is str else self._other_key(key)
            if head[0] == "?":
                head = f"{head}\n{margin}"
            kind = type(item)
            if kind is str and not item.startswith(beginnings):
                append(f"{margin}{head}: {block_text(item, inner)}\n")
            elif kind is float:
                append(f"{margin}{head}: {float_text(item)}\n")
            elif kind is int:
                append(f"{margin}{head}: {int_text(item)}\n")
            else:
                self.value(item, f"{margin}{head}:", inner, depth + 1)

    def _sequence(self, value: list[Plain], margin: str, depth: int) -> None:
        lines, inner = self.lines, margin + _INDENT
        for item in value:
            leaf = self._leaf(item, inner, depth + 1)
            if leaf is not None:
                lines.append(f"{margin}- {leaf}\n")
                continue
            begin = len(lines)
            self.value(item, "", inner, depth + 1)
            # The inner collection's first line is the item's.
            lines[begin] = f"{margin}- {lines[begin][len(inner) :]}"

    def _leaf(self, value: Plain, margin: str, depth: int) -> str | None:
        """A value that stands beside its head, or None for a collection that goes below."""
        kind = type(value)
        if kind is str:
            if value.startswith(self._beginnings) and marked(value, self._words) is not None:
                return f"!text {block_text(value, margin)}"
            return block_text(value, margin)
        if value is None:
            return "null"
        if kind is bool:
            return "true" if value else "false"
        if kind is int:
            return int_text(value)
        if kind is float:
            return float_text(value)
        if kind is Marked:
            return block_text(str(value), margin)
        if kind is not dict and kind is not list and kind is not tuple:
            raise CoolrunError(f"not plain data: {kind.__name__}")
        if depth > DEPTH:
            raise CoolrunError(
                f"data nested more than {DEPTH} levels deep cannot be written",
                cure="flatten it",
            )
        if kind is dict:
            return None if value else "{}"
        if kind is tuple and self._own:
            return tuple_text(value, DEPTH - depth)
        return self._flow(value) if value else "[]"

    def _flow(self, value: list[Plain]) -> str | None:
        """A short list of scalars between brackets."""
        if len(value) > _FLOW_ITEMS:
            return None
        items: list[str] = []
        for item in value:
            kind = type(item)
            if kind is str or kind is Marked:
                if len(item) > _FLOW_WIDTH or "\n" in item or item.startswith(self._beginnings):
                    return None
                items.append(flow_text(str(item)))
            elif kind is dict or kind is list or kind is tuple:
                return None
            else:
                items.append(self._leaf(item, "", 0) or "")
        text = f"[{', '.join(items)}]"
        return text if len(text) <= _FLOW_WIDTH else None

    def _other_key(self, key: Key) -> str:
        kind = type(key)
        if kind is bool:
            return "true" if key else "false"
        if type(key) is int:
            return int_text(key)
        if type(key) is float:
            return float_text(key)
        if isinstance(key, Marked):
            return key_text(str(key))
        raise CoolrunError(f"a key cannot be {'null' if key is None else f'a {kind.__name__}'}")
