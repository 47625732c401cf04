"""Started in another folder than that of the definition, or without saying which one is meant."""

from __future__ import annotations

from coolrun.testing import Project

STUDY = {
    "study/experiment.yaml": "Module: parts.walk\n---\n{}\n",
    "study/parts/__init__.py": "",
    "study/parts/walk.py": "def main(exp):\n    exp.MINE = True\n",
}
INSTALLED = {
    "site/parts/__init__.py": "",
    "site/parts/walk.py": "def main(exp):\n    exp.MINE = False\n",
}


def test_a_module_beside_the_definition_says_where_to_start(project: Project) -> None:
    outcome = project(STUDY).run("--exp", "study/experiment.yaml")
    assert outcome.code == 4
    assert "there is no module 'parts'" in outcome.err
    assert "start coolrun in the folder that holds it, that of the definition" in outcome.err
    assert f"{str(project.path / 'study' / 'parts' / 'walk.py')!r}" in outcome.err


def test_another_module_of_the_same_name_is_not_run_unseen(project: Project) -> None:
    project({**STUDY, **INSTALLED})
    elsewhere = Project(project.path / "work")
    elsewhere.path.mkdir()
    path = {"PYTHONPATH": str(project.path / "site")}
    outcome = elsewhere.run("--exp", "../study/experiment.yaml", env=path)
    study = project.path / "study"
    assert f"not {str(study / 'parts' / 'walk.py')!r}: start coolrun in {str(study)!r}" in (
        outcome.err
    )
    beside = Project(study)
    assert beside.run(env=path).records[0]["MINE"] is True


def test_a_definition_without_exp_is_told(project: Project) -> None:
    project({"experiment.yaml": "Command: 'true'\n---\n{}\n", "other.yaml": ""})
    outcome = project.run("other.yaml", "--dry")
    assert "'other.yaml' is passed on to your program; did you mean --exp other.yaml?" in (
        outcome.err
    )
    named = project.run("--exp", "experiment.yaml", "other.yaml", "--dry")
    assert "did you mean" not in named.err
