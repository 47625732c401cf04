"""OMP_NUM_THREADS where GPUs are handed out: the CPUs, divided among the runs that go on at once.

Otherwise each of them would start as many threads as there are CPUs. What a person has set stays.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Lease, Run, Session

VARIABLE = "OMP_NUM_THREADS"


@hookimpl(tryfirst=True)
def coolrun_launch(config: Config) -> None:
    """Set it before there is a process that runs are forked from, if that preloads anything.

    Libraries read it when they are loaded: given to a run later, it would cost an interpreter of
    its own.
    """
    if config.ending or VARIABLE in os.environ or not (is_managed(config) and _preloads(config)):
        return
    count = _runs_at_once(config)
    if count is not None and count > 1:
        os.environ[VARIABLE] = _share(count)
        config.add_cleanup(_take_back)


def _take_back() -> None:
    os.environ.pop(VARIABLE, None)


@hookimpl(trylast=True)
def coolrun_pre_launch(run: Run, session: Session, config: Config) -> Lease | None:
    """Give it to each run where nothing is preloaded: now it is known how many go on at once."""
    if VARIABLE in os.environ or VARIABLE in run.environment:
        return None
    if session.state.capacity == 1 or not is_managed(config) or _preloads(config):
        return None
    from coolrun import Lease

    return Lease(environment={VARIABLE: _share(session.state.capacity)})


def is_managed(config: Config) -> bool:
    """Whether a setting says that GPUs are handed out."""
    gpus, *others = (_setting(config, name) for name in ("gpus", "per_gpu", "resources"))
    return gpus != "none" and any(value is not None for value in (gpus, *others))


def _preloads(config: Config) -> bool:
    return bool(_setting(config, "preload")) and _setting(config, "isolate") == "fork"


def _runs_at_once(config: Config) -> int | None:
    """As far as the settings alone tell: which GPUs there are is not known yet."""
    from coolrun.cgroups import usable_cpus

    counts = []
    if config.origin("jobs") != "default":
        jobs = config.setting("jobs")
        counts.append(jobs if isinstance(jobs, int) else usable_cpus())
    gpus, resources = _setting(config, "gpus"), _setting(config, "resources")
    if resources is not None:
        counts.append(len(resources))
    elif isinstance(gpus, (list, tuple)):
        counts.append(len(gpus) * (_setting(config, "per_gpu") or 1))
    return min(counts, default=None)


def _share(count: int) -> str:
    from coolrun.cgroups import usable_cpus

    return str(max(1, usable_cpus() // count))


def _setting(config: Config, name: str) -> Any:
    return config.setting(name) if config.declares_setting(name) else None
