"""Collections: one document's value out of libyaml's events, without recursion or sharing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from coolrun.yamlio import scalars
from coolrun.yamlio.leaves import MERGE_KEY, Leaves
from coolrun.yamlio.problems import Refused, short
from coolrun.yamlio.tags import DELETE, Merge

if TYPE_CHECKING:
    from coolrun.plain import Key, Plain
    from coolrun.yamlio.limits import Limits

_NONE: Any = object()
_OPEN: Any = object()


class _Frame(NamedTuple):
    """A collection that waits for one within it to end."""

    container: Any
    mapping: bool
    key: Any
    merged: set[Key] | None
    flow: bool
    opening: Any


class Builder:
    """Builds documents one after the other.

    Args:
        next_event: the parser's.
        place_of_key: the line of a key's first appearance in the present document, by its path.
    """

    def __init__(
        self,
        next_event: Callable[[], Any],
        leaves: Leaves,
        limits: Limits,
        place_of_key: Callable[[list[Any]], int],
        *,
        definition: bool,
    ) -> None:
        import yaml

        self._next_event = next_event
        self._kinds = (
            yaml.ScalarEvent,
            yaml.AliasEvent,
            yaml.MappingStartEvent,
            yaml.SequenceStartEvent,
            yaml.DocumentEndEvent,
        )
        self._leaves = leaves
        self._limits = limits
        self._place_of_key = place_of_key
        self._definition = definition
        self._stack: list[_Frame] = []
        self._values = 0
        self._aliases = 0

    def begin(self) -> None:
        """Forget what belongs to one document."""
        self._stack.clear()
        self._leaves.begin()
        if self._limits.each:
            self._values = self._aliases = 0

    def build(self) -> tuple[Any, Plain]:
        """The first event of the document's content, and its value.

        Raises:
            Refused: with the event and the path that led to it.
            yaml.YAMLError: libyaml's objections.
        """
        scalar, alias, mapping_start, sequence_start, document_end = self._kinds
        next_event, stack, leaves = self._next_event, self._stack, self._leaves
        keys, shared, marks = leaves.keys, leaves.values, leaves.word_initials
        longest, most, definition = self._limits.scalar, self._limits.values, self._definition
        values = self._values
        first: Any = None
        # The collection that is being built. The document itself is the only item of the first.
        container: Any = []
        mapping = False
        key: Any = _NONE
        merged: set[Key] | None = None
        flow = False

        try:
            while True:
                event = next_event()
                kind = type(event)
                if kind is scalar and mapping and key is _NONE:
                    text = event.value
                    if event.tag is None and event.anchor is None:
                        key = keys.get(text, _NONE)
                    if key is _NONE:
                        key = leaves.key(event, top=len(stack) == 1)
                        if key is MERGE_KEY and merged is not None:
                            raise self._duplicate("<<", event)
                    if key in container:
                        self._again(key, container, merged, event)
                    event = next_event()
                    kind = type(event)
                if kind is scalar:
                    text = event.value
                    if event.tag is not None or event.anchor is not None:
                        setting = mapping and self._only_mappings()
                        value = leaves.special(event, key, flow, len(stack), setting=setting)
                    elif event.style == "":
                        value = shared.get(text, _NONE)
                        if value is _NONE:
                            value = leaves.plain(event, key, flow, len(stack))
                    elif text[:1] in marks or len(text) > longest or definition:
                        value = leaves.text(event)
                    else:
                        value = text
                elif kind is mapping_start or kind is sequence_start:
                    if not stack:
                        first = event
                    self._open(event, kind is mapping_start, mapping, key)
                    stack.append(_Frame(container, mapping, key, merged, flow, event))
                    mapping = kind is mapping_start
                    container = {} if mapping else []
                    key, merged, flow = _NONE, None, event.flow_style
                    continue
                elif kind is alias:
                    value = self._alias(event)
                    if mapping and key is _NONE:
                        key = leaves.checked_key(value, event, top=len(stack) == 1)
                        if key in container:
                            self._again(key, container, merged, event)
                        continue
                elif kind is document_end:
                    self._values = values
                    return first, container[0]
                else:
                    value = container
                    values += len(value)
                    if values > most:
                        message = f"more than {most:,} values"
                        raise Refused(message, "spread them over several files", event)
                    container, mapping, key, merged, flow, opening = stack.pop()
                    if opening.tag == "!merge":
                        value = Merge(value)
                    if opening.anchor is not None:
                        leaves.anchors[opening.anchor] = value
                if not mapping:
                    if not stack and first is None:
                        first = event
                    container.append(value)
                else:
                    if key is MERGE_KEY:
                        merged = self._merge(value, container, event)
                    else:
                        container[key] = value
                    key = _NONE
        except (Refused, scalars.BadScalar) as error:
            refused = error
            if not isinstance(refused, Refused):
                cure = "correct it, or put it in quotes if it is text"
                refused = Refused(str(error), cure, event)
            refused.path = self._path()
            if mapping and key is not _NONE:
                refused.path.append("<<" if key is MERGE_KEY else key)
            elif stack and not mapping:
                refused.path.append(len(container))
            raise refused from None

    def _open(self, event: Any, opens_mapping: bool, mapping: bool, key: Any) -> None:  # noqa: FBT001
        if mapping and key is _NONE:
            cure = "put it in quotes; a value that begins with [ or { as well, if it is text"
            raise Refused("a key cannot be a collection", cure, event)
        if len(self._stack) >= self._limits.depth:
            message = f"nested more than {self._limits.depth} levels deep"
            raise Refused(message, "flatten it", event)
        own = scalars.MAPPING_TAG if opens_mapping else scalars.SEQUENCE_TAG
        if event.tag == "!merge" and self._definition:
            if not (opens_mapping and mapping and self._only_mappings()):
                raise Refused("misplaced !merge", "write `key: !merge {a: 1}`, in no list", event)
        elif event.tag is not None and event.tag != own:
            raise self._leaves.unknown_tag(event)
        if event.anchor is not None:
            self._leaves.anchors[event.anchor] = _OPEN

    def _only_mappings(self) -> bool:
        """Whether no list is among the collections around the present one."""
        return all(frame.mapping for frame in self._stack[1:])

    def _path(self) -> list[Any]:
        return [
            ("<<" if frame.key is MERGE_KEY else frame.key)
            if frame.mapping
            else len(frame.container)
            for frame in self._stack[1:]
        ]

    # Duplicates and `<<`

    def _again(
        self, key: Key, container: dict[Key, Plain], merged: set[Key] | None, event: Any
    ) -> None:
        """A key that is there already: from `<<`, where it gives way, or a duplicate."""
        if merged is None or key not in merged:
            raise self._duplicate(key, event)
        merged.discard(key)
        del container[key]

    def _duplicate(self, key: Key, event: Any) -> Refused:
        line = self._place_of_key([*self._path(), key])
        return Refused(
            f"duplicate key {short(key)}, first given on line {line}",
            "remove one of the two" if key != "<<" else "write `<<: [*first, *second]`",
            event,
        )

    def _merge(self, value: Plain, container: dict[Key, Plain], event: Any) -> set[Key]:
        """Take over what `<<` names; the first to have a key wins."""
        merged: set[Key] = set()
        for mapping in value if type(value) is list else [value]:
            if type(mapping) is not dict:
                cure = "give it *name of a mapping, or a list of those; quote << if it is text"
                raise Refused("<< takes mappings only", cure, event)
            for key, item in mapping.items():
                if key not in container:
                    self._leaves.checked_key(key, event, top=len(self._stack) == 1)
                    container[key] = item
                    merged.add(key)
        return merged

    # Aliases

    def _alias(self, event: Any) -> Plain:
        name = event.anchor
        self._aliases += 1
        if self._aliases > self._limits.aliases:
            message = f"more than {self._limits.aliases:,} aliases"
            raise Refused(message, "write out what is needed", event)
        value = self._leaves.anchors.get(name, _NONE)
        if value is _NONE:
            cure = f"put &{short(name)[1:-1]} before a value above; quote it if it is text"
            raise Refused(f"alias *{short(name)[1:-1]} of nothing", cure, event)
        return self._copy(value, len(self._stack) + 1, event)

    def _copy(self, value: Plain, depth: int, event: Any) -> Plain:
        kind = type(value)
        if value is _OPEN:
            raise Refused("a value that holds itself", "remove the alias", event)
        if kind is Merge or value is DELETE:
            raise Refused("an alias of !merge or !delete", "write it out", event)
        # Text is not copied here, but will be when it is written.
        self._leaves.charge(1 + (len(value) // 64 if isinstance(value, str) else 0), event)
        if kind is not dict and kind is not list and kind is not tuple:
            return value
        if depth > self._limits.depth:
            message = f"nested more than {self._limits.depth} levels deep"
            raise Refused(message, "flatten it", event)
        if kind is dict:
            return {key: self._copy(item, depth + 1, event) for key, item in value.items()}
        return kind(self._copy(item, depth + 1, event) for item in value)
