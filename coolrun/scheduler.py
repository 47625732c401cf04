"""What to do next: `decide(state, event) -> actions`. Pure; the session performs the actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from coolrun.run import Exit, Run, Status

GRACE = 10.0  # seconds between INT, TERM and KILL
WINDOW = 2.0  # seconds in which a second Ctrl-C ends the session


# Events


@dataclass(frozen=True)
class Ready:
    """Something may be possible that was not: the session began, or time went by."""

    now: float


@dataclass(frozen=True)
class Submitted:
    """A run was handed to the launcher."""

    run: Run


@dataclass(frozen=True)
class QueueEmpty:
    """Nothing waits any more."""


@dataclass(frozen=True)
class Ended:
    """A run ended."""

    exit: Exit
    now: float


@dataclass(frozen=True)
class Interrupt:
    """A person pressed Ctrl-C."""

    now: float


@dataclass(frozen=True)
class Terminate:
    """The session was told to end: SIGTERM, or a second Ctrl-C."""

    now: float


Event: TypeAlias = Ready | Submitted | QueueEmpty | Ended | Interrupt | Terminate


# Actions


@dataclass(frozen=True)
class Launch:
    """Take up to this many experiments from the queue and submit them."""

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


@dataclass(frozen=True)
class Say:
    """Tell the person."""

    message: str


@dataclass(frozen=True)
class Finish:
    """The session is over."""

    ended: bool


Action: TypeAlias = Launch | Cancel | Close | Say | Finish


@dataclass
class State:
    """What the scheduler knows.

    Attributes:
        capacity: how many may run at once.
        running: by token.
        stopping: the status that a cancelled run will get, by token.
        interrupts: how often Ctrl-C was pressed since the queue last went on.
        resume_at: when the queue goes on after a first Ctrl-C; None while runs still stop.
        ending: nothing more is launched.
    """

    capacity: int = 1
    running: dict[str, Run] = field(default_factory=dict)
    stopping: dict[str, Status] = field(default_factory=dict)
    interrupts: int = 0
    resume_at: float | None = None
    ending: bool = False
    empty: bool = False

    @property
    def held(self) -> bool:
        return self.ending or self.interrupts > 0


def decide(state: State, event: Event) -> list[Action]:
    """Take one event into account and say what has to be done."""
    actions: list[Action] = []
    if isinstance(event, Submitted):
        state.running[event.run.token] = event.run
        return actions
    if isinstance(event, QueueEmpty):
        state.empty = True
    elif isinstance(event, Ended):
        actions += _ended(state, event)
    elif isinstance(event, Interrupt):
        actions += _interrupted(state)
    elif isinstance(event, Terminate):
        actions += _end(state)
    now = getattr(event, "now", None)
    if now is not None:
        actions += _go_on(state, now)
    return actions + _launch_or_finish(state)


def deadline(state: State) -> float | None:
    """When `Ready` has to be told next, on the monotonic clock; None: no need."""
    return state.resume_at


def _ended(state: State, event: Ended) -> list[Action]:
    run = state.running.pop(event.exit.token, None)
    if run is None:
        return []
    stopped = state.stopping.pop(event.exit.token, None)
    status = Status.DONE if event.exit.ok else stopped or Status.FAILED
    return [Close(run, event.exit, status)]


def _interrupted(state: State) -> list[Action]:
    state.interrupts += 1
    if state.ending or state.interrupts > 2:
        state.ending = True
        return [Say("killing what still runs"), Cancel(tuple(state.running), 0.0)]
    if state.interrupts == 2:
        return _end(state)
    for token in state.running:
        state.stopping[token] = Status.INTERRUPTED
    return [Cancel(tuple(state.running), GRACE)] if state.running else []


def _end(state: State) -> list[Action]:
    state.ending = True
    fresh = [token for token in state.running if token not in state.stopping]
    for token in state.running:
        state.stopping[token] = Status.ABORTED
    message = "ending the session"
    if state.running:
        message += "; press Ctrl-C once more to kill what still runs"
    return [Say(message), *([Cancel(tuple(fresh), GRACE)] if fresh else [])]


def _go_on(state: State, now: float) -> list[Action]:
    if state.ending or not state.interrupts or state.running:
        return []
    if state.resume_at is None:
        state.resume_at = now + WINDOW
        return [Say(f"stopped; press Ctrl-C again within {WINDOW:g} seconds to end the session")]
    if now < state.resume_at:
        return []
    state.resume_at, state.interrupts = None, 0
    return [Say("the queue goes on")]


def _launch_or_finish(state: State) -> list[Action]:
    if state.running and (state.held or state.empty):
        return []
    if state.ending:
        return [Finish(ended=True)]
    if state.held:
        return []
    if state.empty:
        return [] if state.running else [Finish(ended=False)]
    free = state.capacity - len(state.running)
    return [Launch(free)] if free > 0 else []
