"""Whether the GPUs that there are could ever give a run what it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from coolrun import DefinitionError
from coolrun_plugins.gpu.needs import GPUS, MEMORY, Need, in_words
from coolrun_plugins.gpu.settings import LOOK
from coolrun_plugins.gpu.slots import is_possible

if TYPE_CHECKING:
    from coolrun_plugins.gpu.fleet import Fleet


def problem_of(need: Need, fleet: Fleet) -> DefinitionError | None:
    """Why a run can never have what it needs, or None; `key` is the one to correct."""
    entries, memory = fleet.entries_for(need), fleet.memory
    if not need.count or is_possible(need, entries, memory):
        return None
    wanted = "a GPU" if need.count == 1 else f"{need.count} GPUs"
    if not memory:
        return DefinitionError(
            f"it needs {wanted}, and there is none: {fleet.why_none}",
            key=GPUS,
            cure=f"write `{GPUS}: 0` where none is needed; `--gpus none` leaves GPUs alone",
        )
    if not is_possible(replace(need, memory=None), entries, memory):
        number = len({uuid for entry in entries for uuid in entry.gpus} & memory.keys())
        there = "there is 1" if number == 1 else f"there are {number}"
        slices = "" if len(entries) == len(fleet.entries) else " besides slices"
        message, key = f"it needs {wanted}, and {there} to hand out{slices}", GPUS
        if any(len(entry.gpus) > 1 for entry in entries):
            message += ", of which each entry of 'resources' takes several"
    else:
        needed = f"{wanted} with {in_words(need.memory or 0)}"
        message = f"it needs {needed}, and the largest has {in_words(max(memory.values()))}"
        key = MEMORY
    return DefinitionError(message + fleet.lost, key=key, cure=LOOK)
