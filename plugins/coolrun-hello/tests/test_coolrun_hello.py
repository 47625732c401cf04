"""What the plugin does, seen from outside: the real command is run in a folder of its own."""

from __future__ import annotations

from coolrun.testing import Project


def test_it_says_the_text_of_an_experiment_that_has_ended(project: Project) -> None:
    project({"experiment.yaml": "Command: 'true'\n---\nHello: it is over\n---\nName: silent\n"})
    outcome = project.run()
    assert outcome.code == 0
    assert outcome.err.count("hello: ") == 1
    assert "hello: it is over (done)" in outcome.err


def test_it_is_listed(project: Project) -> None:
    assert "hello" in project.run("plugins").out
