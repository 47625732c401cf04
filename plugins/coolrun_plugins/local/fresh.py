"""`python -m coolrun_plugins.local.fresh N`: one run in an interpreter of its own."""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.run import Run


def hand_over(run: Run, config: Config) -> int:
    """Keep all that the other interpreter needs in a file without a name; its descriptor."""
    from coolrun.handover import task

    with task(run, config) as file:
        descriptor = os.dup(file.fileno())
    os.set_inheritable(descriptor, True)
    return descriptor


def take_over(descriptor: int) -> tuple[Run, Config]:
    """The run and a Config like the one it was handed over with."""
    from coolrun.handover import unpack

    with os.fdopen(descriptor, "rb") as file:
        return unpack(file.read())


def main() -> None:
    """Perform the run and end this process."""
    from coolrun.execution import Performance
    from coolrun.results import Claimed
    from coolrun_plugins.local.child import print_failure, work
    from coolrun_plugins.local.surroundings import open_streams, put_first

    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        run, config = take_over(int(sys.argv[1]))
        put_first(str(config.cwd))
        open_streams()
        # The environment of the run is there: this interpreter was started with it.
        work(run, Performance(run, config), config)
        code = 0
    except Claimed:
        code = errno.EEXIST
    except OSError as error:
        print_failure(error)
        code = error.errno or 1
    except Exception as error:
        print_failure(error)
    os._exit(code)


if __name__ == "__main__":
    main()
