"""Drivers that hang: asked in a thread, since nothing ends a call that does not return.

Ctrl-C would not reach a process that waits in such a call, nor would the end of a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from coolrun.errors import SessionError

if TYPE_CHECKING:
    from queue import SimpleQueue

T = TypeVar("T")


class Silent(SessionError):
    """It does not answer, and may do so yet: to be asked again.

    Attributes:
        seconds: for how long.
    """

    def __init__(self, who: str, seconds: float) -> None:
        super().__init__(
            f"{who} has not answered for {max(1, round(seconds))} s",
            cure="see whether `nvidia-smi` answers; where that hangs too, restart the machine",
        )
        self.seconds = seconds


class Questions(Generic[T]):
    """Asks one thing at a time. A question that is open is not asked again.

    Args:
        who: who is asked, as messages name it.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._open: tuple[SimpleQueue[tuple[T | None, BaseException | None]], float] | None = None

    @property
    def is_open(self) -> bool:
        """Whether an answer is still to come."""
        return self._open is not None

    def answer(self, ask: Callable[[], T], patience: float) -> T:
        """What `ask` returns or raises, or what it was asked before comes to.

        Raises:
            Silent: it has not returned within so many seconds. After that nobody waits for it.
        """
        from queue import Empty, SimpleQueue
        from threading import Thread

        if self._open is None:
            answers: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
            self._open = answers, time.monotonic()
            # A daemon: it does not keep this process from ending.
            Thread(target=_put, args=(ask, answers), name=self._who, daemon=True).start()
        else:
            answers, patience = self._open[0], 0.0
        try:
            found, error = answers.get(timeout=patience)
        except Empty:
            raise Silent(self._who, time.monotonic() - self._open[1]) from None
        self._open = None
        if error is not None:
            raise error
        return found  # type: ignore[return-value]  # it is None only if `ask` returns that


def _put(ask: Callable[[], T], answers: SimpleQueue[tuple[T | None, BaseException | None]]) -> None:
    try:
        found = ask()
    except BaseException as error:
        answers.put((None, error))  # raised by whoever asked
    else:
        answers.put((found, None))
