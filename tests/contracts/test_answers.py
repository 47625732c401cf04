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


@pytest.mark.parametrize(
    ("hook", "answer", "said"),
    [
        (
            "coolrun_launch()",
            "'ssh'",
            "'ssh' (expected a Launcher or None): it has no submit, fileno, poll, cancel, attach",
        ),
        ("coolrun_queue()", "[]", "[] (expected a Queue or None): it has no put, refresh, waiting"),
    ],
)
def test_what_is_no_launcher_or_queue_is_told_with_what_it_lacks(
    project: Project, hook: str, answer: str, said: str
) -> None:
    outcome = answered(project, hook, answer)
    assert outcome.code == 3
    assert f"plugin 'odd' answered {hook[:-2]} with {said}" in outcome.err
    assert "leave it out: -p no:odd" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_launcher_that_lacks_one_function_is_told_before_anything_is_made(
    project: Project,
) -> None:
    names = ("submit", "fileno", "poll", "cancel", "attach")
    answer = f"type('Half', (), dict.fromkeys({names}, print))()"
    outcome = answered(project, "coolrun_launch()", answer)
    assert "(expected a Launcher or None): it has no close\n" in outcome.err
    assert not (project.path / ".coolrun").exists()


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("ValueError('no such\\nunit')", "ValueError: no such unit in 'convert(1)'\n"),
        ("LookupError", "LookupError in 'convert(1)'\n"),
        ("OSError('x' * 1000)", f"OSError: {'x' * 200}"),
    ],
)
def test_a_function_of_expressions_that_fails_says_why(
    project: Project, raised: str, said: str
) -> None:
    plugin = f"def convert(value):\n    raise {raised}\n\n\n@hookimpl\ndef coolrun_names():\n"
    plugin = f"from coolrun import hookimpl\n\n\n{plugin}    return {{'convert': convert}}\n"
    project(
        {
            "odd.py": plugin,
            "experiment.yaml": "Command: 'true'\n---\nx: parse convert(1)\n",
        }
    )
    outcome = project.run("-p", "odd", "--dry", env={"PYTHONPATH": str(project.path)})
    assert outcome.code == 4
    assert f"convert() failed: {said}" in outcome.err
