"""Scalars and keys: what a single event of libyaml stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from coolrun.errors import Place
from coolrun.plain import KEYS, Key, Plain
from coolrun.yamlio import scalars
from coolrun.yamlio.problems import Refused, short
from coolrun.yamlio.tags import DELETE
from coolrun.yamlio.tuples import read_tuple

if TYPE_CHECKING:
    from coolrun.yamlio.limits import Limits

Warn = Callable[[str, Place], None]

MERGE_KEY: Any = object()

SHARED = 2_000
SHARED_LENGTH = 64
# Numbers beyond 64 bits can be chosen so that all of them collide as keys.
_LARGE_KEYS = 1_000
_GLUED = re.compile(r"[\w.-]+:\S+")


class Leaves:
    """Makes values and keys of scalar events, within bounds.

    What cannot be made raises `Refused`, or `scalars.BadScalar` where the event is at fault.

    `keys` and `values` hold what was made of untagged text before; text is shared that way, too.
    `keys` holds only text that is a key as it stands, quoted or not.
    """

    def __init__(
        self,
        limits: Limits,
        words: Collection[str],
        warn: Callable[[str, Any], None],
        *,
        definition: bool,
    ) -> None:
        self.keys: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self.anchors: dict[str, Any] = {}
        self._limits = limits
        self._words = frozenset(words)
        self.word_initials = frozenset(word[0] for word in self._words)
        self._scalar_initials = scalars.INITIALS
        self._warn = warn
        self._definition = definition
        self._copied = 0
        self._large_keys = 0

    def begin(self) -> None:
        """Forget what belongs to one document."""
        self.anchors.clear()
        if self._limits.each:
            self._copied = self._large_keys = 0

    # Values

    def plain(self, event: Any, key: Any, flow: bool, depth: int) -> Plain:  # noqa: FBT001
        """The value of an unquoted scalar, `depth` collections deep."""
        text = event.value
        initial = text[:1]
        value: Plain = text
        if initial in self._scalar_initials:
            value = scalars.plain(text)
        elif initial == "(":
            value = self._tuple(event, depth)
        if initial in self.word_initials and type(value) is str:
            value = scalars.marked(text, self._words) or text
        if flow:
            self._look_at_flow(event, key)
        if len(text) > SHARED_LENGTH:
            self._check_length(event)
        # Text with parentheses is looked at each time: it may be a tuple, or half of one.
        elif text and len(self.values) < SHARED and "(" not in text:
            self.values[text] = value
        return value

    def text(self, event: Any) -> str:
        """The value of a quoted scalar or of a block of text."""
        self._check_length(event)
        text: str = event.value
        if text[:1] in self.word_initials:
            return scalars.marked(text, self._words) or text
        return text

    def special(
        self,
        event: Any,
        key: Any,
        flow: bool,  # noqa: FBT001
        depth: int,
        *,
        setting: bool,
    ) -> Plain:
        """The value of a scalar that has a tag or an anchor."""
        value: Plain
        self._check_length(event)
        tag = event.tag
        if tag is None:
            plain = event.style == ""
            value = self.plain(event, key, flow, depth) if plain else self.text(event)
        elif tag == "!text":
            value = event.value
        elif tag == "!delete" and self._definition:
            value = DELETE
            if event.value or not setting:
                raise Refused("misplaced !delete", "write `key: !delete`, in no list", event)
        else:
            value = self._core(event)
            if type(value) is str:
                value = scalars.marked(value, self._words) or value
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def unknown_tag(self, event: Any) -> Refused:
        known = "!text, !merge, !delete" if self._definition else "!text"
        return Refused(
            f"tag {short(event.tag)} is not known here",
            f"known are {known} and YAML's own, such as !!str; quote the value if it is text",
            event,
        )

    def charge(self, amount: int, event: Any) -> None:
        """Count values that stand in the file once and in the result again."""
        self._copied += amount
        if self._copied > self._limits.copies:
            message = f"aliases stand for more than {self._limits.copies:,} values"
            raise Refused(message, "write out what is needed", event)

    def _core(self, event: Any) -> Plain:
        if event.tag not in scalars.CORE_TAGS:
            raise self.unknown_tag(event)
        return scalars.tagged(event.tag, event.value)

    def _tuple(self, event: Any, depth: int) -> tuple[Plain, ...] | str:
        self._check_length(event)
        text: str = event.value
        room = self._limits.depth - depth
        value = read_tuple(text, depth=room, mappings=not self._definition)
        if value is None:
            return text
        if self._definition and "\\x00" in repr(value):
            raise self._nul(event)
        return value

    def _check_length(self, event: Any) -> None:
        if len(event.value) > self._limits.scalar:
            raise self._too_long(event)
        if self._definition and "\0" in event.value:
            raise self._nul(event)

    def _too_long(self, event: Any) -> Refused:
        message = f"a text of more than {self._limits.scalar:,} characters"
        return Refused(message, "keep it in a file and name that file here", event)

    def _nul(self, event: Any) -> Refused:
        cure = "remove the \\0: no name, path or argument can hold it"
        return Refused("a text with a NUL character", cure, event)

    def _look_at_flow(self, event: Any, key: Any) -> None:
        text = event.value
        if text.count("(") > text.count(")"):
            self._warn(
                f"unbalanced parenthesis in {short(text)}: between [] and {{}} every comma "
                "separates; quote the item, or put each on a line of its own after `- `",
                event,
            )
        elif not text and isinstance(key, str) and _GLUED.fullmatch(key):
            self._warn(
                f"key {short(key)} has no value; put a space after the colon if it is to end there",
                event,
            )

    # Keys

    def key(self, event: Any, *, top: bool) -> Any:
        """The key that a scalar is, or MERGE_KEY for an unquoted `<<`."""
        text: str = event.value
        self._check_length(event)
        if event.tag is not None:
            key = text if event.tag == "!text" else self._core(event)
        elif event.style != "":
            key = text
        elif text == "<<":
            return MERGE_KEY
        else:
            key = scalars.plain(text)
        key = self.checked_key(key, event, top=top)
        if event.anchor is not None:
            self.anchors[event.anchor] = key
        elif event.implicit[0] and key is text and len(self.keys) < SHARED:
            self.keys[text] = text
        return key

    def checked_key(self, key: Plain, event: Any, *, top: bool) -> Key:
        """The key itself, when it may be one; `top`: of a document, not of an inner mapping."""
        if type(key) not in KEYS and not isinstance(key, str):
            what = "null" if key is None else "a collection"
            raise Refused(f"a key cannot be {what}", "put it in quotes", event)
        if isinstance(key, str):
            if self._definition and (key.startswith("__") or key.endswith("__")):
                message = f"key {short(key)} begins or ends with two underscores"
                raise Refused(message, "rename it", event)
            return str(key)
        if self._definition and top:
            message = f"key {short(key)} is no text"
            raise Refused(message, "put it in quotes, or rename it", event)
        if type(key) is int and not -(2**63) <= key < 2**63:
            self._large_keys += 1
            if self._large_keys > _LARGE_KEYS:
                message = "too many keys that are large numbers"
                raise Refused(message, "put them in quotes", event)
        return key  # type: ignore[no-any-return]
