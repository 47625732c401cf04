"""The `project` fixture: a folder with files in it, and the real command run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coolrun.plain import decode
from coolrun.testing import recorder


@dataclass(frozen=True)
class Outcome:
    """How a command ended. Truthy when its exit code is 0.

    Attributes:
        code: the exit code; negative when a signal ended it.
        out: what it printed; err: the same for errors and notes.
        records: the record of every run that ended, in the order in which they were written.
        hooks: the hooks that were called in the runner's process, in order.
    """

    args: Sequence[str]
    code: int
    out: str
    err: str
    records: Sequence[dict[str, Any]]
    hooks: Sequence[str]

    def __bool__(self) -> bool:
        return self.code == 0

    def __repr__(self) -> str:
        lines = [f"coolrun {' '.join(self.args)} -> {self.code}"]
        lines += ["out:", textwrap.indent(self.out, "  ")] if self.out else []
        lines += ["err:", textwrap.indent(self.err, "  ")] if self.err else []
        lines += [f"record: {record}" for record in self.records]
        return "\n".join(lines)


class Project:
    """A folder with files, and `coolrun` to be run in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._runs = 0

    def __call__(self, files: Mapping[str, str]) -> Project:
        """Write the files (their common indentation is removed) and return the project."""
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return self

    def run(
        self, *args: str, env: Mapping[str, str] | None = None, timeout: float = 60, stdin: str = ""
    ) -> Outcome:
        """Run `coolrun ARGS` here and wait for it, at most `timeout` seconds."""
        command, environment, trace = self.command(*args, env=env)
        done = subprocess.run(
            command,
            cwd=self.path,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        records, hooks = _read(trace)
        return Outcome(args, done.returncode, done.stdout, done.stderr, records, hooks)

    def command(
        self, *args: str, env: Mapping[str, str] | None = None
    ) -> tuple[list[str], dict[str, str], Path]:
        """What to start, in which environment, and where its hook calls are written down."""
        self._runs += 1
        trace = self.path.parent / f"{self.path.name}.trace{self._runs}.jsonl"
        plugins = [recorder.__name__, *(env or {}).get("COOLRUN_PLUGINS", "").split(",")]
        environment = {
            **os.environ,
            "COLUMNS": "100",
            **(env or {}),
            recorder.VARIABLE: str(trace),
            "COOLRUN_PLUGINS": ",".join(name for name in plugins if name),
        }
        return [sys.executable, "-m", "coolrun", *args], environment, trace


def _read(trace: Path) -> tuple[list[dict[str, Any]], list[str]]:
    records: list[dict[str, Any]] = []
    hooks: list[str] = []
    for line in trace.read_text(encoding="utf-8").splitlines() if trace.exists() else ():
        entry = decode(line) if '"record"' in line else json.loads(line)
        if "record" in entry:
            records.append(entry["record"])
            continue
        hooks.append(entry["hook"])
    return records, hooks


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a folder of its own: `project({...}).run("--exp", "a.yaml")`."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)
