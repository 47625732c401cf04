"""What a queue knows: events, one line each, and the state that follows from them. Pure.

The file that people edit is a view of this state. Every rewriting of it has a version, so that a
save can be compared with what the person had seen.

    {"format": 1, "queue": id}              the name of this queue
    ["put", session, folder, batch, count]  a session puts `count` positions of its plan here
    ["join", session, folder]               a session works on the queue (again)
    ["leave", session]                      it ended in order
    ["adopt", session, [[id, position]]]    the positions that entries have in its plan
    ["add", id, text, meta]                 an entry at the end
    ["edit", id, text, meta]                a person changed it
    ["take", id, session]                   a session starts it
    ["end", id, status]                     its run has ended for good
    ["back", id, new id, text, meta]        it is to run once more, before all others
    ["remove", id] ["restore", id, text, meta]
    ["order", [id]]                         the order of all that wait
    ["view", version]                       the file is about to be written anew
    ["wrote", [inode, time, size]]          it was
    ["save", version, seen]                 a save of somebody who had seen that version
    ["all", [event]]                        all of them or, where the line is torn, none
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

FORMAT = 1
OPEN = {None, "aborted", "lost"}  # ends of runs that are to be run again


def digest(text: str) -> str:
    """A short stand-in for a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass
class Entry:
    """One experiment of the queue.

    Attributes:
        text: its document as the file shows it, beginning with `---`; empty once it has started.
        meta: what the document does not say: `given`, `after` (ids), `pending`, `swept`, `own`
            (keys), `hold`, `pin` (only the session that put it may start it).
        digests: the text by the version of the file that showed it first.
        gone: the first version of the file without it.
        by: the session that started it; `ended` is how that run ended for good, `again` the entry
            that follows it where it is run once more.
    """

    id: str
    text: str
    meta: Mapping[str, Any]
    digests: list[tuple[int, str]]
    name: str = ""
    gone: int | None = None
    by: str | None = None
    ended: str | None = None
    removed: bool = False
    again: str | None = None

    @property
    def label(self) -> str:
        return f"{self.id} {self.name!r}" if self.name else self.id

    def digest_at(self, version: int) -> str | None:
        """The text that the file showed in a version; None where it did not show the entry."""
        found = None
        for since, text in self.digests:
            if since <= version:
                found = text
        return found if self.gone is None or self.gone > version else None


@dataclass
class Seen:
    """What the last save made from one version of the file said otherwise than that version."""

    absent: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    fresh: list[tuple[str, list[str]]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        fresh = [[text, ids] for text, ids in self.fresh]
        return {"absent": sorted(self.absent), "texts": self.texts, "fresh": fresh}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Seen:
        fresh = [(text, list(ids)) for text, ids in plain["fresh"]]
        return cls(set(plain["absent"]), dict(plain["texts"]), fresh)


@dataclass
class Member:
    """A session that works or worked on the queue."""

    folder: str
    batch: str | None = None
    count: int = 0
    left: bool = False


@dataclass
class Ledger:
    """The state of a queue.

    Attributes:
        queue: the name of the queue, drawn once; None while there is none.
        version: that of the file.
        waiting: ids in their order.
        taken: what was started, with the version of the file at that moment; in that order.
        positions: for each session, the position of entries in its plan.
        needed: ids that others wait for.
        mark: what tells the file, as it was last written, from one that somebody saved.
    """

    queue: str | None = None
    version: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    waiting: OrderedDict[str, None] = field(default_factory=OrderedDict)
    taken: list[tuple[int, str]] = field(default_factory=list)
    removals: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    positions: dict[str, dict[str, int]] = field(default_factory=dict)
    saves: dict[int, Seen] = field(default_factory=dict)
    needed: set[str] = field(default_factory=set)
    mark: tuple[int, ...] | None = None

    def apply(self, event: Any) -> None:
        """Take an event into account; what is not known or does not fit says nothing."""
        if isinstance(event, dict):
            self.queue = event.get("queue", self.queue)
        elif isinstance(event, list) and event:
            kind, *rest = event
            function = getattr(self, f"_on_{kind}", None)
            if function is not None:
                function(*rest)

    def waits(self) -> Iterator[Entry]:
        """The entries that wait, in order."""
        return (self.entries[id_] for id_ in self.waiting)

    def unfinished(self, session: str) -> bool:
        """Whether a session started what has no end, or one that does not count."""
        return any(
            entry.by == session and entry.ended in OPEN and entry.again is None
            for entry in (self.entries[id_] for _, id_ in self.taken)
        )

    def last_of(self, id_: str) -> Entry | None:
        """The entry, or the last of those that follow it because it is run once more."""
        entry = self.entries.get(id_)
        while entry is not None and entry.again is not None:
            entry = self.entries.get(entry.again)
        return entry

    def base_digest(self, entry: Entry, version: int) -> str | None:
        """What somebody who edits a version had before: the last save from it, or the version."""
        seen = self.saves.get(version)
        if seen is not None:
            if entry.id in seen.absent:
                return None
            if entry.id in seen.texts:
                return seen.texts[entry.id]
        return entry.digest_at(version)

    def shown(self) -> Iterator[str]:
        """The texts of all that wait."""
        return (self.entries[id_].text for id_ in self.waiting)

    # Events

    def _on_all(self, events: Sequence[Any]) -> None:
        for event in events:
            self.apply(event)

    def _on_put(self, session: str, folder: str, batch: str, count: int) -> None:
        self.members[session] = Member(folder, batch, count)

    def _on_join(self, session: str, folder: str) -> None:
        member = self.members.setdefault(session, Member(folder))
        member.left = False

    def _on_leave(self, session: str) -> None:
        if session in self.members:
            self.members[session].left = True

    def _on_adopt(self, session: str, pairs: Sequence[tuple[str, int]]) -> None:
        self.positions.setdefault(session, {}).update((id_, at) for id_, at in pairs)

    def _on_add(self, id_: str, text: str, meta: Mapping[str, Any]) -> None:
        if id_ not in self.entries:
            digests = [(self.version + 1, digest(text))]
            self.entries[id_] = Entry(id_, text, meta, digests, name_of(text))
            self.waiting[id_] = None
            self.needed.update(meta.get("after", ()))

    def _on_edit(self, id_: str, text: str, meta: Mapping[str, Any]) -> None:
        entry = self.entries.get(id_)
        if entry is not None and id_ in self.waiting:
            entry.text, entry.meta, entry.name = text, meta, name_of(text)
            entry.digests.append((self.version + 1, digest(text)))
            self.needed.update(meta.get("after", ()))

    def _on_take(self, id_: str, session: str) -> None:
        entry = self.entries.get(id_)
        if entry is not None and id_ in self.waiting:
            del self.waiting[id_]
            entry.by, entry.text, entry.gone = session, "", self.version + 1
            self.taken.append((self.version, id_))

    def _on_end(self, id_: str, status: str) -> None:
        if id_ in self.entries:
            self.entries[id_].ended = status

    def _on_back(self, id_: str, new: str, text: str, meta: Mapping[str, Any]) -> None:
        old = self.entries.get(id_)
        if old is not None:
            old.again = new
        self._on_add(new, text, meta)
        if new in self.waiting:
            self.waiting.move_to_end(new, last=False)

    def _on_remove(self, id_: str) -> None:
        entry = self.entries.get(id_)
        if entry is not None and id_ in self.waiting:
            del self.waiting[id_]
            entry.removed, entry.gone = True, self.version + 1
            self.removals.append(id_)

    def _on_restore(self, id_: str, text: str, meta: Mapping[str, Any]) -> None:
        entry = self.entries.get(id_)
        if entry is not None and entry.removed:
            entry.removed, entry.gone = False, None
            self.removals.remove(id_)
            self.waiting[id_] = None
            self._on_edit(id_, text, meta)

    def _on_order(self, ids: Sequence[str]) -> None:
        known = [id_ for id_ in dict.fromkeys(ids) if id_ in self.waiting]
        self.waiting = OrderedDict.fromkeys([*known, *self.waiting])

    def _on_view(self, version: int) -> None:
        self.version = max(self.version, version)

    def _on_wrote(self, mark: Sequence[int]) -> None:
        self.mark = tuple(mark)

    def _on_save(self, version: int, seen: Mapping[str, Any]) -> None:
        self.saves[version] = Seen.of(seen)


def name_of(text: str) -> str:
    """The Name in a document, for messages."""
    begin = 0 if text.startswith("Name:") else text.find("\nName:") + 1
    if not begin and not text.startswith("Name:"):
        return ""
    return text[begin:].partition("\n")[0].partition(":")[2].strip().strip("'\"")
