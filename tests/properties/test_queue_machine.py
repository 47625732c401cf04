"""A queue file under everything that editors, sessions and crashes do, against a list."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from coolrun import Experiment, Plan, Source
from coolrun.cli import configure
from coolrun.session import Session
from coolrun.store import SessionFolder
from coolrun_plugins.diskqueue.queue import DiskQueue
from coolrun_plugins.diskqueue.view import END, parse

SOURCE = Source("experiment.yaml", b"Command: 'true'\nName: base\nnum: -1\n")
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
EDITORS = st.sampled_from([0, 1])
PLACES = st.integers(0, 7)


@dataclass(eq=False)
class Item:
    """What the model knows of an entry."""

    n: int
    state: str = "waits"


@dataclass
class Editor:
    """A buffer: its documents, the items that they stand for, and what it last loaded or saved."""

    head: str
    texts: list[str]
    items: list[Item | None]
    base: dict[int, tuple[Item, int]] = field(default_factory=dict)
    fresh: list[tuple[Item, str]] = field(default_factory=list)
    texts_saved: dict[int, str] = field(default_factory=dict)
    absent: set[int] = field(default_factory=set)

    def follows(self) -> bool:
        """Whether the buffer shows anything of its last save: else it may be another editor's."""
        held = {id(item): text for item, text in zip(self.items, self.texts, strict=True)}
        return (
            any(held.get(id(item)) == text for item, text in self.fresh)
            or any(held.get(key) == text for key, text in self.texts_saved.items())
            or any(key not in held for key in self.absent)
        )


def number(text: str) -> int:
    found = re.search(r"^num: (-?\d+)", text, re.MULTILINE)
    assert found
    return int(found[1])


class QueueMachine(RuleBasedStateMachine):
    """Two editors, one session after another, and the list of what has to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        before = os.getcwd()
        os.chdir(self.folder)
        self.stack.callback(os.chdir, before)
        self.path = self.folder / "queue.yaml"
        self.waiting: list[Item] = []
        self.owner: dict[int, Item] = {}
        self.editors: dict[int, Editor] = {}
        self.started: list[int] = []
        self.running: list[Experiment] = []
        self.count = 0
        self.broken = False

    @initialize(size=st.integers(0, 4))
    def begin(self, size: int) -> None:
        self.store = SessionFolder.create(self.folder, STARTED)
        self.store.write_definition(SOURCE)
        new = [self.item() for _ in range(size)]
        experiments = [
            Experiment({"num": item.n, "Command": "true"}, position=i) for i, item in enumerate(new)
        ]
        self.store.write_plan(experiments, {}, SOURCE)
        self.open_queue()
        self.queue.put(experiments)
        self.waiting += new
        self.queue.refresh()

    def open_queue(self) -> None:
        self.config = configure([])
        self.config.session_folder = self.store
        self.notices: list[str] = []
        plan = Plan(self.store.read_plan()[0], {}, SOURCE)
        session: Any = SimpleNamespace(
            plan=plan, folder=self.store, name=self.store.name, config=self.config, attempts={}
        )
        session.extend = lambda e: Session.extend(session, e)
        self.queue = DiskQueue(
            self.path, "queue.yaml", self.config, self.store.name, self.store.path, "batch"
        )
        self.queue.begin(session)

    def item(self) -> Item:
        self.count += 1
        item = Item(self.count)
        self.owner[self.count] = item
        return item

    # What sessions do

    @rule(place=PLACES)
    def start(self, place: int) -> None:
        self.queue.refresh()
        there = self.queue.waiting()
        if not there:
            return
        taken = self.queue.take(there[place % len(there)])
        assert taken is not None
        item = self.owner[taken["num"]]
        assert item.state == "waits", "it was started twice"
        item.state = "started"
        self.waiting.remove(item)
        self.running.append(taken)

    @precondition(lambda self: self.running)
    @rule()
    def run_once_more(self) -> None:
        taken = self.running.pop()
        self.queue.give_back(taken)
        item = self.owner[taken["num"]]
        again = Item(item.n)
        self.owner[item.n] = again
        self.waiting.insert(0, again)

    @precondition(lambda self: self.running)
    @rule()
    def end(self) -> None:
        self.queue.ended(self.running.pop(), "done")

    @rule()
    def show(self) -> None:
        self.queue.tend()
        self.queue._due = 0.0
        self.queue.tend()

    @rule(torn=st.booleans())
    def crash_and_go_on(self, torn: bool) -> None:
        """The process is gone without a word; what it ran is run by nobody else."""
        self.queue._side.close()
        self.config.close()
        if torn:
            with (self.folder / ".queue.yaml.journal").open("ab") as file:
                file.write(b'["take","x')
        self.open_queue()
        self.queue.put([])
        self.queue.refresh()

    # What people do

    @rule(editor=EDITORS)
    def open_editor(self, editor: int) -> None:
        if self.broken:
            return
        self.queue.refresh()
        self.queue._dirty, self.queue._due = True, 0.0
        self.queue.tend()
        save = parse(self.path.read_bytes(), "queue.yaml")
        assert save.version is not None, "the file has a version"
        texts = [document.text for document in save.documents]
        assert [number(text) for text in texts] == [item.n for item in self.waiting]
        items: list[Item | None] = [self.owner[number(text)] for text in texts]
        head = self.path.read_text().partition("---\n")[0].replace(f"{END}\n", "")
        self.editors[editor] = Editor(head, texts, items)
        self.rebase(self.editors[editor])

    def rebase(self, editor: Editor) -> None:
        pairs = zip(editor.items, editor.texts, strict=True)
        editor.base = {id(item): (item, number(text)) for item, text in pairs if item is not None}

    def at(self, editor: int, place: int) -> tuple[Editor, int] | None:
        buffer = self.editors.get(editor)
        if buffer is None or not buffer.texts:
            return None
        return buffer, place % len(buffer.texts)

    @rule(editor=EDITORS, place=PLACES)
    def remove(self, editor: int, place: int) -> None:
        if found := self.at(editor, place):
            buffer, index = found
            del buffer.texts[index], buffer.items[index]

    @rule(editor=EDITORS, place=PLACES)
    def move(self, editor: int, place: int) -> None:
        if found := self.at(editor, place):
            buffer, index = found
            buffer.texts.insert(0, buffer.texts.pop(index))
            buffer.items.insert(0, buffer.items.pop(index))

    @rule(editor=EDITORS, place=PLACES)
    def change(self, editor: int, place: int) -> None:
        found = self.at(editor, place)
        if found is None or found[0].items[found[1]] is None:
            return
        buffer, index = found
        if "RUN_ID" not in buffer.texts[index]:
            return
        self.count += 1
        self.owner[self.count] = buffer.items[index]  # type: ignore[assignment]
        buffer.texts[index] = re.sub(r"(?m)^num: .*", f"num: {self.count}", buffer.texts[index])

    @rule(editor=EDITORS, place=PLACES, copied=st.booleans(), computed=st.booleans())
    def add(self, editor: int, place: int, copied: bool, computed: bool) -> None:
        buffer = self.editors.get(editor)
        if buffer is None:
            return
        self.count += 1
        value = f"parse {self.count - 1} + 1" if computed else str(self.count)
        text = f"---\nnum: {value} # {self.count}\n"
        if copied and (found := self.at(editor, place)) and "RUN_ID" in found[0].texts[found[1]]:
            text = re.sub(r"(?m)^num: .*", f"num: {self.count}", found[0].texts[found[1]])
        index = min(place, len(buffer.texts))
        if copied:
            index = len(buffer.texts)  # below the one that it is a copy of
        buffer.texts.insert(index, text.replace(f"parse {self.count - 1} + 1", str(self.count)))
        buffer.items.insert(index, None)

    @rule(editor=EDITORS)
    def save(self, editor: int) -> None:
        buffer = self.editors.get(editor)
        if buffer is None:
            return
        self.path.write_text(f"{buffer.head}{''.join(buffer.texts)}{END}\n")
        self.expect(buffer)
        self.queue._view.sure = False
        self.queue.refresh()
        self.broken = False

    def expect(self, buffer: Editor) -> None:
        """The three-way merge, as a person would say it."""
        kept = {id(item) for item in buffer.items if item is not None}
        unsure = [] if buffer.follows() else [f for f in buffer.fresh if id(f[0]) not in kept]
        fresh = list(unsure) + [f for f in buffer.fresh if id(f[0]) in kept]
        kept |= {id(item) for item, _ in unsure}
        present = {id(item) for item in buffer.items}
        for key, (known_item, _) in buffer.base.items():
            if key not in kept and known_item.state == "waits":
                known_item.state = "removed"
                self.waiting.remove(known_item)
            if key not in kept and not any(f[0] is known_item for f in buffer.fresh):
                buffer.absent.add(key)
        listed: list[Item] = []
        for index, (item, text) in enumerate(zip(buffer.items, buffer.texts, strict=True)):
            n = number(text)
            if item is None:
                new = buffer.items[index] = self.owner[n] = Item(n)
                listed.append(new)
                fresh.append((new, text))
                continue
            if item.state == "removed" and id(item) not in buffer.base:
                item.state = "waits"
            if item.state == "waits":
                known = buffer.base.get(id(item))
                if known is None or known[1] != n:
                    item.n = n
                if known is not None and known[1] != n:
                    buffer.texts_saved[id(item)] = text
                listed.append(item)
        first = next((i for i in self.waiting if i in listed), None)
        at = self.waiting.index(first) if first is not None else 0
        ahead = [i for i in self.waiting[:at] if i not in listed]
        self.waiting = [*ahead, *listed, *(i for i in self.waiting[at:] if i not in listed)]
        self.rebase(buffer)
        buffer.fresh = fresh
        buffer.absent -= present
        buffer.base |= {id(item): (item, item.n) for item, _ in unsure}

    @rule(
        cut=st.integers(0, 2000), junk=st.sampled_from(["", "n: [1\n", "\tx: 1\n", "a: 1\na: 2\n"])
    )
    def break_the_file(self, cut: int, junk: str) -> None:
        """Half a file, or one that says nothing: what waited before is in force."""
        text = self.path.read_text()
        if junk:
            broken = text.replace(END, f"---\n{junk}{END}")
        else:
            broken = text[: cut % max(1, text.rfind(END) + len(END))]
        if broken == text or (not broken and not self.waiting):
            return
        self.path.write_text(broken)
        self.queue._view.sure = False
        self.queue.refresh()
        self.broken = True

    # What always holds

    @invariant()
    def what_waits_is_what_the_list_says(self) -> None:
        if not hasattr(self, "queue"):
            return
        there = [experiment["num"] for experiment in self.queue.waiting()]
        assert there == [item.n for item in self.waiting]

    def teardown(self) -> None:
        if hasattr(self, "queue"):
            self.queue.close()
            self.config.close()
        self.stack.close()


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
