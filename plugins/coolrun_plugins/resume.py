"""`--resume`: go on with a session that ended before its time; and how people are told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import NothingToRun, SessionError, UsageError, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from coolrun import Config, Parser, Session
    from coolrun.journal import Attempt
    from coolrun.standing import Standing
    from coolrun.store import SessionFolder

COMMAND = "run"
LOOKED_AT = 50  # sessions that a start looks through for one of the same definition
WITH_RESUME = ("retry_failed", "force")


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option(
        "--resume",
        nargs="?",
        const="",
        metavar="SESSION",
        help="go on with a session that ended early: the newest, or the one with this in its name",
    )
    parser.add_option(
        "--retry-failed",
        action="store_true",
        help="with --resume: run once more what did not end well",
    )
    parser.add_option(
        "--force", action="store_true", help="with --resume: run everything once more"
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    if config.command.name == COMMAND and not config.option("dry"):
        config.pluginmanager.register(Hints(config), "resume-hints")


@hookimpl
def coolrun_main(config: Config) -> int | None:
    """Go on with a session. None: --resume was not given."""
    which = config.option("resume")
    if which is None:
        for name in WITH_RESUME:
            if config.option(name):
                flag = f"--{name.replace('_', '-')}"
                cure = f"say which session: coolrun --resume {flag}"
                raise UsageError(f"{flag} goes with --resume", cure=cure)
        return None
    _refuse_changes(config)
    from coolrun.opening import Resumption, resume_session

    folder = _meant(config, which)
    # Before anything is read: what is being written now is not the last word.
    if not folder.lock():
        raise SessionError(
            f"session {folder.name} is running", cure="see `coolrun status`; it needs no help"
        )
    config.add_cleanup(folder.unlock)
    resumption = Resumption.of(folder)
    _tell_changes(resumption.plan.source.path, resumption.plan.source.data, folder, config)
    return resume_session(resumption, config, _again(config))


class Hints:
    """Tells how to go on, at the end of a session and at the beginning of the next one."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @hookimpl
    def coolrun_session_start(self, session: Session) -> None:
        if self._config.option("resume") is not None:
            self._tell_of_going_on(session)
        elif (left := self._left_behind(session)) is not None:
            folder, count = left
            self._config.warn(
                f"{_lacking(count, f'of session {folder.name} of the same definition')}; "
                f"to go on with it: coolrun --resume {folder.name}"
            )

    def _tell_of_going_on(self, session: Session) -> None:
        running = len(session.running)
        rest = [e for e in session.plan.chosen if e.position not in session.ended]
        parts = [f"{len(rest) - running} to run"] + ([f"{running} running"] if running else [])
        name, path = session.name, session.plan.source.path
        self._config.warn(f"session {name} of {path!r} goes on: {', '.join(parts)}")

    @hookimpl
    def coolrun_session_finish(self, session: Session) -> None:
        ended = session.ended
        chosen = session.plan.chosen
        final = sum(1 for e in chosen if (s := ended.get(e.position)) is not None and s.final)
        if final < len(chosen):
            self._config.warn(
                f"{_lacking(len(chosen) - final, f'of {len(chosen)}')}; "
                f"to go on: coolrun --resume {session.name}"
            )

    def _left_behind(self, session: Session) -> tuple[SessionFolder, int] | None:
        """The session before this one of the same definition, if it is not finished."""
        from coolrun.finding import is_running
        from coolrun.store import SessionFolder

        folders = [f for f in SessionFolder.all(self._config.cwd) if f.name < session.name]
        for folder in reversed(folders[-LOOKED_AT:]):
            if _path_of(folder) == session.plan.source.path:
                standing = None if is_running(folder) else _standing(folder)
                return (folder, standing.unfinished) if standing and standing.unfinished else None
        return None


def _refuse_changes(config: Config) -> None:
    """The plan is used as it was made: what would change it cannot be meant."""
    which = config.option("resume")  # it takes the next word, whatever that was meant to be
    changes = [which] if which.startswith("+") else []
    changes += [*config.overrides, *(["--pick"] if config.option("pick") is not None else [])]
    if changes:
        raise UsageError(
            f"{changes[0]!r} cannot change a session that has begun",
            cure="start a new session with it; --resume uses the plan as it was made",
        )
    if config.option("dry"):
        raise UsageError("--dry shows a definition, not a session", cure="see `coolrun status`")


def _meant(config: Config, which: str) -> SessionFolder:
    """The session that the command line means.

    Raises:
        UsageError: no session has that name, or several have.
        NothingToRun: none is left unfinished.
    """
    from coolrun.finding import find_session, is_running
    from coolrun.main import definition_path
    from coolrun.store import SessionFolder

    if which:
        return find_session(config.cwd, which)
    exp = config.option("exp")
    path = str(definition_path(config)) if exp is not None else None
    of = f" of {path!r}" if path else ""
    runs = None
    for folder in reversed(SessionFolder.all(config.cwd)):
        if _path_of(folder) not in {path or _path_of(folder)} - {None}:
            continue
        if is_running(folder):
            runs = folder
            continue
        standing = _standing(folder)
        if standing is not None and _is_wanted(standing, config):
            return folder
    if runs is not None:
        raise SessionError(
            f"session {runs.name} is running", cure="see `coolrun status`; it needs no help"
        )
    what = "session" if config.option("force") else "session that could go on"
    raise NothingToRun(
        f"there is no {what}{of} in {str(config.cwd)!r}",
        cure="--resume --retry-failed runs again what did not end well, --resume --force everything"
        if SessionFolder.all(config.cwd)
        else "go to the folder in which it was started",
    )


def _is_wanted(standing: Standing, config: Config) -> bool:
    again = _again(config)
    if config.option("force") or standing.unfinished or standing.past.finished is None:
        return True
    return any(again(attempt) for attempt in standing.last.values())


def _again(config: Config) -> Callable[[Attempt], bool]:
    """Whether an attempt that has its final record is run once more."""
    if config.option("force"):
        return lambda attempt: True
    if config.option("retry_failed"):
        return lambda attempt: attempt.status is not None and str(attempt.status) != "done"
    return lambda attempt: False


def _path_of(folder: SessionFolder) -> str | None:
    try:
        return str(folder.read_head()["path"])
    except SessionError:
        return None  # it ended before it had a plan: there is nothing to go on with


def _standing(folder: SessionFolder) -> Standing | None:
    from coolrun.standing import Onlooker

    try:
        return Onlooker(folder).look()
    except SessionError:
        return None


def _tell_changes(path: str, data: bytes, folder: SessionFolder, config: Config) -> None:
    try:
        now = (config.cwd / path).read_bytes()
    except OSError:
        config.warn(f"{path!r} is not there any more; session {folder.name} goes on as planned")
        return
    if now != data:
        config.warn(
            f"{path!r} has changed since session {folder.name} was planned, which goes on as it "
            "was; start a new session for the changes"
        )


def _lacking(count: int, of: str) -> str:
    what, verb = ("experiment", "has") if count == 1 else ("experiments", "have")
    return f"{count} {what} {of} {verb} no final record"
