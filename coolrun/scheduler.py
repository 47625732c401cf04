"""What to do next: `decide(state, event) -> actions`. Pure; the session performs the actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from coolrun.run import Exit, Run, Status

GRACE = 10.0  # seconds between INT, TERM and KILL
WINDOW = 2.0  # seconds in which a second Ctrl-C ends the session
AGAIN = 1.0  # seconds after which busy things are asked for again when nothing of ours runs


# Events


@dataclass(frozen=True)
class Tick:
    """Something may be possible that was not: the session began, time went by, a queue changed."""

    now: float


@dataclass(frozen=True)
class Submitted:
    """A run was handed to the launcher, or was found running."""

    run: Run


@dataclass(frozen=True)
class Looked:
    """All that could be launched was launched.

    Attributes:
        waiting: how many still wait.
        busy: whether one could not start because what it needs is taken.
        until: when the first of those that wait for a time may start.
    """

    waiting: int
    now: float
    busy: bool = False
    until: float | None = None


@dataclass(frozen=True)
class Ended:
    """A run ended."""

    exit: Exit
    now: float


@dataclass(frozen=True)
class Stopped:
    """One run has to end, with this status."""

    token: str
    status: Status
    reason: str
    grace: float = GRACE


@dataclass(frozen=True)
class Interrupt:
    """A person pressed Ctrl-C."""

    now: float


@dataclass(frozen=True)
class Terminate:
    """The session was told to end: SIGTERM, or a second Ctrl-C."""

    now: float


@dataclass(frozen=True)
class Pause:
    """Start nothing more until told to go on."""

    reason: str


@dataclass(frozen=True)
class Resume:
    """Go on after a pause."""

    now: float


@dataclass(frozen=True)
class Drain:
    """Start nothing more; the session is over when what runs has ended.

    `ended` says whether a person ended it, so that it counts as unfinished.
    """

    reason: str
    now: float
    ended: bool = True


Event: TypeAlias = (
    Tick | Submitted | Looked | Ended | Stopped | Interrupt | Terminate | Pause | Resume | Drain
)


# Actions


@dataclass(frozen=True)
class Launch:
    """Submit up to this many of the experiments that wait, and tell what was `Looked` at."""

    count: int


@dataclass(frozen=True)
class Cancel:
    """Stop these runs."""

    tokens: Sequence[str]
    grace: float


@dataclass(frozen=True)
class Close:
    """Record a run that ended."""

    run: Run
    exit: Exit
    status: Status
    reason: str | None = None


@dataclass(frozen=True)
class Say:
    """Tell the person."""

    message: str


@dataclass(frozen=True)
class Finish:
    """The session is over; `ended` when a person or a signal ended it."""

    ended: bool


Action: TypeAlias = Launch | Cancel | Close | Say | Finish


@dataclass
class State:
    """What the scheduler knows.

    Attributes:
        capacity: how many may run at once.
        running: by token.
        stopping: the status and the reason that a cancelled run will get, by token.
        interrupts: how often Ctrl-C was pressed since the queue last went on.
        window: when the queue goes on after a Ctrl-C; None while runs still stop.
        wake_at: when it is worth looking at the queue again; None: no need.
        ending: nothing more is launched; what runs is stopped.
        draining: nothing more is launched, and why is `drained`; what runs may finish.
        paused: why nothing is launched for now.
    """

    capacity: int = 1
    running: dict[str, Run] = field(default_factory=dict)
    stopping: dict[str, tuple[Status, str | None]] = field(default_factory=dict)
    interrupts: int = 0
    window: float | None = None
    wake_at: float | None = None
    ending: bool = False
    draining: bool = False
    drained_by_person: bool = False
    drained: str = ""
    paused: str | None = None

    @property
    def hold(self) -> tuple[str, str] | None:
        """Why nothing is launched for longer than a moment: a word and a reason."""
        if self.ending:
            return "ending", ""
        if self.draining:
            return "stopping", self.drained
        return ("paused", self.paused) if self.paused is not None else None

    @property
    def holds(self) -> bool:
        """Whether nothing is launched now."""
        return bool(self.ending or self.draining or self.interrupts or self.paused is not None)


def decide(state: State, event: Event) -> list[Action]:
    """Take one event into account and say what has to be done."""
    if isinstance(event, Submitted):
        state.running[event.run.token] = event.run
        return []
    if isinstance(event, Looked):
        return _looked(state, event)
    actions = _taken(state, event)
    return actions + _next(state, getattr(event, "now", None))


def deadline(state: State) -> float | None:
    """When a `Tick` has to be told next, on the monotonic clock; None: no need."""
    return min((m for m in (state.window, state.wake_at) if m is not None), default=None)


def _taken(state: State, event: Event) -> list[Action]:
    if isinstance(event, Tick) and state.wake_at is not None and state.wake_at <= event.now:
        state.wake_at = None  # or it would be told again and again while nothing can be launched
    if isinstance(event, Ended):
        return _ended(state, event)
    if isinstance(event, Stopped):
        return _stopped(state, event)
    if isinstance(event, Interrupt):
        return _interrupted(state)
    if isinstance(event, Terminate):
        return _end(state)
    if isinstance(event, Pause) and state.paused is None:
        state.paused = event.reason
        return [Say(f"paused: {event.reason}; `coolrun continue` goes on")]
    if isinstance(event, Resume) and state.paused is not None:
        state.paused = None
        return [Say("the queue goes on")]
    if isinstance(event, Drain) and not state.draining:
        state.draining, state.drained_by_person = True, event.ended
        state.drained = event.reason
        return [Say(f"nothing more is started: {event.reason}")]
    return []


def _ended(state: State, event: Ended) -> list[Action]:
    run = state.running.pop(event.exit.token, None)
    if run is None:
        return []
    told = Status.LOST if event.exit.lost else Status.FAILED
    status, reason = state.stopping.pop(event.exit.token, (told, None))
    if event.exit.ok:
        status, reason = Status.DONE, None
    return [Close(run, event.exit, status, reason)]


def _stopped(state: State, event: Stopped) -> list[Action]:
    if event.token not in state.running or event.token in state.stopping:
        return []
    state.stopping[event.token] = (event.status, event.reason)
    return [Cancel((event.token,), event.grace)]


def _interrupted(state: State) -> list[Action]:
    state.interrupts += 1
    if state.ending or state.interrupts > 2:
        state.ending = True
        return [Say("killing what still runs"), Cancel(tuple(state.running), 0.0)]
    if state.interrupts == 2:
        return _end(state)
    for token in state.running:
        state.stopping.setdefault(token, (Status.INTERRUPTED, None))
    return [Cancel(tuple(state.running), GRACE)] if state.running else []


def _end(state: State) -> list[Action]:
    state.ending = True
    fresh = [token for token in state.running if token not in state.stopping]
    for token in state.running:
        state.stopping[token] = (Status.ABORTED, None)
    message = "ending the session"
    if state.running:
        message += "; press Ctrl-C once more to kill what still runs"
    return [Say(message), *([Cancel(tuple(fresh), GRACE)] if fresh else [])]


def _next(state: State, now: float | None) -> list[Action]:
    if state.ending or state.draining:
        ended = state.ending or state.drained_by_person
        return [] if state.running else [Finish(ended=ended)]
    if state.interrupts:
        return _after_interrupt(state, now)
    if state.paused is not None:
        return []
    free = state.capacity - len(state.running)
    return [Launch(free)] if free > 0 else []


def _after_interrupt(state: State, now: float | None) -> list[Action]:
    if state.running or now is None:
        return []
    if state.window is None:
        state.window = now + WINDOW
        return [Say(f"stopped; press Ctrl-C again within {WINDOW:g} seconds to end the session")]
    if now < state.window:
        return []
    state.window, state.interrupts = None, 0
    goes_on: list[Action] = [Say("the queue goes on")]
    return goes_on + _next(state, now)


def _looked(state: State, event: Looked) -> list[Action]:
    moments = [event.now + AGAIN] if event.busy else []
    moments += [event.until] if event.until is not None else []
    state.wake_at = min(moments, default=None)
    if state.running or state.wake_at is not None or state.paused is not None:
        return []
    if event.waiting:
        reason = f"{event.waiting} experiments wait for one another and can never start"
        return [Say(reason), Finish(ended=True)]
    return [Finish(ended=False)]
