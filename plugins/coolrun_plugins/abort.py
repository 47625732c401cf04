"""`coolrun abort`: end a session and everything that it has started."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coolrun import ExitCode, UsageError, hookimpl
from coolrun.streams import write

if TYPE_CHECKING:
    from coolrun import Config, Parser, Run
    from coolrun.journal import Past
    from coolrun.standing import Standing
    from coolrun.store import SessionFolder

COMMAND = "abort"
LISTED = 12  # runs that are named before they are stopped
SLACK = 15.0  # seconds for what is not waiting for a run: records, processes left behind


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        COMMAND,
        help="end a session and everything that it runs",
        handler=_abort,
        description="End a session: what runs is asked to end (INT), told after 10 seconds (TERM)\n"
        "and killed after 10 more. You are asked first. What was not run can be resumed.",
        examples=("coolrun abort", "coolrun abort 1432 -y", "coolrun abort --kill"),
    )
    add = parser.add_option
    which = "a part of a session's name (default: the one that runs)"
    add("which", command=COMMAND, metavar="WHICH", nargs="?", help=which)
    add("-y", "--yes", command=COMMAND, action="store_true", help="do not ask")
    add("--kill", command=COMMAND, action="store_true", help="kill at once, without a grace time")


@hookimpl
def coolrun_configure(config: Config) -> None:
    if config.command.name == COMMAND:
        config.pluginmanager.register(Notices(), "abort-notices")


class Notices:
    """Says at once what the session that is ended here has to say."""

    @hookimpl
    def coolrun_notice(self, message: str) -> None:
        from coolrun.display import visible_lines

        write(sys.stderr, f"note: {visible_lines(message)}\n")


def _abort(config: Config) -> int:
    from coolrun.standing import Onlooker

    folder = _meant(config)
    standing = Onlooker(folder).look()
    runs = [standing.run(attempt) for attempt in standing.under_way]
    _say(_what(standing, runs))
    if not config.option("yes") and not _agreed():
        _say("nothing was stopped")
        return ExitCode.ENDED
    if standing.is_live:
        _end_live(folder, config)
    else:
        _end_left_behind(folder, config)
    _end_stragglers(runs, config)
    _tell(standing, Onlooker(folder).look(), config)
    return 0


def _meant(config: Config) -> SessionFolder:
    """The session that is meant: one that runs, or one that has left runs behind.

    Raises:
        UsageError: there is none, or there are several.
    """
    from coolrun.finding import find_running, find_session, is_running
    from coolrun.journal import read_finish
    from coolrun.store import SessionFolder

    which = config.option("which")
    if which:
        folder = find_session(config.cwd, which)
        if not is_running(folder) and not _has_left_behind(folder):
            raise UsageError(f"nothing of session {folder.name} runs", cure="see `coolrun status`")
        return folder
    folders = SessionFolder.all(config.cwd)
    if not any(is_running(folder) for folder in folders):
        dead = [f for f in folders if read_finish(f.journal) is None and _has_left_behind(f)]
        if len(dead) == 1:
            return dead[0]
        if dead:
            names = ", ".join(folder.name for folder in dead)
            raise UsageError(
                f"{len(dead)} sessions have left runs behind: {names}",
                cure="name one by a part of its name",
            )
    return find_running(config.cwd)


def _has_left_behind(folder: SessionFolder) -> bool:
    from coolrun.standing import Onlooker
    from coolrun.stragglers import are_there

    standing = Onlooker(folder).look()
    return bool(standing.left_behind) or are_there(map(standing.run, standing.under_way))


# Ending


def _end_live(folder: SessionFolder, config: Config) -> None:
    """Order the process that runs the session to end it; where it does not answer, end that too."""
    from coolrun.scheduler import GRACE
    from coolrun.standing import Onlooker
    from coolrun.steering import NotObeyed, give_order

    kill = config.option("kill")
    within = SLACK if kill else 2 * GRACE + SLACK
    try:
        heard = give_order(folder, ["kill" if kill else "abort"], _is_ending)
        if heard.is_live:
            give_order(folder, ["look"], lambda _: False, within=within)
    except NotObeyed as error:
        past = Onlooker(folder).look().past
        _say(f"{error.message}: its process is killed")
        if not _kill_runner(past):
            raise
        give_order(folder, ["look"], lambda _: False)
        _end_left_behind(folder, config)


def _is_ending(standing: Standing) -> bool:
    return standing.state == "ending"


def _kill_runner(past: Past) -> bool:
    """Kill the process that runs a session; False if its number may be another process's."""
    import signal

    from coolrun.machine import was_there

    if not hasattr(os, "pidfd_open"):
        return False
    try:
        descriptor = os.pidfd_open(past.pid)
    except OSError:
        return False
    try:
        # Asked now that the number cannot become another process's unseen.
        if not was_there(past.pid, past.moment, past.boot):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        return True  # it has just gone by itself
    finally:
        os.close(descriptor)
    return True


def _end_left_behind(folder: SessionFolder, config: Config) -> None:
    from coolrun.ending import end_session
    from coolrun.opening import Resumption

    end_session(Resumption.of(folder), config, kill=bool(config.option("kill")))


def _end_stragglers(runs: Sequence[Run], config: Config) -> None:
    from coolrun.stragglers import GRACE, end_stragglers

    end_stragglers(runs, grace=0 if config.option("kill") else GRACE, say=_say)


# Telling


def _what(standing: Standing, runs: Sequence[Run]) -> str:
    """What is going to be stopped."""
    from coolrun.display import shown

    lines = [f"session {standing.folder.name}: {len(runs)} running, {_rest(standing)}"]
    lines += [
        f"  {run.experiment.position}  {shown(run.experiment.name, 40)}" for run in runs[:LISTED]
    ]
    if len(runs) > LISTED:
        lines.append(f"  and {len(runs) - LISTED} more")
    if not standing.is_live:
        lines.append("  the process that ran the session has gone")
    return "\n".join(lines)


def _rest(standing: Standing) -> str:
    rest = standing.unfinished - len(standing.under_way)
    return f"{rest} {'waiting' if standing.is_live else 'not run'}"


def _tell(before: Standing, after: Standing, config: Config) -> None:
    """What became of the runs, and how to go on."""
    from collections import Counter

    positions = {attempt.position for attempt in before.under_way}
    ends = Counter(str(after.last[position].status or "unknown") for position in positions)
    became = ", ".join(f"{count} {status}" for status, count in sorted(ends.items()))
    rest = after.unfinished
    _say(f"ended: {became or 'nothing ran'}; {rest} of {len(after.chosen)} left")
    flags = {flag for option in config.parser.options for flag in option.flags}
    if rest and "--resume" in flags:
        _say(f"next: coolrun --resume {after.folder.name}")


def _agreed() -> bool:
    """Whether a person wants it.

    Raises:
        UsageError: there is nobody to ask.
    """
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked", cure="say -y to stop it without a question")
    write(sys.stdout, "stop it? [y/N] ")
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _say(text: str) -> None:
    write(sys.stdout, f"{text}\n")
