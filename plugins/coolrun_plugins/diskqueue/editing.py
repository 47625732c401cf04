"""`coolrun queue edit`: an editor on what waits, a look at the difference, and the save."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun import CoolrunError, UsageError

from .merge import Merge, merge
from .view import Mark, parse

if TYPE_CHECKING:
    from .desk import Desk


def edit(desk: Desk) -> None:
    """Open the editor, check what it left, show what changed, and save it.

    Raises:
        CoolrunError: what was written is wrong; it is kept in a file beside the queue.
    """
    with desk.locked() as ledger:
        seen = Mark.of(desk.path)
        documents, preamble = desk.look(ledger)
        before = desk.rendered(ledger, [document.text for document in documents], preamble)
    after = _edited(before, desk.path.name)
    if after == before:
        print("nothing was changed")
        return
    try:
        late = _apply(desk, after, seen)
    except CoolrunError as error:
        kept = desk.path.with_name(f"{desk.path.name}.rejected")
        kept.write_text(after, encoding="utf-8")
        error.cure = f"{error.cure or 'mend it'}; what you wrote is in {kept.name}"
        raise
    lines = unified_diff(
        before.splitlines(), after.splitlines(), "before", "after", lineterm="", n=2
    )
    print("\n".join(lines))
    for sentence in late:
        print(f"not applied: {sentence}")


def _edited(text: str, name: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        try:
            code = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
        except OSError as error:
            raise UsageError(
                f"cannot start the editor {editor!r}: {error.strerror}", cure="set $EDITOR"
            ) from error
        if code:
            raise UsageError(f"the editor {editor!r} ended with code {code}: nothing was changed")
        return path.read_text(encoding="utf-8")


def _apply(desk: Desk, text: str, seen: Mark | None) -> list[str]:
    """Save it; returns what could not be applied."""
    from coolrun.yamlio import read

    data = text.encode()
    save = parse(data, desk.shown)
    for _ in read(data, path=desk.shown, words=desk.words, definition=True):
        pass
    with desk.locked() as ledger:
        mark = Mark.of(desk.path)
        if mark not in {seen, ledger.mark}:
            raise UsageError(
                f"somebody else has changed {desk.shown} meanwhile", cure="edit it once more"
            )
        merged: Merge = merge(ledger, save)
        desk.replace(text, mark)
    return merged.late
