"""Tells about the runs of a session: how they go, what they print, how long the rest takes."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING

from coolrun import hookimpl
from coolrun.display import duration, measured, numbers, shortened, visible, visible_lines
from coolrun.output import last_lines
from coolrun.pace import Pace, words
from coolrun.streams import write
from coolrun_plugins.terminal.label import Labels
from coolrun_plugins.terminal.output import Lines, Output
from coolrun_plugins.terminal.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from coolrun import Config, Record, Run, Session

TICK = 0.1  # seconds
PARAMETERS = 40  # columns of parameters
_BACKLOG = 1 << 16  # bytes of output that a terminal is shown at once
_COLOURS = {"started": "bold", "done": "green", "interrupted": "yellow", "aborted": "yellow"}
_FAILED = frozenset({"failed", "timeout", "lost"})


class Reporter:
    """Tells about the runs of one session."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._screen = Screen()
        self._labels = Labels(config)
        self._session: Session | None = None
        self._pace = Pace()
        self._begun: dict[str, float] = {}
        self._followed: Followed | None = None
        self._written = 0.0
        self._warned: dict[str, int] = {}
        self._done = 0
        self._waits = (-math.inf, "")

    # Hooks

    @hookimpl(tryfirst=True)
    def coolrun_session_start(self, session: Session) -> None:
        self._session = session
        self._labels.learn(session.plan)
        self._done = sum(1 for status in session.ended.values() if status == "done")
        if not self._in_process:
            self._screen.open()
            session.every(TICK, self._tick)

    @hookimpl(tryfirst=True)
    def coolrun_run_start(self, run: Run, session: Session) -> None:
        self._begun[run.token] = self._now()
        if session.state.capacity == 1 and not self._in_process:
            self._followed = Followed(run, self._screen)
        if not self._screen.live:
            self._tell(run, "started")

    @hookimpl(tryfirst=True)
    def coolrun_post_run(self, run: Run, record: Record, session: Session) -> None:
        begun = self._begun.pop(run.token, None)
        if record.status == "done":
            self._done += 1
            if begun is not None:
                self._pace.add(self._now() - begun)
        followed = self._followed
        shows = self._in_process
        if followed is not None and followed.run.token == run.token:
            self._show(followed, final=True)
            followed.output.close()
            self._followed = None
            shows = True
        elapsed = duration(record.exit.elapsed)
        if record.failure is None:
            self._tell(run, str(record.status), elapsed, _results(record))
        else:
            self._tell(run, str(record.status), elapsed, visible(record.failure)[:500])
            self._tell_more(run, shows=shows)
        self._labels.forget(run)
        self._tell_warnings(record.exit.warnings)
        if self._now() - self._written >= TICK:
            self._refresh()

    @hookimpl(tryfirst=True)
    def coolrun_session_finish(self, session: Session) -> None:
        self.close()

    @hookimpl
    def coolrun_notice(self, message: str) -> None:
        self._screen.flush()
        with self._screen.aside():
            write(sys.stderr, f"note: {visible_lines(message)}\n")

    def close(self) -> None:
        """Take the line of progress away. Called twice when all is well."""
        repeated = {text: count for text, count in self._warned.items() if count > 1}
        self._warned.clear()
        for text, count in repeated.items():
            self._screen.line(f"{'note:':<11} the same for {count - 1} more: {text}")
        self._screen.close()

    # Lines

    def _tell(self, run: Run, what: str, *more: str) -> None:
        word = self._screen.styled(f"{what:<11}", _COLOURS.get(what, "red"))
        label = self._labels.long(run, self._room)
        text = f"{label}  {'  '.join(part for part in more if part)}".rstrip()
        if self._screen.live and what == "done":
            text = shortened(text, max(20, self._screen.width - 13))
        self._screen.line(f"{word} {text}")

    def _tell_more(self, run: Run, *, shows: bool) -> None:
        """Where the output of a failed run is, and its end unless it was shown."""
        lines = [] if shows else last_lines(run.output, 8)
        for line in lines:
            self._screen.line(f"{'':<11} | {line}")
        if run.output.exists():
            self._screen.line(f"{'':<11} output: {_relative(run.output, self._config.cwd)}")

    def _tell_warnings(self, warnings: tuple[str, ...]) -> None:
        """Each warning once; how often it came back is said at the end."""
        for warning in warnings:
            text = visible(warning)[:500]
            known = self._warned.get(text)
            if known is None and len(self._warned) >= 100:
                continue  # more kinds than anybody reads; the records are not affected
            self._warned[text] = (known or 0) + 1
            if known is None:
                self._screen.line(f"{'':<11} {self._screen.styled('note:', 'yellow')} {text}")

    # The output of the run, and the line of progress

    def _tick(self) -> None:
        if self._followed is not None:
            self._show(self._followed, final=False)
        self._refresh()

    def _show(self, followed: Followed, *, final: bool) -> None:
        if not self._screen.live:
            while data := followed.output.read():
                self._screen.copy(data)
            return
        data = followed.output.read(_BACKLOG)
        if not data and not final:
            return
        text = followed.lines.take(data)
        left_out = followed.output.skip(_BACKLOG // 4) if len(data) == _BACKLOG else 0
        if left_out:
            text += f"... {left_out:,} bytes are not shown here\n"
        if final:
            text += followed.lines.take(followed.output.read(_BACKLOG), final=True)
        if text and not followed.announced:
            followed.announced = True
            self._tell(followed.run, "started")
        if text:
            self._screen.text(text)

    def _refresh(self) -> None:
        self._written = self._now()
        self._screen.flush()
        if self._screen.live and self._session is not None:
            rest = self._followed.lines.rest if self._followed is not None else ""
            self._screen.change(visible(rest.rpartition("\r")[2]), self._progress(self._session))

    def _progress(self, session: Session) -> str:
        """The longest of several ways to say it that fits."""
        running, now = session.running, self._now()
        done, ended = self._done, len(session.ended)
        failed = sum(1 for status in session.ended.values() if str(status) in _FAILED)
        stopped = ended - done - failed
        waiting = len(session.waiting)
        times = [now - self._begun.get(run.token, now) for run in running]
        starting = 0 if session.state.draining else waiting
        span = self._pace.left(starting, times, session.state.capacity)
        left = words(span) if span and (waiting or running) else ""
        counts = f"{done} done, {failed} failed, {waiting} left"
        counts += f", {stopped} stopped" if stopped else ""
        short = f"{ended} of {ended + waiting + len(running)}"
        short += f", {failed} failed" if failed else ""
        clock = f"{max(times):.0f} s" if times and max(times) < 60 else ""
        clock = clock or (duration(max(times)) if times else "")
        what = _running(running, session, self._labels.short)
        full = _running(running, session, lambda run: self._labels.long(run, self._room))
        brief = shortened(what, 12) if len(running) < 2 else what.partition(" (")[0]
        ways = (
            (full, clock, counts, left, self._waited_for(session)),
            (what, clock, counts, left, self._waited_for(session)),
            (what, clock, counts, left),
            (shortened(what, 20), clock, counts, left),
            (brief, clock, short, left),
            (brief, clock, short),
            (short,),
        )
        lines = ["  ".join(part for part in way if part) for way in ways]
        return next((line for line in lines if len(line) < self._screen.width), lines[-1])

    def _waited_for(self, session: Session) -> str:
        """Why places are free although something waits; looked up once a second."""
        if len(session.running) >= session.state.capacity or not session.waiting:
            return ""
        if self._now() - self._waits[0] >= 1.0:
            reasons = session.waiting.reasons()
            first = min(reasons, default=None)
            text = f"{first} waits for {numbers(reasons[first])}" if first is not None else ""
            more = f" ({len(reasons) - 1} more wait)" if len(reasons) > 1 else ""
            self._waits = (self._now(), text + more)
        return self._waits[1]

    @property
    def _room(self) -> int:
        """The columns that the parameters of a run may take."""
        return min(PARAMETERS, self._screen.width // 4) if self._screen.live else PARAMETERS

    @property
    def _in_process(self) -> bool:
        """Then the output of a run goes to the screen by itself."""
        return bool(self._config.option("in_process"))

    def _now(self) -> float:
        return self._config.clock.monotonic()


class Followed:
    """A run whose output is shown as it comes."""

    def __init__(self, run: Run, screen: Screen) -> None:
        self.run = run
        self.output = Output(run.output)
        self.lines = Lines(colour=screen.colour)
        self.announced = False


def _running(runs: list[Run], session: Session, label: Callable[[Run], str]) -> str:
    state = session.state
    words = {"paused": state.paused, "stopping": state.stopping or state.draining}
    word = next((f"{word} " for word, holds in words.items() if holds), "")
    if not runs:
        return word.strip() or "waiting"
    if len(runs) == 1:
        return f"{word}{label(runs[0])}"
    return f"{word}{len(runs)} runs ({numbers(run.experiment.position for run in runs)})"


def _results(record: Record) -> str:
    """The first few results."""
    results = [(k, v) for k, v in record.exit.results.items() if not isinstance(v, (dict, list))]
    return ", ".join(
        f"{visible(str(key))[:20]}: {measured(value, 20)}" for key, value in results[:4]
    )


def _relative(path: Path, cwd: Path) -> str:
    relative = os.path.relpath(path, cwd)
    return visible(str(path) if relative.startswith("..") else relative)
