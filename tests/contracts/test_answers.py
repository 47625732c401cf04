"""What a stranger's plugin answers by mistake is told with its name, and nothing waits for ever."""

from __future__ import annotations

import pytest

from coolrun.testing import Outcome, Project

DEFINITION = "Command: 'true'\n---\nName: first\n"
PLUGIN = "from coolrun import hookimpl\n\n\n@hookimpl\ndef {}:\n    return {}\n"


def answered(project: Project, hook: str, answer: str) -> Outcome:
    project({"experiment.yaml": DEFINITION, "odd.py": PLUGIN.format(hook, answer)})
    return project.run("-p", "odd", env={"PYTHONPATH": str(project.path)}, timeout=30)


@pytest.mark.parametrize("answer", ["0", "-1", "'many'", "1.5"])
def test_a_capacity_that_would_start_nothing_is_refused(project: Project, answer: str) -> None:
    outcome = answered(project, "coolrun_capacity()", answer)
    assert outcome.code == 3
    assert outcome.err == (
        f"error: plugin 'odd' answered coolrun_capacity with {answer} "
        "(expected a positive whole number or None)\n  leave it out: -p no:odd\n"
    )


def test_what_is_no_lease_is_refused_before_the_run_starts(project: Project) -> None:
    outcome = answered(project, "coolrun_pre_launch()", "{'A': '1'}")
    assert outcome.code == 3
    assert "plugin 'odd' answered coolrun_pre_launch with {'A': '1'} (expected a Lease" in (
        outcome.err
    )
    assert "Traceback" not in outcome.err
    assert outcome.records == []


@pytest.mark.parametrize("answer", ["None", "2"])
def test_a_proper_answer_is_taken(project: Project, answer: str) -> None:
    assert answered(project, "coolrun_capacity()", answer).code == 0


def test_experiments_that_are_no_list_are_told_with_the_plugin(project: Project) -> None:
    outcome = answered(project, "coolrun_expand()", "3")
    assert outcome.code == 3
    assert "plugin 'odd' failed in coolrun_expand: TypeError" in outcome.err
    assert outcome.err.endswith("-p no:odd\n")
