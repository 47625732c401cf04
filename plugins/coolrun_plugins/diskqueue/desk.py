"""Changes to the text of a queue file, as `coolrun queue` makes them. With the lock held."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun import Config, DefinitionError, UsageError

from .documents import is_held, values_of
from .ledger import Ledger, name_of
from .merge import Same, merge
from .sidefile import SideFile
from .view import Document, Mark, parse, render

if TYPE_CHECKING:
    from .listing import Listed

_HOLD = re.compile(r"^Hold:.*\n", re.MULTILINE)
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
NEWEST = 5  # sessions that are asked for their queue


class Desk:
    """The file of a queue, and what is known about its entries.

    Args:
        path: the file.
        shown: how messages name it.
    """

    def __init__(self, path: Path, shown: str, config: Config) -> None:
        self.path, self.shown, self.config = path, shown, config
        self.words = tuple(config.parser.words)
        self._side: SideFile | None = None
        if not path.parent.is_dir():
            raise UsageError(f"there is no folder {str(path.parent)!r}")

    def close(self) -> None:
        """Let go of the files."""
        if self._side is not None:
            self._side.close()

    @contextmanager
    def locked(self) -> Iterator[Ledger]:
        """Let nobody start or write anything meanwhile."""
        if self._side is None:
            self._side = SideFile(self.path)
        with self._side.locked() as ledger:
            yield ledger

    # Looking

    def look(self, ledger: Ledger) -> tuple[list[Document], str]:
        """What waits once everything that was saved is taken in, and the file's own comments.

        Raises:
            DefinitionError: the file was cut off, or is no text.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            data = "".join(render(ledger.queue or "", ledger.version, ledger.shown())).encode()
        save = parse(data, self.shown)
        documents = []
        for number, item in enumerate(merge(ledger, save).items):
            if isinstance(item, Same):
                documents.append(Document(item.entry.text, item.entry.id, 0, number))
            else:
                documents.append(item.document._replace(number=number))
        return documents, save.preamble

    def rendered(self, ledger: Ledger, texts: Sequence[str], preamble: str) -> str:
        """The file with these texts, as a version of its own: what has started is not in it."""
        assert self._side is not None
        version = ledger.version + 1
        self._side.append([["view", version]])
        return "".join(render(ledger.queue or "", version, texts, preamble))

    def listed(self) -> list[Listed]:
        """What `ls` shows."""
        from .listing import Listed

        with self.locked() as ledger:
            documents, _ = self.look(ledger)
            entries = ledger.entries
            return [
                Listed(
                    document.number,
                    document.id or "",
                    name_of(document.text),
                    self._state(document, ledger),
                    document.text,
                    entries[document.id].meta if document.id in entries else {},
                )
                for document in documents
            ]

    def _state(self, document: Document, ledger: Ledger) -> str:
        # What is as the session wrote it has no line.
        if document.line:
            try:
                values_of(document.text, self.shown, document.line, self.config)
            except DefinitionError as error:
                self.config.warn(str(error))
                return "broken"
        if is_held(document.text):
            return "held"
        return "waits" if document.id in ledger.waiting else "new"

    # Changing

    def add(self, name: str) -> int:
        """Append the documents of a file; returns how many. The queue itself is not read.

        Raises:
            DefinitionError: the file is no list of experiments.
        """
        from coolrun.files import Appender
        from coolrun.yamlio import read

        try:
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {name!r}: {error.strerror}") from error
        for document in read(data, path=name, words=self.words, definition=True):
            if isinstance(document.value, dict) and "Global" in document.value:
                raise DefinitionError(
                    f"{name}: Global belongs to a definition, not into a queue",
                    cure="keep only the experiments: every document is one",
                )
        texts = [document.text for document in parse(data, name).documents]
        if not texts:
            raise UsageError(f"{name}: there is no experiment in it")
        with self.locked() as ledger:
            if not self.path.exists():
                self.replace(self.rendered(ledger, list(ledger.shown()), ""), None)
            file = Appender(self.path)
            try:
                file.append("".join(texts).encode())
            finally:
                file.close()
        return len(texts)

    def remove(self, which: Sequence[str]) -> list[str]:
        """Take entries out; returns their labels."""
        return self._change(which, lambda _: None)

    def hold(self, which: Sequence[str], *, hold: bool) -> list[str]:
        """Keep entries from being started, or let them go."""

        def changed(document: Document) -> str:
            text = _HOLD.sub("", document.text)
            return _with_hold(text) if hold else text

        return self._change(which, changed)

    def move(self, which: Sequence[str], place: str) -> list[str]:
        """Put entries first, last, or at a number."""
        if place not in {"first", "last"} and not place.isdigit():
            raise UsageError(f"cannot move to {place!r}", cure="first, last, or a number")
        with self.locked() as ledger:
            mark = Mark.of(self.path)
            documents, preamble = self.look(ledger)
            moved = self._chosen(which, documents, ledger)
            rest = [d for d in documents if d not in moved]
            at = {"first": 0, "last": len(rest)}.get(place)
            at = int(place) if at is None else at
            texts = [d.text for d in [*rest[:at], *moved, *rest[at:]]]
            self.replace(self.rendered(ledger, texts, preamble), mark)
        return [_label(d) for d in moved]

    def undo(self, which: Sequence[str]) -> str:
        """Put an entry back that was removed; the last one, or the one of this RUN_ID."""
        with self.locked() as ledger:
            mark = Mark.of(self.path)
            ids = list(which) or ledger.removals[-1:]
            entry = ledger.entries.get(ids[0]) if ids else None
            if entry is None or not entry.removed:
                raise UsageError(
                    f"{ids[0]!r} was not removed" if ids else f"{self.shown}: nothing was removed"
                )
            documents, preamble = self.look(ledger)
            texts = [d.text for d in documents if d.id != entry.id]
            self.replace(self.rendered(ledger, [entry.text, *texts], preamble), mark)
        return entry.label

    def replace(self, text: str, mark: Mark | None) -> None:
        """Save the file as a whole, if it is as it was when `mark` was taken.

        Raises:
            UsageError: somebody has saved it meanwhile.
        """
        from coolrun.files import replace_unchanged

        if replace_unchanged(self.path, text.encode(), mark) is None:
            raise UsageError(
                f"somebody has saved {self.shown} at the same moment", cure="try it once more"
            )

    def _change(self, which: Sequence[str], change: Callable[[Document], str | None]) -> list[str]:
        with self.locked() as ledger:
            mark = Mark.of(self.path)
            documents, preamble = self.look(ledger)
            chosen = self._chosen(which, documents, ledger)
            texts = [change(d) if d in chosen else d.text for d in documents]
            kept = [text for text in texts if text is not None]
            self.replace(self.rendered(ledger, kept, preamble), mark)
        return [_label(d) for d in chosen]

    def _chosen(
        self, which: Sequence[str], documents: Sequence[Document], ledger: Ledger
    ) -> list[Document]:
        chosen: dict[int, Document] = {}
        for word in which:
            found = _found(word, documents)
            if not found:
                entry = ledger.entries.get(word)
                if entry is not None and entry.by is not None:
                    raise UsageError(f"{entry.label} has started already")
                raise UsageError(
                    f"{word!r} does not wait in {self.shown}",
                    cure="`coolrun queue` lists what does",
                )
            chosen.update((d.number, d) for d in found)
        return [chosen[number] for number in sorted(chosen)]


def _found(word: str, documents: Sequence[Document]) -> list[Document]:
    if word == "all":
        return list(documents)
    span = _RANGE.fullmatch(word)
    if span:
        first, last = int(span[1]), int(span[2] or span[1])
        return list(documents[first : last + 1])
    return [d for d in documents if word in {d.id, name_of(d.text)}]


def _with_hold(text: str) -> str:
    head, _, body = text.partition("\n")
    if head.removeprefix("---").strip():
        raise UsageError("an entry on one line cannot be held", cure="write it on several lines")
    return f"{head}\nHold: true\n{body}"


def _label(document: Document) -> str:
    name = name_of(document.text)
    return (
        " ".join(part for part in (document.id, repr(name) if name else "") if part) or "an entry"
    )


def queue_path(config: Config) -> tuple[Path, str]:
    """The queue file that is meant, and how to name it.

    Raises:
        UsageError: nothing says which.
    """
    named = config.option("file") or _of_sessions(config) or _of_definition(config)
    if named is None:
        raise UsageError(
            "no queue file is known here",
            cure="name it with --file, or set Global.queue in experiment.yaml",
        )
    return (config.cwd / named).resolve(), named


def _of_sessions(config: Config) -> str | None:
    from coolrun.errors import SessionError
    from coolrun.store import SessionFolder

    for folder in reversed(SessionFolder.all(config.cwd)[-NEWEST:]):
        try:
            settings = folder.read_plan()[1]
        except SessionError:
            continue  # a session that has only just begun
        if isinstance(settings.get("queue"), str):
            return str(settings["queue"])
    return None


def _of_definition(config: Config) -> str | None:
    from coolrun.yamlio import read

    path = config.cwd / "experiment.yaml"
    if not path.is_file():
        return None
    words = tuple(config.parser.words)
    first = next(read(path.read_bytes(), path=path.name, words=words, definition=True), None)
    settings = first.value.get("Global") if first is not None and first.value else None
    named = settings.get("queue") if isinstance(settings, dict) else None
    return named if isinstance(named, str) else None
