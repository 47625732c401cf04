"""Keeps the last rows of a session and prints them when it has ended."""

from __future__ import annotations

import os
import shlex
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun import hookimpl
from coolrun.display import duration, numbers, visible
from coolrun.streams import write
from coolrun_plugins.summary.fitting import fitted
from coolrun_plugins.summary.rows import Row, columns_of, row_of

if TYPE_CHECKING:
    from coolrun import Config, Record, Run, Session

COMMAND = "run"
LAST = 20
_WIDE = 120  # columns, where there is no terminal
_LOGS = 8  # as many are named in a command
_LOG_KEY = "YamlLog"


class Summary:
    """What was run, with which results, where the log is, and what one would type next."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._rows: deque[Row] = deque(maxlen=None if config.option("all") else LAST)
        self._logs: dict[str, None] = {}
        self._failed: Path | None = None
        self._result: str | None = None

    @hookimpl
    def coolrun_post_run(self, run: Run, record: Record) -> None:
        self._rows.append(row_of(record))
        log = self._log_of(run)
        if log is not None:
            self._logs.setdefault(log)
        failed = str(record.status) in {"failed", "timeout"}
        if failed and self._failed is None and run.output.exists():
            self._failed = run.output
        for key, value in record.exit.results.items():
            if self._result is None and type(value) in {int, float}:
                self._result = str(key)

    @hookimpl(trylast=True)
    def coolrun_session_finish(self, session: Session) -> None:
        lines = ["", *self._listed(session), *self._said(session)]
        write(sys.stdout, "\n".join([*lines, ""]))

    def _listed(self, session: Session) -> list[str]:
        if not self._rows:
            return []
        from tabulate import tabulate

        rows = sorted(self._rows, key=lambda row: row.position)
        ours = {key.name for key in self._config.parser.keys.values() if not key.runs}
        columns, left_out = fitted(columns_of(rows, ours), _width())
        lines = tabulate(
            list(zip(*(column.texts for column in columns), strict=True)),
            headers=[column.heading for column in columns],
            tablefmt="simple",
            disable_numparse=True,
            colalign=["right" if c.heading in {"#", "time"} else "left" for c in columns],
        ).splitlines()
        lines = [line.rstrip() for line in lines]
        ended = len(session.ended)
        if ended > len(rows):
            lines.append(f"(the last {len(rows)} of {ended} runs; --all lists all)")
        if left_out:
            lines.append(f"(left out to fit the width: {', '.join(left_out)})")
        return [*lines, ""]

    def _said(self, session: Session) -> list[str]:
        counts: dict[str, int] = {}
        for status in session.ended.values():
            counts[str(status)] = counts.get(str(status), 0) + 1
        chosen = session.plan.chosen
        rest = [e.position for e in chosen if e.position not in session.ended]
        parts = [f"{count} {status}" for status, count in counts.items()]
        parts += [f"{len(rest)} not run"] if rest else []
        skipped = session.plan.skipped.keys() - session.ended.keys()
        dequeued = len(skipped & session.dequeued)
        parts += [f"{dequeued} dequeued"] if dequeued else []
        parts += [f"{len(skipped) - dequeued} skipped"] if len(skipped) > dequeued else []
        spent = duration(self._config.clock.monotonic() - session.begun)
        lines = [f"{', '.join(parts)} in {spent}"]
        if rest:
            lines.append(f"not run: {numbers(rest, 8)}")
        if self._logs:
            lines.append(f"log: {', '.join(self._paths(self._logs)[:3])}{_more(self._logs, 3)}")
        following = self._next(session)
        return [*lines, f"next: {following}"] if following else lines

    def _next(self, session: Session) -> str:
        """A command that makes sense now, of those that there are."""
        if self._failed is not None:
            return f"less {shlex.quote(_relative(self._failed, self._config.cwd))}"
        parser = self._config.parser
        flags = {(option.command, flag) for option in parser.options for flag in option.flags}
        rest = [e.position for e in session.plan.chosen if e.position not in session.ended]
        if rest:
            if (COMMAND, "--resume") in flags:
                return "coolrun --resume"
            again = self._config.option("pick") is None and (COMMAND, "--pick") in flags
            picked = numbers(rest).replace(" ", "")
            return shlex.join(["coolrun", *self._config.argv, "--pick", picked]) if again else ""
        interrupted = all(str(status) == "interrupted" for status in session.ended.values())
        if interrupted and (COMMAND, "--retry-failed") in flags:
            return "coolrun --resume --retry-failed"
        if not self._logs:
            return ""
        logs = shlex.join(self._paths(self._logs))
        if len(self._logs) > _LOGS and "collect" in parser.commands:
            folder = _relative(session.folder.path, self._config.cwd)
            return f"coolrun collect {shlex.quote(folder)}"
        if "filter" not in parser.commands:
            return f"less {logs}"
        form = " --format table" if ("filter", "--format") in flags else ""
        sort = self._result is not None and ("filter", "--sort") in flags
        by = f" --sort {shlex.quote(str(self._result))}" if sort else ""
        return f"coolrun filter {logs}{form}{by}"

    def _log_of(self, run: Run) -> str | None:
        """Where the record of the run was written, as far as any plugin writes one."""
        if not self._config.declares_key(_LOG_KEY):
            return None
        written = run.experiment.get(_LOG_KEY)
        if written is not None:
            return str(written)
        folder = self._config.session_folder
        return None if folder is None else str(folder.log)

    def _paths(self, logs: dict[str, None]) -> list[str]:
        cwd = self._config.cwd
        return [visible(_relative(cwd / log, cwd)) for log in logs]


def _relative(path: Path, cwd: Path) -> str:
    relative = os.path.relpath(path, cwd)
    return str(path) if relative.startswith("..") else relative


def _more(items: dict[str, None], shown: int) -> str:
    return f" and {len(items) - shown} more" if len(items) > shown else ""


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((_WIDE, 24)).columns
