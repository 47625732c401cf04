"""`coolrun gpus`: which GPUs there are, who holds them, and why one is not free."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from coolrun.display import cells, shortened, shown, visible
from coolrun.streams import write
from coolrun_plugins.gpu.needs import in_words
from coolrun_plugins.gpu.survey import Surveyed, survey

if TYPE_CHECKING:
    from coolrun import Config
    from coolrun_plugins.gpu.devices import Gpu
    from coolrun_plugins.gpu.processes import Process

WIDTH = 100  # columns, where there is no terminal
HEADINGS = ("#", "GPU", "memory", "busy", "state")
RIGHT = {"#", "memory", "busy"}
NARROWEST = 8  # columns of a GPU's name
UUID = "uuid"


def show(config: Config) -> int:
    """Print the GPUs and return 0."""
    inventory = config.pluginmanager.ask("coolrun_gpu_inventory", config=config)
    if inventory is None:
        return _nothing("no driver was found", config)
    with closing(inventory):
        gpus = inventory.look()
    if not gpus:
        return _nothing("the driver knows of none", config)
    found = survey(gpus, config)
    if config.option("json"):
        write(sys.stdout, json.dumps([_document(one) for one in found], indent=2) + "\n")
    else:
        width = shutil.get_terminal_size((WIDTH, 24)).columns
        write(sys.stdout, "".join(f"{line}\n" for line in lines(found, width)))
    return 0


def lines(found: Sequence[Surveyed], width: int) -> Iterator[str]:
    """The GPUs as a table, at most `width` columns wide; below each who holds it."""
    rows = [[*HEADINGS, UUID], *([*_cells(one.gpu), one.state, one.gpu.uuid] for one in found)]
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        widths.pop()
        room = width - sum(widths) - 2 * (len(widths) - 1)
        widths[1] = max(NARROWEST, widths[1] + min(0, room))
    yield _line(rows[0], widths, width)
    for row, one in zip(rows[1:], found, strict=True):
        yield _line(row, widths, width)
        for text in _below(one, with_uuid=len(widths) == len(HEADINGS)):
            yield shortened(f"   {visible(text)}", width)


def _nothing(reason: str, config: Config) -> int:
    write(sys.stdout, "[]\n" if config.option("json") else f"no GPUs: {reason}\n")
    return 0


def _cells(gpu: Gpu) -> list[str]:
    index = str(gpu.index) if gpu.index >= 0 else "-"
    used = f"{_gib(gpu.used)} / {_gib(gpu.memory)} GiB" if gpu.memory else ""
    busy = "" if gpu.utilisation is None else f"{gpu.utilisation:.0f} %"
    return [index, visible(gpu.name), used, busy]


def _gib(amount: int) -> str:
    return f"{amount / (1 << 30):.1f}"


def _line(row: Sequence[str], widths: Sequence[int], width: int) -> str:
    columns = []
    for text, room, heading in zip(row, widths, (*HEADINGS, UUID), strict=False):
        padding = " " * (room - cells(text))
        text = shortened(text, room)
        columns.append(padding + text if heading in RIGHT else text + padding)
    return shortened("  ".join(columns).rstrip(), width)


def _below(one: Surveyed, *, with_uuid: bool) -> Iterator[str]:
    """What the table does not say: how to name a slice, why it is not free, and who holds it."""
    if with_uuid and one.gpu.part_of:
        yield one.gpu.uuid
    told_by_processes = one.state == "taken" and one.lease is None and one.processes
    if one.reason is not None and not told_by_processes:
        yield one.reason
    yield from map(_held, one.processes)
    busy = {process.run_id for process in one.processes}
    for run_id, name in one.runs:
        if run_id not in busy:
            yield f"{_run(run_id, name)} (it has the lease, and no process there)"


def _held(process: Process) -> str:
    taken = "" if process.memory is None else f", {in_words(process.memory)}"
    if process.run_id:
        return f"{_run(process.run_id, process.name)} (process {process.pid}{taken})"
    person = f" of {process.user}" if process.user else ""
    command = f": {process.command}" if process.command else ""
    return f"process {process.pid}{person}{taken}{command}"


def _run(run_id: str, name: str) -> str:
    return f"run {run_id} {shown(name, 24)}" if name else f"run {run_id}"


def _document(one: Surveyed) -> dict[str, object]:
    """A GPU for programs. Memory is bytes, utilisation percent."""
    gpu = one.gpu
    return {
        "index": gpu.index if gpu.index >= 0 else None,
        "uuid": gpu.uuid or None,
        "name": gpu.name,
        "part_of": gpu.part_of,
        "memory": gpu.memory or None,
        "used": gpu.used,
        "utilisation": gpu.utilisation,
        "state": one.state,
        "reason": one.reason,
        "lease": one.lease,
        "runs": [{"run_id": run_id, "name": name} for run_id, name in one.runs],
        "processes": [
            {
                "pid": process.pid,
                "memory": process.memory,
                "user": process.user or None,
                "command": process.command or None,
                "run_id": process.run_id,
                "name": process.name or None,
            }
            for process in one.processes
        ],
    }
