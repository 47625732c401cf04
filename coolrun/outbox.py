"""Messages to elsewhere, delivered one after another while nobody waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from coolrun.clock import Clock
from coolrun.concealment import concealed

if TYPE_CHECKING:
    from coolrun.session import Session

Message = TypeVar("Message")

CLOSING = 5.0  # seconds that the end of a session waits for what is still to be delivered
PATIENCE = 900.0  # seconds for which the delivery of one message is tried again
ROOM = 100  # messages that wait; with more the oldest is given up
LONGEST_PAUSE = 60.0  # seconds between two tries where the receiver names no time
TOGETHER = "outboxes"
LOOK = 1.0  # seconds until a person is told what went wrong


class Later(Exception):
    """It could not be delivered now: try again, where `seconds` are given after that time."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class Undelivered(Exception):
    """It is not going to be delivered, for the reason that is the first argument."""


class Outbox(Generic[Message]):
    """Delivers messages in a thread of its own, in their order.

    `put` returns at once, whatever the receiver does. A message is tried again after `Later` and
    after an OSError, and given up after anything else that `deliver` raises. Each reason for which
    one was given up is told once, in one line.

    Args:
        name: the receiver, as messages to a person name it.
        deliver: delivers one message; called in the thread, and has to end by itself.
        tell: is told what went wrong, in the thread that calls `look` or `close`.
        secrets: texts that are blanked in what is told.
        patience: seconds for which the delivery of one message is tried again.
        room: how many messages may wait, at least 2.
    """

    def __init__(
        self,
        name: str,
        deliver: Callable[[Message], object],
        tell: Callable[[str], None],
        *,
        secrets: Sequence[str] = (),
        patience: float = PATIENCE,
        room: int = ROOM,
        clock: Clock | None = None,
    ) -> None:
        self._name = name
        self._deliver = deliver
        self._tell = tell
        self._secrets = secrets
        self._patience = patience
        self._room = room
        self._clock = clock or Clock()
        self._changed = threading.Condition()
        self._waiting: deque[Message] = deque()
        self._given_up: list[str] = []
        self._told: set[str] = set()
        self._trouble = ""  # why the first of those that wait was not delivered yet
        self._not_before = 0.0  # when the receiver may be tried again, and why not before
        self._why_not_before = ""
        self._end: float | None = None  # when nothing more is tried
        self._within = CLOSING
        self._thread: threading.Thread | None = None

    @classmethod
    def of(
        cls,
        session: Session,
        name: str,
        deliver: Callable[[Message], object],
        secrets: Sequence[str] = (),
        patience: float = PATIENCE,
    ) -> Outbox[Message]:
        """An outbox that a session looks after: it tells what went wrong, and closes it.

        Make it when the session starts: the processes of runs are not made of a process with
        threads then.
        """
        outbox = cls(name, deliver, session.config.warn, secrets=secrets, patience=patience)
        session.every(LOOK, outbox.look)
        manager = session.config.pluginmanager
        together: Together | None = manager.get_plugin(TOGETHER)
        if together is None:
            together = Together()
            manager.register(together, TOGETHER)
            session.config.add_cleanup(together.close)
        together.outboxes.append(outbox)
        return outbox

    def put(self, message: Message) -> None:
        """Have a message delivered as soon as those before it are."""
        with self._changed:
            if self._end is not None:
                return
            if len(self._waiting) >= self._room:
                del self._waiting[1]  # the first may be under way
                self._given_up.append(f"more than {self._room} were waiting")
            self._waiting.append(message)
            self._changed.notify_all()
            if self._thread is None:
                # A daemon: a receiver that never answers does not keep the process from ending.
                self._thread = threading.Thread(
                    target=self._work, name=f"outbox {self._name}", daemon=True
                )
                self._thread.start()

    def look(self) -> None:
        """Tell what was given up since the last look."""
        with self._changed:
            reasons = [r for r in dict.fromkeys(self._given_up) if r not in self._told]
            self._given_up.clear()
            self._told.update(reasons)
        for reason in reasons:
            self._say("a message was not sent", reason)

    def hurry(self, within: float) -> None:
        """Take no more messages, and try to deliver those that wait for so many seconds only."""
        with self._changed:
            if self._end is None:
                self._end, self._within = self._clock.monotonic() + within, within
                self._changed.notify_all()

    def close(self, within: float = CLOSING) -> None:
        """Wait for what is still to be delivered, at most so many seconds, and tell what is not.

        They count from `hurry`, if that was called before. Ctrl-C ends the waiting.
        """
        self.hurry(within)
        if self._thread is not None and self._end is not None:
            try:
                self._thread.join(max(0.0, self._end - self._clock.monotonic()))
            except KeyboardInterrupt:
                self._trouble = "interrupted"
        self.look()
        with self._changed:
            left, reason = len(self._waiting), self._trouble
            self._waiting.clear()
            self._end = self._clock.monotonic()
            self._changed.notify_all()
        if left:
            some = "a message was" if left == 1 else f"{left} messages were"
            self._say(f"{some} not sent", reason or f"no answer within {self._within:g} seconds")

    def _say(self, what: str, reason: str) -> None:
        line = " ".join(concealed(f"{self._name}: {what}: {reason}", self._secrets).split())
        self._tell(line[:300])

    # In the thread

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._end is not None:
                        return
                    self._changed.wait()
                message = self._waiting[0]
            if not self._settled(message):
                return  # it is counted with those behind it
            with self._changed:
                self._trouble = ""
                if self._waiting:  # it has not been given up meanwhile
                    self._waiting.popleft()

    def _settled(self, message: Message) -> bool:
        """Try until it is delivered or given up; False if all ends before."""
        pause, give_up = 1.0, self._clock.monotonic() + self._patience
        while True:
            with self._changed:
                if self._not_before > give_up:
                    self._given_up.append(self._why_not_before)
                    return True
                if not self._paused():
                    return False
            try:
                self._deliver(message)
                return True
            except Later as later:
                reason, wait = later.reason, later.seconds
            except OSError as error:
                reason, wait = _reason(error), None
            except (Exception, SystemExit) as error:
                # A stranger's mistake is told; the next message may be another matter.
                known = isinstance(error, Undelivered)
                text = str(error) if known else f"{type(error).__name__}: {error}"
                with self._changed:
                    self._given_up.append(text)
                return True
            if wait is None:
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE)
            with self._changed:
                self._not_before = self._clock.monotonic() + wait
                self._trouble = self._why_not_before = reason

    def _paused(self) -> bool:
        """Wait until one may try again; False if all ends before."""
        while True:
            now = self._clock.monotonic()
            if self._end is not None and max(now, self._not_before) > self._end:
                return False
            left = self._not_before - now
            if left <= 0:
                return True
            self._changed.wait(min(left, LONGEST_PAUSE))


class Together:
    """The outboxes of one session: at its end all of them have the time that one has."""

    def __init__(self) -> None:
        self.outboxes: list[Outbox[Any]] = []

    def close(self, within: float = CLOSING) -> None:
        """Close all of them; Ctrl-C ends the waiting for one."""
        for outbox in self.outboxes:
            outbox.hurry(within)
        for outbox in self.outboxes:
            outbox.close()


def _reason(error: OSError) -> str:
    cause = getattr(error, "reason", error)  # of an error of urllib
    if isinstance(cause, TimeoutError):
        return "it did not answer in time"
    return str(getattr(cause, "strerror", None) or cause) or type(cause).__name__
