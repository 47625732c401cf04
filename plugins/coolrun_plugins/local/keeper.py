"""The keeper: a process that forks runs, waits for them and outlives the runner."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from coolrun.clock import Clock
from coolrun.results import Claimed, append_exit, has_exit, read_results
from coolrun_plugins.local.channel import Channel, ChannelClosed
from coolrun_plugins.local.forking import fork
from coolrun_plugins.local.messages import (
    CLAIMED,
    FULL,
    UNSEEN,
    Adoption,
    Ending,
    Order,
    failure_of,
)
from coolrun_plugins.local.processes import children, is_alive, watch
from coolrun_plugins.local.spawning import spawn, write_end
from coolrun_plugins.local.task import Task

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.experiment import Source
    from coolrun_plugins.local.messages import ProgramOrder
    from coolrun_plugins.local.surroundings import Surroundings


LEAVE = 1.0  # seconds for the own keeper of an adopted run to write how that ended
LOOK = 0.02


class Keeper:
    """Serves one runner until that has gone and nothing runs any more.

    Waits in one place, for the runner, for the end of a child and for the nearest deadline.
    """

    def __init__(self, channel: Channel, surroundings: Surroundings, config: Config) -> None:
        self._channel = channel
        self._surroundings = surroundings
        self._config = config
        self._clock = Clock()
        self._tasks: dict[int, Task] = {}
        self._sources: dict[int, Source] = {}
        self._endings: list[Ending] = []
        self._is_alone = False
        self._watched: dict[int, Task] = {}
        self._own = children()
        self._wakeup, self._waker = socket.socketpair()
        self._descriptors = [end.fileno() for end in (channel, self._wakeup, self._waker)]

    def serve(self) -> None:
        """Do what the runner asks for. Returns when there is nothing left to do."""
        self._listen_for_children()
        poller = select.poll()
        poller.register(self._wakeup, select.POLLIN)
        while self._tasks or not self._is_alone:
            events = select.POLLIN | (select.POLLOUT if self._channel.has_unsent else 0)
            if not self._is_alone:
                poller.register(self._channel, events)
            ready = dict(poller.poll(self._timeout()))
            if self._wakeup.fileno() in ready:
                self._wakeup.recv(4096)
            if not self._is_alone and self._channel.fileno() in ready:
                self._listen(poller)
            for descriptor in self._watched.keys() & ready.keys():
                self._end_adopted(descriptor, poller)
            self._wait()
            self._tell()
        self._end_strangers()

    def _listen_for_children(self) -> None:
        self._wakeup.setblocking(False)
        self._waker.setblocking(False)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def _timeout(self) -> float | None:
        due = [task.due for task in self._tasks.values() if task.due is not None]
        if not due:
            return None
        return max(0.0, min(due) - time.monotonic()) * 1000 + 1

    def _listen(self, poller: select.poll) -> None:
        messages, is_open = self._channel.receive()
        for kind, *rest in messages:
            if kind == "submit":
                self._start(rest[0])
            elif kind == "cancel":
                self._cancel(*rest)
            elif kind == "adopt":
                self._adopt(rest[0], poller)
            elif kind == "source":
                self._sources[rest[0]] = rest[1]
        if not is_open:
            self._leave(poller)

    def _leave(self, poller: select.poll) -> None:
        """The runner has gone: what runs may finish, and what it says is kept in its files."""
        self._is_alone = True
        poller.unregister(self._channel)
        self._channel.close()

    # Starting

    def _start(self, orders: list[Order]) -> None:
        reason, warning = self._surroundings.reason_to_start_fresh()
        for order in orders:
            files = self._taken(order.files)
            if len(files) < order.files:
                self._refuse(order, len(files))
            elif order.program is not None:
                self._spawn(order, order.program)
            else:
                self._fork(order, reason or self._surroundings.reason_of(order), warning)
                warning = None
            for number in files:
                os.close(number)

    def _taken(self, count: int) -> list[int]:
        """The open files of the next run, which it inherits, whatever it is."""
        files, self._channel.files[:] = self._channel.files[:count], self._channel.files[count:]
        for number in files:
            os.set_inheritable(number, True)
        return files

    def _refuse(self, order: Order, count: int) -> None:
        """What it cannot inherit may be the lock that keeps others from what it is to use."""
        files = f"it inherits {order.files} open files, of which {count} came"
        started = self._clock.now().isoformat(timespec="seconds")
        ending = Ending(order.token, f"could not be started: {files}", started, 0.0, ())
        self._endings.append(ending)

    def _fork(self, order: Order, fresh: str | None, warning: str | None) -> None:
        started = self._clock.now().isoformat(timespec="seconds")
        begun = time.monotonic()
        try:
            pid = fork(
                order,
                self._sources.get(order.source),
                self._config,
                started=started,
                fresh=fresh is not None,
                closing=(*self._descriptors, *self._watched, *self._channel.files),
            )
        except OSError as error:
            status: int | str = f"could not be started: {error.strerror}"
            if error.filename is not None and error.errno is not None:
                status = error.errno << 8  # as a run says it that cannot make its files
            self._endings.append(Ending(order.token, status, started, 0.0, ()))
            return
        warnings = [warning] if warning else []
        self._tasks[pid] = Task(pid, order.token, order.results, started, begun, warnings=warnings)

    def _spawn(self, order: Order, program: ProgramOrder) -> None:
        """Start a program: a process is created for it that never was a copy of this one."""
        started = self._clock.now().isoformat(timespec="seconds")
        begun = time.monotonic()
        try:
            pid = spawn(order, program, started)
        except Claimed:
            self._endings.append(Ending(order.token, CLAIMED, started, 0.0, ()))
            return
        except OSError as error:
            if error.errno in FULL:
                # As a fork says it that cannot make its files.
                ended = Ending(order.token, error.errno << 8, started, 0.0, ())
                self._endings.append(ended)
                return
            name = error.filename or program.arguments[0]
            reason = f"could not be started: {error.strerror}: {name!r}"
            self._endings.append(Ending(order.token, reason, started, 0.0, ()))
            return
        self._tasks[pid] = Task(pid, order.token, order.results, started, begun, program=program)

    # Adopting

    def _adopt(self, adoptions: list[Adoption], poller: select.poll) -> None:
        """Watch over runs that another keeper has started."""
        started, begun = self._clock.now().isoformat(timespec="seconds"), time.monotonic()
        for adoption in adoptions:
            task = Task(*adoption, started, begun)
            self._tasks[task.pid] = task
            descriptor = watch(task.pid)
            if descriptor is None or not _is_still(adoption):
                task.end(UNSEEN, begun)
            if descriptor is not None:
                self._watched[descriptor] = task
                poller.register(descriptor, select.POLLIN)

    def _end_adopted(self, descriptor: int, poller: select.poll) -> None:
        task = self._watched.pop(descriptor)
        poller.unregister(descriptor)
        os.close(descriptor)
        if task.status is None:
            task.end(UNSEEN, time.monotonic())

    # Ending

    def _cancel(self, tokens: list[str], grace: float) -> None:
        now = time.monotonic()
        wanted = set(tokens)
        for task in self._tasks.values():
            if task.token in wanted:
                task.cancel(grace, now)

    def _wait(self) -> None:
        """Take what has ended, and take the steps that are due."""
        now = time.monotonic()
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in self._tasks:
                self._tasks[pid].end(status, now)
        for task in self._tasks.values():
            task.advance(now)
        ended = [task for task in self._tasks.values() if task.status is not None]
        if not ended:
            return
        mains = {task.pid for task in self._tasks.values() if task.status is None}
        others = children() - mains - self._own
        alone = len(self._tasks) == 1
        for task in ended:
            if self._may_be_told_yet(task, now):
                task.due = now + LOOK
            elif task.is_over(others, alone=alone, now=now):
                del self._tasks[task.pid]
                self._close(task)

    def _may_be_told_yet(self, task: Task, now: float) -> bool:
        """Whether the keeper of an adopted run may be about to write how it ended."""
        if isinstance(task.status, int) or now > task.ended + LEAVE:
            return False
        return not has_exit(Path(task.results), task.token)

    def _close(self, task: Task) -> None:
        assert task.status is not None
        elapsed = task.ended - task.begun
        if task.status == errno.EEXIST << 8 and self._is_elsewhere(task):
            task.status = CLAIMED
        if task.program is not None:
            write_end(task, task.program)
        elif isinstance(task.status, int) and (self._is_alone or task.status != 0):
            self._write_exit(task, elapsed)
        self._endings.append(
            Ending(task.token, task.status, task.started, elapsed, tuple(task.warnings))
        )

    def _is_elsewhere(self, task: Task) -> bool:
        """Whether another process than that of this task does the work, or has done it."""
        return read_results(Path(task.results), task.token).pid not in {0, task.pid}

    def _write_exit(self, task: Task, elapsed: float) -> None:
        """Say in its file how the run ended, for a runner that may be gone before it is told."""
        assert task.status is not None
        failure = failure_of(task.status)
        try:
            path = Path(task.results)
            append_exit(path, task.token, failure, task.started, elapsed, pid=task.pid)
        except OSError as error:
            task.warnings.append(f"its exit could not be written: {error.strerror}")

    def _tell(self) -> None:
        if self._is_alone:
            return
        endings, self._endings = self._endings, []
        try:
            if endings:
                self._channel.post(("endings", endings))
            else:
                self._channel.flush()
        except ChannelClosed:
            # The next look at the channel finds that the runner has gone; exits are in the files.
            return

    def _end_strangers(self) -> None:
        """Kill what no run was known to own: whatever it is, a run of ours has started it."""
        while strangers := children() - self._own:
            for pid in strangers:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            os.waitpid(-1, 0)


def _is_still(adoption: Adoption) -> bool:
    """Whether the number was not given to another process before this one watched it."""
    pid, token, results = adoption
    return is_alive(pid, token, results) or read_results(Path(results), token).is_there


def _nothing(number: int, frame: object) -> None:
    """A handler has to exist for the descriptor to be written to."""
