"""What is told about a session, as data: the screen and programs are given the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.differences import differences
from coolrun.output import last_lines

if TYPE_CHECKING:
    from coolrun import Config, Experiment
    from coolrun.journal import Attempt
    from coolrun.plain import Plain
    from coolrun.standing import Standing

ROWS = 20  # running runs that are looked at, unless all are asked for
COMPARED = 30  # experiments of the plan that those are compared with
GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Row:
    """A run that goes on.

    Attributes:
        parameters: by dotted key, those in which it differs from others of the session.
        elapsed: seconds since its process began; None while it has not.
        line: the last that it printed.
    """

    position: int
    name: str
    run_id: str
    parameters: Mapping[str, Plain]
    elapsed: float | None
    output: Path
    line: str


@dataclass(frozen=True)
class Report:
    """A session.

    Attributes:
        changed: when something happened in it last.
        counts: how many experiments are running, waiting, dequeued, skipped, done, failed, ...
        left: seconds until all is done, at least and at most.
        rows: what runs; of `more` runs nothing is told.
        left_behind: whether those run without the process that ran the session.
        waits: who waits for whom.
        cure: how to go on.
    """

    name: str
    state: str
    reason: str
    pid: int
    started: str
    changed: datetime
    exit_code: int | None
    counts: Mapping[str, int]
    left: tuple[float, float] | None
    rows: Sequence[Row]
    more: int
    left_behind: bool
    waits: Mapping[int, Sequence[int]]
    cure: str


def report(standing: Standing, config: Config, *, whole: bool = False) -> Report:
    """What there is to tell about a session; of all its runs with `whole`."""
    live, past = standing.is_live, standing.past
    running = standing.under_way if live else standing.left_behind
    now = config.clock.now()
    rows = _rows(standing, running if whole else running[:ROWS], config, now)
    elapsed = [row.elapsed or 0.0 for row in rows] + [0.0] * (len(running) - len(rows))
    counts = {"running": len(running), "waiting": len(standing.waiting) if live else 0}
    if not live:
        counts["left"] = standing.unfinished - len(running)
    ended = {str(status): count for status, count in standing.ended.items()}
    final = {"done", "failed", "timeout", "interrupted"}
    counts.update((word, n) for word, n in ended.items() if live or word in final)
    counts["dequeued"] = len(past.dequeued)
    counts["skipped"] = len(standing.outline.skipped)
    return Report(
        standing.folder.name,
        standing.state,
        standing.reason,
        past.pid if live else 0,
        past.started,
        datetime.fromtimestamp(_changed(standing), now.tzinfo),
        None if live else past.finished,
        {word: count for word, count in counts.items() if count},
        standing.left(elapsed) if live else None,
        rows,
        len(running) - len(rows),
        bool(running) and not live,
        standing.waits() if live else {},
        _cure(standing, config),
    )


def document(report: Report) -> dict[str, Plain]:
    """The report for programs. Paths are absolute, times local ISO 8601 text, lengths seconds."""
    return {
        "session": report.name,
        "state": report.state,
        "reason": report.reason,
        "pid": report.pid or None,
        "started": report.started or None,
        "changed": report.changed.isoformat(timespec="seconds"),
        "exit_code": report.exit_code,
        "counts": dict(report.counts),
        "left": list(report.left) if report.left else None,
        "running": [
            {
                "position": row.position,
                "name": row.name,
                "run_id": row.run_id,
                "parameters": dict(row.parameters),
                "elapsed": row.elapsed,
                "output": str(row.output),
                "line": row.line,
            }
            for row in report.rows
        ],
        "left_behind": report.left_behind,
        "waits": {str(position): list(needs) for position, needs in report.waits.items()},
        "next": report.cure or None,
    }


def _rows(
    standing: Standing, attempts: Sequence[Attempt], config: Config, now: datetime
) -> list[Row]:
    if not attempts:
        return []
    runs = [standing.run(attempt) for attempt in attempts]
    # What the runner itself reads says how a run is run, not what it tries.
    ours = {key.name for key in config.parser.keys.values() if not key.runs}
    compared = [*(run.experiment for run in runs), *_others(standing, attempts)]
    rows = []
    for run, values in zip(runs, differences(compared, ours), strict=False):
        began = standing.started(run)
        elapsed = None if began is None else max(0.0, (now - began).total_seconds())
        line = "".join(last_lines(run.output, 1))
        position, name = run.experiment.position, run.experiment.name
        rows.append(Row(position, name, run.id, values, elapsed, run.output, line))
    return rows


def _others(standing: Standing, attempts: Sequence[Attempt]) -> list[Experiment]:
    """Some of the experiments that do not run, from all over the plan."""
    chosen, running = standing.chosen, {attempt.position for attempt in attempts}
    # Steps of the golden ratio meet every part of a plan, whatever comes back in it how often.
    places = (int(number * GOLDEN % 1 * len(chosen)) for number in range(COMPARED))
    some = {chosen[place] for place in places if chosen} - running
    return [standing.outline.experiment(position) for position in sorted(some)]


def _changed(standing: Standing) -> float:
    try:
        return standing.folder.journal.stat().st_mtime
    except FileNotFoundError:
        return standing.folder.path.stat().st_mtime


def _cure(standing: Standing, config: Config) -> str:
    name = standing.folder.name
    if standing.state == "paused":
        return "coolrun continue"
    flags = {flag for option in config.parser.options for flag in option.flags}
    if standing.state == "ended" and "--resume" in flags:
        return f"coolrun --resume {name}"
    return f"coolrun abort {name}" if standing.left_behind else ""
