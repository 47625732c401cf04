"""What happens in the process of a run between its fork and its end."""

from __future__ import annotations

import atexit
import ctypes
import errno
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import coolrun.importing  # noqa: F401 - most runs need it, and would import it one by one
from coolrun.execution import settle
from coolrun.failure import printed
from coolrun.results import Claimed
from coolrun_plugins.local.surroundings import own_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coolrun.config import Config
    from coolrun.execution import Performance
    from coolrun.run import Run


# What `signal` calls, without the enums that it makes of all numbers: 40 pages of memory.
_signal = vars(signal)["_signal"]
_BLOCK, _UNBLOCK = int(signal.SIG_BLOCK), int(signal.SIG_UNBLOCK)
_INT, _CHLD, _DEFAULT = (int(signal.SIGINT),), int(signal.SIGCHLD), int(signal.SIG_DFL)
_fflush = ctypes.CDLL(None).fflush  # looked up once, before any fork


def live(
    run: Run,
    performance: Performance | None,
    config: Config,
    environment: Mapping[bytes, bytes],
    *,
    output: int,
    closing: Iterable[int],
) -> NoReturn:
    """Be the process of a run, from just after the fork to the end.

    Without a `performance` the run is handed to an interpreter of its own. Where the files of the
    run cannot be written, nothing can be told in them: the exit code is the error number.
    """
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        _signal.signal(_CHLD, _DEFAULT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for number in (output, *closing):
            os.close(number)
        own_environment().update(environment)
        for name, value in environment.items():
            os.putenv(name, value)
        if performance is None:
            _start_fresh(run, config)
        work(run, performance, config)
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


def work(run: Run, performance: Performance, config: Config) -> None:
    """Perform the run in this process, and end as a Python program ends."""
    settle(run, config)
    reseed()
    interruptible = Interruptible()
    performance.perform(interruptible)
    with interruptible:
        finish()


class Interruptible:
    """INT, blocked until now, is let through: what it stops is the work, not its record."""

    def __enter__(self) -> None:
        _signal.pthread_sigmask(_UNBLOCK, _INT)

    def __exit__(self, *failure: object) -> None:
        _signal.pthread_sigmask(_BLOCK, _INT)


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
    if sys.modules.get("threading") is not None:
        sys.modules["threading"]._shutdown()  # as `Py_Finalize` does
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # closed or replaced by the work
    _fflush(None)  # what libraries printed in C


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
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter
