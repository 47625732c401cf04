"""Runs that are Python functions: forked from the keeper, which gets them ready.

What a run costs is the memory that is touched: each page costs about two microseconds when it is
first written to after a fork, on either side. So everything here does as little as it can, and
what can be done before the fork is, by code that has run before.
"""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

from coolrun.execution import Performance
from coolrun_plugins.local.child import live
from coolrun_plugins.local.spawning import open_output

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coolrun.config import Config
    from coolrun.experiment import Source
    from coolrun.run import Run
    from coolrun_plugins.local.messages import Order


def fork(
    order: Order,
    source: Source | None,
    config: Config,
    *,
    started: str,
    fresh: bool,
    closing: Iterable[int],
) -> int:
    """Start the process of a run, which closes the descriptors `closing`; its number.

    With `fresh` it hands the run to an interpreter of its own.

    Raises:
        OSError: there can be no more processes, or the output file cannot be made.
    """
    run: Run = pickle.loads(order.pickled)  # noqa: S301 - from the runner, our own process
    run.experiment.source = source
    output = open_output(order.output)
    try:
        # Its results file is made by its own process: whoever has that open is the run.
        performance = None if fresh else Performance(run, config, started)
        pid = os.fork()
        if pid == 0:
            live(run, performance, config, order.environment, output=output, closing=closing)
    finally:
        os.close(output)
    return pid
