"""The folders of sessions and runs. The only place that knows the names of files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.errors import SessionError
from coolrun.experiment import Experiment, Source
from coolrun.files import atomic_write
from coolrun.plain import Plain, decode, encode

if TYPE_CHECKING:
    from filelock import BaseFileLock

FORMAT = 1
SESSIONS = "sessions"
PATIENCE = 0.2  # seconds
ROOM = 1 << 16  # bytes


class SessionFolder:
    """Where one session keeps its files: `.coolrun/sessions/<name>/`.

    Holds the definition as it was read, the plan (one experiment a line), the journal, the log of
    records that have no other place, and a folder per run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: BaseFileLock | None = None

    @classmethod
    def create(cls, cwd: Path, started: datetime, kind: str = SESSIONS) -> SessionFolder:
        """Make the folder of a new session, below `.coolrun/<kind>`.

        Raises:
            SessionError: the working directory cannot be written.
        """
        root = cwd / ".coolrun"
        # Names sort by time, within a second too: what is the newest session is read off them.
        moment = f"{started:%Y%m%d-%H%M%S}-{started.microsecond // 1000:03x}"
        folder = cls(root / kind / f"{moment}{os.urandom(2).hex()}")
        try:
            folder.runs.mkdir(parents=True)
            ignore = root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise SessionError(
                f"cannot write in the working directory {str(cwd)!r}: {error.strerror}",
                cure="start coolrun in a folder of yours: sessions and logs are kept there",
            ) from error
        return folder

    @classmethod
    def all(cls, cwd: Path) -> list[SessionFolder]:
        """The sessions of a working directory, the oldest first."""
        root = cwd / ".coolrun" / SESSIONS
        try:
            names = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        except OSError:
            return []
        return [cls(root / name) for name in names]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def runs(self) -> Path:
        """The folders of the runs, one per position."""
        return self.path / "runs"

    @property
    def log(self) -> Path:
        """The log of records whose experiments name no other."""
        return self.path / "log.yaml"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def control(self) -> Path:
        return self.path / "control"

    @property
    def plan(self) -> Path:
        return self.path / "plan.jsonl"

    def run_folder(self, position: int) -> Path:
        """The folder of a run, shared by its attempts; made when the run is."""
        return self.runs / f"{position:04}"

    def find_room(self, folder: Path | None = None) -> None:
        """Make a file and remove it again, in a folder of a run or in the session's own.

        Raises:
            OSError: the disk has no room for what a run writes at least.
        """
        path = (folder if folder is not None and folder.is_dir() else self.path) / "room"
        try:
            path.write_bytes(bytes(ROOM))
        finally:
            path.unlink(missing_ok=True)

    # The lock: whoever holds it is the session

    def lock(self) -> bool:
        """Become the one process that runs this session; False if there is one already."""
        if self._lock is not None:
            return True
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / "lock", fallback_to_soft=False)
        try:
            # Somebody who only looks holds it for a moment.
            lock.acquire(timeout=PATIENCE, poll_interval=0.005)
        except Timeout:
            return False
        self._lock = lock
        return True

    def unlock(self) -> None:
        """Let go of the session."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def is_held(self) -> bool:
        """Whether a process runs this session now. Changes nothing."""
        import fcntl

        try:
            descriptor = os.open(self.path / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            # Shared, so that several can look at once.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    # The definition and the plan

    def write_definition(self, source: Source) -> None:
        """Keep the definition as it was read."""
        atomic_write(self.path / "definition.yaml", source.data)

    def write_plan(
        self,
        experiments: Iterable[Experiment],
        settings: Mapping[str, Plain],
        source: Source,
        command: Mapping[str, Plain] | None = None,
    ) -> None:
        """Keep the whole plan, so that nothing has to be evaluated again.

        Args:
            settings: those of the definition and of the command line.
            command: what else of the command line counts when the session is taken up again.
        """
        lines = [encode(_line(experiment)) for experiment in experiments]
        header = {
            "format": FORMAT,
            "count": len(lines),
            "settings": dict(settings),
            "path": source.path,
            "command": dict(command or {}),
        }
        lines.insert(0, encode(header))
        atomic_write(self.plan, "\n".join([*lines, ""]).encode())

    def extend_plan(self, experiments: Iterable[Experiment]) -> None:
        """Add to the plan; what has the position of an earlier line takes its place."""
        from coolrun.files import Appender

        file = Appender(self.plan)
        try:
            file.append("".join(f"{encode(_line(e))}\n" for e in experiments).encode())
        finally:
            file.close()

    def read_plan(self) -> tuple[list[Experiment], Mapping[str, Plain], Source]:
        """The experiments, the settings and the definition of a session.

        Raises:
            SessionError: the folder holds no whole plan.
        """
        try:
            header, *lines = self.plan.read_bytes().splitlines()
            first = decode(header)
            source = Source(first["path"], (self.path / "definition.yaml").read_bytes())
            experiments = [_experiment(decode(line), source) for line in lines[: first["count"]]]
            if len(experiments) < first["count"]:
                raise ValueError("it was cut off")
            _grow(experiments, lines[len(experiments) :], source)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self.without_plan(error) from error
        return experiments, first["settings"], source

    def read_head(self) -> Mapping[str, Plain]:
        """What the plan says of the session as a whole: its `path`, `settings` and `command`.

        Raises:
            SessionError: the folder holds no plan.
        """
        try:
            with self.plan.open("rb") as file:
                head = decode(file.readline())
            return {"command": {}, **head}
        except (OSError, ValueError, TypeError) as error:
            raise self.without_plan(error) from error

    def read_line(self, line: bytes) -> Experiment:
        """The experiment that a line of the plan holds; its source is not read."""
        return _experiment(decode(line), None)

    def without_plan(self, reason: object) -> SessionError:
        """The error that there is no plan to go by."""
        return SessionError(
            f"session {self.name} holds no whole plan: {reason}",
            cure="it ended before its first run: start it anew",
        )


def _grow(experiments: list[Experiment], lines: Iterable[bytes], source: Source) -> None:
    """Take what was added later. A line that was torn says nothing: its run has not begun."""
    for line in lines:
        try:
            experiment = _experiment(decode(line), source)
        except ValueError:
            continue
        if experiment.position < len(experiments):
            experiments[experiment.position] = experiment
        elif experiment.position == len(experiments):
            experiments.append(experiment)


def _line(experiment: Experiment) -> list[Plain]:
    return [
        experiment.position,
        experiment.document,
        experiment.series,
        experiment.skipped,
        sorted(experiment.after),
        sorted(experiment.pending),
        list(experiment.swept),
        list(experiment.own),
        experiment.given,
        experiment.parameters,
    ]


def _experiment(line: Sequence[Plain], source: Source | None) -> Experiment:
    position, document, series, skipped, after, pending, swept, own, given, parameters = line
    written = set(own)
    return Experiment(
        own={key: parameters[key] for key in own if key in parameters},
        defaults={key: value for key, value in parameters.items() if key not in written},
        given=given,
        document=document,
        source=source,
        series=series,
        position=position,
        after=frozenset(after),
        swept=tuple(swept),
        pending=frozenset(pending),
        skipped=skipped,
    )
