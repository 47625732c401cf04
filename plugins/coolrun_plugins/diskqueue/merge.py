"""What a save means: the difference between it and what its author had seen. Pure.

Nobody's save is taken for the truth as a whole: what was started meanwhile stays started, what was
added meanwhile stays, and only what its author took out is removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .ledger import Entry, Ledger, Seen, digest

if TYPE_CHECKING:
    from .view import Document, Save


@dataclass(frozen=True)
class Same:
    """An entry that waits and that nobody changed."""

    entry: Entry


@dataclass(frozen=True)
class Edited:
    """An entry that waits, or waits again, with another text."""

    entry: Entry
    document: Document
    restored: bool = False


@dataclass(frozen=True)
class Fresh:
    """An experiment that was not there before.

    `model` is the entry that it was copied from; what has a model or a RUN_ID is complete.
    """

    document: Document
    model: Entry | None = None


Item: TypeAlias = Same | Edited | Fresh


@dataclass
class Merge:
    """What follows from a save.

    Attributes:
        items: all that is to wait, in order.
        removed: the entries that its author took out.
        late: what its author did to entries that had started, in words.
        seen: what is to be remembered about the version that the save was made from.
    """

    version: int
    items: list[Item] = field(default_factory=list)
    removed: list[Entry] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)

    @property
    def work(self) -> Sequence[Edited | Fresh]:
        """What has to be understood before it can be taken."""
        return [item for item in self.items if not isinstance(item, Same)]


def merge(ledger: Ledger, save: Save) -> Merge:
    """Compare a save with the ledger and with the version that it was made from."""
    ours = save.version is not None and save.queue == ledger.queue
    version = save.version if ours and save.version is not None else ledger.version
    before = ledger.saves.get(version, Seen())
    merged = Merge(version)
    merged.seen.texts = dict(before.texts)
    unmatched: dict[str, list[list[str]]] = {}
    for text, ids in before.fresh:
        unmatched.setdefault(text, []).append(ids)
    keepers = _keepers(ledger, save, version)
    listed: set[str] = set()
    for document in save.documents:
        if document.id is not None and keepers.get(document.id) is document:
            listed.add(document.id)
            _known(ledger.entries[document.id], document, version, ledger, merged)
            continue
        text = digest(document.text)
        if not unmatched.get(text):
            model = ledger.entries.get(document.id) if document.id else None
            merged.items.append(Fresh(document, model))
            continue
        ids = unmatched[text].pop(0)
        listed.update(ids)
        merged.seen.fresh.append((text, ids))
        merged.items.extend(Same(ledger.entries[i]) for i in ids if i in ledger.waiting)
    dropped = [id_ for several in unmatched.values() for ids in several for id_ in ids]
    if not _follows(save, before, merged):
        merged.seen.fresh += [(text, ids) for text, several in unmatched.items() for ids in several]
        dropped = []
    _absent(ledger, merged, before, listed, dropped)
    return merged


def _follows(save: Save, before: Seen, merged: Merge) -> bool:
    """Whether a save shows anything of the one before it from the same version.

    If not, it may come from a second editor, which cannot know what was new in the other.
    """
    if merged.seen.fresh:
        return True
    texts = {document.id: document.text for document in save.documents}
    kept = any(digest(texts[id_]) == text for id_, text in before.texts.items() if id_ in texts)
    return kept or any(id_ not in texts for id_ in before.absent)


def order_of(ledger: Ledger, ids: Sequence[str]) -> list[str] | None:
    """The order to be noted once these ids wait in this order; None where it is so by itself."""
    wanted = list(ids)
    known = set(wanted)
    natural = [id_ for id_ in ledger.waiting if id_ in known]
    natural += [id_ for id_ in wanted if id_ not in ledger.waiting]
    return None if wanted == natural else wanted


def _keepers(ledger: Ledger, save: Save, version: int) -> dict[str, Document]:
    """Which of the documents with one id is the entry itself: the one that was not changed."""
    keepers: dict[str, Document] = {}
    for document in save.documents:
        entry = ledger.entries.get(document.id) if document.id else None
        if entry is None:
            continue
        known = keepers.get(entry.id)
        if known is None:
            keepers[entry.id] = document
        else:
            base = ledger.base_digest(entry, version)
            if digest(known.text) != base and digest(document.text) == base:
                keepers[entry.id] = document
    return keepers


def _known(entry: Entry, document: Document, version: int, ledger: Ledger, merged: Merge) -> None:
    if entry.id in ledger.waiting and document.text == entry.text:
        merged.items.append(Same(entry))
        return
    text, base = digest(document.text), ledger.base_digest(entry, version)
    if entry.id in ledger.waiting:
        if text == base:
            merged.items.append(Same(entry))
        else:
            merged.items.append(Edited(entry, document))
            merged.seen.texts[entry.id] = text
    elif entry.removed:
        if base is None:
            merged.items.append(Edited(entry, document, restored=True))
            merged.seen.texts[entry.id] = text
    elif base is not None and text != base:
        merged.late.append(f"the edit of {entry.label} came too late: it has started")
        merged.seen.texts[entry.id] = text


def _absent(
    ledger: Ledger, merged: Merge, before: Seen, listed: set[str], dropped: Sequence[str]
) -> None:
    """Find what its author took out, and put what he could not know where it belongs."""
    version = merged.version
    unseen: list[Entry] = []
    for entry in ledger.waits():
        if entry.id in listed:
            continue
        if entry.id in dropped or ledger.base_digest(entry, version) is not None:
            merged.removed.append(entry)
        else:
            unseen.append(entry)
    for entry in _taken_since(ledger, version):
        if entry.id not in listed and ledger.base_digest(entry, version) is not None:
            merged.late.append(f"{entry.label} could not be removed: it has started")
            merged.seen.absent.add(entry.id)
    gone = {entry.id for entry in merged.removed}
    merged.seen.absent |= (before.absent | gone) - listed
    first = next((i.entry.id for i in merged.items if isinstance(i, Same)), None)
    order = {id_: number for number, id_ in enumerate(ledger.waiting)} if unseen else {}
    ahead = [e for e in unseen if first is not None and order[e.id] < order[first]]
    behind = [e for e in unseen if first is None or order[e.id] > order[first]]
    merged.items[:0] = [Same(e) for e in ahead]
    merged.items.extend(Same(e) for e in behind)


def _taken_since(ledger: Ledger, version: int) -> Iterator[Entry]:
    for when, id_ in reversed(ledger.taken):
        if when < version:
            return
        yield ledger.entries[id_]
