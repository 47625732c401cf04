"""A plugin that does the work of the runs of `LauncherSuite`, in whatever interpreter they are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from coolrun import Experiment


@hookimpl(tryfirst=True)
def coolrun_execute(experiment: Experiment, parameters: Any) -> Callable[[], object] | None:
    name = experiment.get("_work")
    if not isinstance(name, str):
        return None
    from coolrun.testing import launchers

    return partial(getattr(launchers, name), parameters)
