"""`coolrun errors`: the failures of a session, grouped."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from coolrun.display import numbers, shortened, shown, visible
from coolrun.streams import write
from coolrun_plugins.failures.groups import Group, groups, standing_of

if TYPE_CHECKING:
    from coolrun import Config, Run
    from coolrun.standing import Standing


def list_errors(config: Config) -> int:
    """Print the groups and return 0."""
    standing = standing_of(config)
    found = groups(standing.past)
    if config.option("json"):
        documents = [_document(group, standing) for group in found]
        write(sys.stdout, json.dumps(documents, indent=2) + "\n")
        return 0
    if not found:
        write(sys.stdout, f"session {standing.folder.name}: nothing has failed\n")
        return 0
    for group in found:
        write(sys.stdout, "\n".join(_lines(group, standing, config)) + "\n")
    total = sum(len(group.attempts) for group in found)
    some = "run" if total == 1 else "runs"
    kinds = "1 cause" if len(found) == 1 else f"{len(found)} causes"
    write(sys.stdout, f"session {standing.folder.name}: {total} {some} failed, {kinds}\n")
    write(sys.stdout, f"next: coolrun retry {standing.folder.name} --group {found[0].number}\n")
    return 0


def _lines(group: Group, standing: Standing, config: Config) -> list[str]:
    attempt = group.attempts[0]
    run = standing.run(attempt)
    positions = (attempt.position for attempt in group.attempts)
    name = shown(run.experiment.name, 40)
    example = visible(attempt.failure or str(attempt.status))
    lines = [
        f"group {group.number}: {len(group.attempts)} x  {visible(group.cause)}",
        f"  runs: {numbers(positions, 8)}",
        f"  such as {attempt.position} {name}: {shortened(example, 300)}",
    ]
    if run.output.exists():
        lines.append(f"  output: {_path(run, config)}")
    return lines


def _document(group: Group, standing: Standing) -> Mapping[str, object]:
    attempt = group.attempts[0]
    run = standing.run(attempt)
    return {
        "group": group.number,
        "cause": group.cause,
        "count": len(group.attempts),
        "positions": [each.position for each in group.attempts],
        "example": {
            "run_id": run.id,
            "name": run.experiment.name,
            "status": str(attempt.status),
            "failure": attempt.failure,
            "output": str(run.output),
        },
    }


def _path(run: Run, config: Config) -> str:
    relative = os.path.relpath(run.output, config.cwd)
    return shlex.quote(str(run.output) if relative.startswith("..") else relative)
