"""`YamlLog`: one YAML document for every run that ended, appended where people look for it."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from coolrun import DefinitionError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun import Config, Experiment, Parser, Plan, Record, Run, Session
    from coolrun.files import Appender
    from coolrun.plain import Plain
    from coolrun.records.held import HeldRecords

KEY = "YamlLog"

# Our reader takes 16 Mi characters a value, 4 million values and 64 MiB a document.
LARGE = 1 << 20
MOST = 1_500_000
SHORT = 1_000


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        KEY,
        type="path",
        help="where records are appended (default: the session's log.yaml)",
        schema={"type": ["string", "null"]},
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Logs(config), "yamllog-files")


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """A log that is no regular file is refused even by a dry run; nothing is touched."""
    for path, experiment in _first_of_each(plan).items():
        problem = _problem(config.cwd / path)
        if problem:
            raise _refused(experiment, path, problem)


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    """Find out whether the logs can be written; nothing is made, as the plan may be refused yet."""
    for path, experiment in _first_of_each(plan).items():
        try:
            _try_to_write((config.cwd / path).resolve())
        except OSError as error:
            reason = error.strerror or str(error)
            raise _refused(experiment, path, f"it cannot be written: {reason}") from error


def _try_to_write(full: Path) -> None:
    """Nothing of a name that others could see is made: they may be about to write this very log."""
    import os
    import tempfile

    if full.exists():
        os.close(os.open(full, os.O_WRONLY | os.O_APPEND))
        return
    with tempfile.TemporaryFile(dir=next(folder for folder in full.parents if folder.exists())):
        pass


class Logs:
    """The open logs of a session; synced every second and at the end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._open: dict[Path, Appender] = {}
        self._held: dict[Path, HeldRecords] = {}
        config.add_cleanup(self._close)

    @hookimpl
    def coolrun_session_start(self, session: Session) -> None:
        session.on_commit(self._sync)

    @hookimpl
    def coolrun_record(self, run: Run, record: Record) -> None:
        from coolrun.yamlio import dump

        text = dump(record.document())
        if len(text) > LARGE:
            text = dump(self._shortened(record))
        piece = f"---\n{text}".encode()
        log = self._log(run)
        if record.replayed:
            held = self._held_by(log.path).part_of(run.id, piece)
            log.append(piece[held:], joined=held > 0)
        else:
            log.append(piece)

    @hookimpl
    def coolrun_recorded(self, run: Run) -> bool:
        """The last record of a log may be torn: writing it again completes it."""
        return self._held_by(self._path(run)).is_followed(run.id)

    def _held_by(self, path: Path) -> HeldRecords:
        from coolrun.records.held import HeldRecords

        return self._held.setdefault(path, HeldRecords(path))

    def _shortened(self, record: Record) -> dict[str, Plain]:
        """The record without what no reader takes back; the results file has the whole of it."""
        from coolrun.run import RECORD_KEYS
        from coolrun.yamlio import dump

        document = record.document()
        whole = record.run.results
        for key, value in document.items():
            size = len(dump(value)) if isinstance(value, (str, list, tuple, dict)) else 0
            if size > LARGE:
                document[key] = f"{str(value)[:SHORT]}... ({size:,} characters; whole in {whole})"
                self._config.warn(f"{record.run.id}: {key!r} is shortened in the log")
        left_out = list(document)[MOST : -len(RECORD_KEYS)]
        if left_out:
            for key in left_out:
                del document[key]
            self._config.warn(
                f"{record.run.id}: {len(left_out):,} results are left out of the log; "
                f"{whole} has them"
            )
        return document

    def _path(self, run: Run) -> Path:
        written = run.experiment.get(KEY)
        if written is not None:
            return (self._config.cwd / str(written)).resolve()
        folder = self._config.session_folder
        assert folder is not None
        return folder.log

    def _log(self, run: Run) -> Appender:
        path = self._path(run)
        log = self._open.get(path)
        if log is None:
            if len(self._open) >= 64:  # one log per run must not use up the descriptors
                self._close()
            from coolrun.files import Appender

            log = self._open[path] = Appender(path)
        return log

    def _sync(self) -> None:
        for log in self._open.values():
            log.sync()

    def _close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()


def _first_of_each(plan: Plan) -> dict[str, Experiment]:
    """Every log that the plan will write, with the first experiment that names it."""
    logs: dict[str, Experiment] = {}
    for experiment in plan.chosen:
        written = experiment.get(KEY)
        if written is None:
            continue
        if not isinstance(written, str) or not written.strip():
            raise _refused(experiment, written, "it has to be a path")
        logs.setdefault(written, experiment)
    return logs


def _problem(full: Path) -> str | None:
    try:
        mode = full.stat().st_mode
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return "a part of its path is a file"
    except (OSError, ValueError) as error:
        return f"it cannot be looked at: {getattr(error, 'strerror', None) or error}"
    if stat.S_ISDIR(mode):
        return "it is a folder"
    return None if stat.S_ISREG(mode) else "it is no regular file"


def _refused(experiment: Experiment, path: object, problem: str) -> Exception:
    error = DefinitionError(
        f"the log {path!r} cannot be used: {problem}", cure="name a file in a folder of yours"
    )
    return experiment.blame(error, (KEY,))
