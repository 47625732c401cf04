"""The folders of sessions and runs. The only place that knows the names of files."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.errors import SessionError
from coolrun.files import atomic_write
from coolrun.plain import encode

if TYPE_CHECKING:
    from coolrun.experiment import Experiment, Source

FORMAT = 1


class SessionFolder:
    """Where one session keeps its files: `.coolrun/sessions/<name>/`.

    Holds the definition as it was read, the plan (one experiment a line), the log of records that
    have no other place, and a folder per run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, cwd: Path, started: datetime) -> SessionFolder:
        """Make the folder of a new session.

        Raises:
            SessionError: the working directory cannot be written.
        """
        root = cwd / ".coolrun"
        name = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        try:
            runs = root / "sessions" / name / "runs"
            runs.mkdir(parents=True)
            ignore = root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise SessionError(
                f"cannot write in the working directory {str(cwd)!r}: {error.strerror}",
                cure="start coolrun in a folder of yours: sessions and logs are kept there",
            ) from error
        return cls(runs.parent)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        """The log of records whose experiments name no other."""
        return self.path / "log.yaml"

    def write_definition(self, source: Source) -> None:
        """Keep the definition as it was read."""
        atomic_write(self.path / "definition.yaml", source.data)

    def write_plan(self, experiments: Iterable[Experiment]) -> None:
        """Keep the whole plan, so that nothing has to be evaluated again."""
        lines = [encode({"format": FORMAT})]
        lines += [
            encode([e.position, e.document, e.series, e.skipped, sorted(e.after), e.values_by_key])
            for e in experiments
        ]
        atomic_write(self.path / "plan.jsonl", "\n".join([*lines, ""]).encode())

    def run_folder(self, position: int) -> Path:
        """Make and return the folder of a run, shared by its attempts."""
        folder = self.path / "runs" / f"{position:04}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
