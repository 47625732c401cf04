"""All GPUs with whoever holds them, and why one is not free."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coolrun.errors import SessionError, UsageError
from coolrun_plugins.gpu.confinement import VISIBLE, confined
from coolrun_plugins.gpu.locks import locks_of_this_machine
from coolrun_plugins.gpu.processes import Process, Processes
from coolrun_plugins.gpu.underway import RunsUnderWay
from coolrun_plugins.gpu.usage import card_of

if TYPE_CHECKING:
    from coolrun import Config
    from coolrun_plugins.gpu.devices import Gpu


@dataclass(frozen=True)
class Surveyed:
    """A GPU, and what a person wants to know of it.

    Attributes:
        lease: who has leased it, in words; None: nobody.
        runs: the RUN_ID and the name of each run that it is leased to, as far as the sessions of
            this folder tell.
        state: `free`, `taken`, `hidden` (this process may not use it) or `broken`.
        reason: why it is not free; None for one that is.
    """

    gpu: Gpu
    processes: Sequence[Process]
    lease: str | None
    runs: Sequence[tuple[str, str]]
    state: str
    reason: str | None


def survey(gpus: Sequence[Gpu], config: Config) -> list[Surveyed]:
    """Find out about each GPU what there is to know."""
    under_way, locks = RunsUnderWay.of(config.cwd), locks_of_this_machine()
    processes = Processes(under_way)
    visible, tolerance = _visible(gpus, config.warn), config.setting("gpu_tolerance")
    found = []
    for gpu in gpus:
        hidden, lease = gpu not in visible, None
        try:
            lease = locks.holder(gpu.uuid) if gpu.uuid else None
        except SessionError as error:
            gpu = replace(gpu, trouble=gpu.trouble or error.message)  # no run can lease it
        leased = under_way.leases.get(gpu.uuid, ())
        runs = [(run_id, under_way.names[run_id]) for run_id in leased]
        state, reason = _state(gpu, lease, tolerance, hidden=hidden)
        held = [processes.of(holder) for holder in gpu.holders]
        found.append(Surveyed(gpu, held, lease, runs, state, reason))
    return found


def _visible(gpus: Sequence[Gpu], warn: Callable[[str], None]) -> Sequence[Gpu]:
    try:
        return confined(gpus, os.environ)
    except UsageError as error:
        # Whoever mends this needs the uuids that are shown here.
        warn(str(error))
        return gpus


def _state(
    gpu: Gpu, lease: str | None, tolerance: float, *, hidden: bool
) -> tuple[str, str | None]:
    if gpu.trouble is not None:
        return "broken", gpu.trouble
    if hidden:
        return "hidden", f"{VISIBLE} leaves it to others"
    if lease is not None:
        return "taken", f"leased to {lease}"
    card = card_of(gpu, gpu.holders, ours=False, just_left=False, tolerance=tolerance)
    return ("free", None) if card.obstacle is None else ("taken", card.obstacle)
