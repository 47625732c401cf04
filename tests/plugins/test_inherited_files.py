"""Open files that plugins lend to runs: each run gets all of its own, or does not begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from coolrun.testing import Project

LENDS = """
    import os
    from coolrun import Lease, hookimpl

    @hookimpl
    def coolrun_pre_launch(run):
        name = f"lent.{run.experiment.position}"
        lent = [os.open(name, os.O_RDWR | os.O_CREAT) for _ in range(int(os.environ["LENT"]))]
        return Lease(descriptors=tuple(lent), release=lambda: [os.close(n) for n in lent] and None)
"""
COUNTS = """
    import os

    def main(exp):
        names = [os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")]
        lent = [os.path.basename(name) for name in names if "lent." in name]
        exp.LENT = len(lent)
        exp.OWN = set(lent) == {f"lent.{exp.REP}"}
"""
DEFINITION = "Module: counts\nGlobal: {jobs: 4}\n---\nRepeat: 40\n"


def lend(project: Project, count: int, definition: str = DEFINITION) -> Sequence[Mapping[str, Any]]:
    project({"lends.py": LENDS, "counts.py": COUNTS, "experiment.yaml": definition})
    outcome = project.run("-p", "lends", env={"LENT": str(count), "PYTHONPATH": "."})
    assert len(outcome.records) == 40, outcome
    return outcome.records


@pytest.mark.parametrize("count", [3, 253])
def test_every_run_gets_its_own_files_and_no_others(project: Project, count: int) -> None:
    for record in lend(project, count):
        assert (record["LENT"], record["OWN"]) == (count, True), record


def test_a_run_with_more_files_than_can_be_passed_on_fails_and_says_so(project: Project) -> None:
    for record in lend(project, 254):
        assert record["STATUS"] == "failed"
        expected = "could not be started: it inherits 254 open files, of which 0 came"
        assert record["FAILURE"] == expected


FULL = """
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
"""


def test_a_run_whose_files_find_no_room_does_not_begin_without_them(project: Project) -> None:
    project({"full.py": FULL})
    definition = DEFINITION.replace("jobs: 4", "jobs: 4, preload: [full]")
    for record in lend(project, 30, definition):
        assert record["STATUS"] == "failed"
        assert "it inherits 30 open files, of which " in str(record["FAILURE"])
