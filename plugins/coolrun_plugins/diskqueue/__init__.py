"""`Global.queue: queue.yaml`: what waits is in a file that people edit while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun import Config, Parser, Plan, Record, Run, Session
    from coolrun.store import SessionFolder

    from .queue import DiskQueue

SETTING = "queue"
INTERVAL = 0.3  # seconds between two looks at the file


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    from .command import declare

    parser.add_setting(
        SETTING,
        type=_path,
        default=None,
        help="a file for the queue; null keeps it in memory",
        schema={"type": ["string", "null"], "pattern": r"\S"},
    )
    declare(parser)


def _path(value: object) -> object:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ValueError("expected a path or null")
    return value


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Disk(config), "diskqueue-session")


class Disk:
    """The queue of the session, where one is asked for."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._batch = ""
        self._queue: DiskQueue | None = None

    @property
    def _shown(self) -> str | None:
        path: str | None = self._config.setting(SETTING)
        return path

    @hookimpl
    def coolrun_check(self, plan: Plan) -> None:
        """Find out before the first run whether the queue can be kept there."""
        if self._shown is None or self._queue is not None:
            return
        from .enrolment import batch_of

        self._batch = batch_of(plan, self._config.overrides)
        try:
            _try_to_write(self._config.cwd / self._shown, self._config.cwd / plan.source.path)
        except OSError as error:
            problem = error.strerror or str(error)
            raise DefinitionError(
                f"the queue {self._shown!r} cannot be written: {problem}",
                key=f"Global.{SETTING}",
                cure="name a file in a folder of yours, or null to keep the queue in memory",
            ) from error

    @hookimpl
    def coolrun_continue(self, plan: Plan) -> SessionFolder | None:
        """A session with this definition that was killed, or ended before its queue was empty."""

        from itertools import chain
        from pathlib import Path

        if self._shown is None:
            return None
        from coolrun.store import SessionFolder

        from .enrolment import forgotten, left_behind
        from .sidefile import SideFile

        side = SideFile(self._path)
        try:
            with side.locked() as ledger:
                known = [ledger.members[name] for name in left_behind(ledger, self._batch)]
                folders = (SessionFolder(Path(member.folder)) for member in known)
                others = forgotten(self._path, ledger, plan, self._config.cwd)
                for folder in chain(folders, others):
                    if folder.path.is_dir() and folder.lock():
                        waiting = f"; {len(ledger.waiting)} wait" if ledger.waiting else ""
                        self._config.warn(
                            f"{self._shown}: going on with session {folder.name}{waiting}"
                        )
                        return folder
        finally:
            side.close()
        return None

    @property
    def _path(self) -> Path:
        return (self._config.cwd / str(self._shown)).resolve()

    @hookimpl
    def coolrun_queue(self) -> Any:
        folder = self._config.session_folder
        if self._shown is None or folder is None:
            return None
        from .queue import DiskQueue

        self._queue = DiskQueue(
            self._path, self._shown, self._config, folder.name, folder.path, self._batch
        )
        return self._queue

    @hookimpl
    def coolrun_session_start(self, session: Session) -> None:
        queue = self._queue
        if queue is None:
            return
        queue.begin(session)

        def look() -> None:
            from coolrun.scheduler import Tick

            if queue.tend():
                session.tell(Tick(session.config.clock.monotonic()))

        session.every(INTERVAL, look)

    @hookimpl
    def coolrun_post_run(self, run: Run, record: Record, session: Session) -> None:
        position = run.experiment.position
        settled = session.settled.get(position)
        if self._queue is not None and settled is not None and settled.token == run.token:
            self._queue.ended(run.experiment, str(record.status))


def _try_to_write(path: Path, definition: Path) -> None:
    """Make the folder, and see that files can be made and the queue's own be written."""
    import os
    import tempfile

    if path.is_dir():
        raise IsADirectoryError(0, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no regular file")
    if path.resolve() == definition.resolve():
        raise OSError(0, "it is the definition itself")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(0, "it may not be written")
