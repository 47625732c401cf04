"""What happens in the process of a run between its fork and its end."""

from __future__ import annotations

import atexit
import ctypes
import errno
import os
import pickle
import signal
import sys
import threading
from typing import TYPE_CHECKING, NoReturn

import coolrun.importing  # noqa: F401 - most runs need it, and would import it one by one
from coolrun.execution import environment_of, perform, prepare
from coolrun.failure import printed
from coolrun.results import Claimed

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.experiment import Source
    from coolrun.run import Run
    from coolrun_plugins.local.messages import Order


_LIBC = ctypes.CDLL(None)


def live(
    order: Order, source: Source | None, config: Config, *, started: str, fresh: bool
) -> NoReturn:
    """Be the process of a run, from just after the fork to the end.

    With `fresh` the run is handed to an interpreter of its own. Where the files of the run cannot
    be written, nothing can be told in them: the exit code is the error number.
    """
    code = 1
    try:
        os.setsid()
        run: Run = pickle.loads(order.pickled)  # noqa: S301 - from the runner, our own process
        run.experiment.source = source
        redirect_output(order.output)
        if fresh:
            _start_fresh(run, config)
        work(run, config, started)
        code = 0
    except Claimed:
        code = errno.EEXIST
    except OSError as error:
        print_failure(error)
        code = error.errno or 1
    except KeyboardInterrupt:
        # Stopped outside of the work itself: it ends as a program does that knows no INT.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException as error:
        print_failure(error)
    finally:
        os._exit(code)
    raise AssertionError  # never reached: `_exit` does not return


def work(run: Run, config: Config, started: str | None = None) -> None:
    """Perform the run in this process, and end as a Python program ends."""
    prepare(run, config)
    reseed()
    interruptible = Interruptible()
    perform(run, config, started=started, within=interruptible)
    with interruptible:
        finish()


class Interruptible:
    """INT, blocked until now, is let through: what it stops is the work, not its record."""

    def __enter__(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def __exit__(self, *failure: object) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def redirect_output(path: str) -> None:
    """Have everything that is printed, by whatever means, go to a file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, flags, 0o666)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    if descriptor > 2:
        os.close(descriptor)


def reseed() -> None:
    """Give the generators seeds of their own, or all forks draw the same numbers.

    `random` sees to itself after a fork.
    """
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()


def finish() -> None:
    """Wait for threads, run what was registered for the exit, and flush, in Python's own order."""
    threading._shutdown()  # type: ignore[attr-defined]  # as `Py_Finalize` does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # closed or replaced by the work
    _LIBC.fflush(None)  # what libraries printed in C


def print_failure(error: BaseException) -> None:
    """Print what went wrong outside of the work itself."""
    try:
        os.write(2, printed(error).encode("utf-8", "backslashreplace"))
    except OSError:
        return  # the exit code is all that can be told


def _start_fresh(run: Run, config: Config) -> NoReturn:
    """Replace this process by an interpreter of its own, which performs the run."""
    from coolrun_plugins.local.fresh import hand_over

    descriptor = hand_over(run, config)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    command = [sys.executable, "-m", "coolrun_plugins.local.fresh", str(descriptor)]
    environment = {**os.environ, **environment_of(run, config)}
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter
