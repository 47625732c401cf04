"""Sessions that never ran: their files alone, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from coolrun.experiment import Experiment, Source
from coolrun.journal import Journal
from coolrun.run import Run, Status
from coolrun.store import SessionFolder

# How an attempt ended, why, and how many seconds its work took.
End = tuple[Status, str | None, float]


def run_of(folder: SessionFolder, experiment: Experiment, attempt: int = 1) -> Run:
    """The run of an attempt, with a token that tests can foretell."""
    token = f"token-{experiment.position}-{attempt}"
    place = folder.run_folder(experiment.position)
    return Run(folder.name, experiment, attempt, token, place)


def write_session(
    cwd: Path,
    experiments: Sequence[Experiment],
    *,
    ends: Mapping[int, End] | None = None,
    running: Iterable[int] = (),
    finished: int | None = None,
    places: int = 1,
    started: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
) -> SessionFolder:
    """Write the files of a session: its plan, and a journal in which some runs have ended.

    Args:
        ends: by position, in the order in which they ended.
        running: positions of what was started and has not ended.
        finished: the exit code, if the session has ended by itself.
    """
    folder = SessionFolder.create(cwd, started)
    for position, experiment in enumerate(experiments):
        experiment.position = position
    source = Source("experiment.yaml", b"")
    folder.write_definition(source)
    folder.write_plan(experiments, {}, source)
    journal = Journal(folder.journal)
    journal.begun(started.isoformat(timespec="seconds"), places)
    for position, (status, failure, seconds) in (ends or {}).items():
        run = run_of(folder, experiments[position])
        journal.started([run])
        journal.ended(run.token, status, failure, seconds)
        journal.recorded(run.token)
    journal.started([run_of(folder, experiments[position]) for position in running])
    if finished is not None:
        journal.finished(finished)
    journal.close()
    return folder
