"""What people type by mistake is told with what they probably meant."""

from __future__ import annotations

import pytest

from coolrun.testing import Project

STUDY = {
    "work.py": "def main(exp):\n    exp.ACC = exp.lr\n",
    "experiment.yaml": "Module: work\nlr: 1\n---\nName: a\n---\nName: b\n",
}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("resume", "--resume"),
        ("--dry-run", "--dry"),
        ("--dryy", "--dry"),
        ("status", "`coolrun status`"),
        ("stauts", "`coolrun status`"),
        ("--version", "`coolrun --version`"),
        ("other.yaml", "--exp other.yaml"),
    ],
)
@pytest.mark.parametrize("before", [(), ("--exp", "experiment.yaml")])
def test_a_word_that_is_passed_on_may_have_been_meant_for_us(
    project: Project, word: str, meant: str, before: tuple[str, ...]
) -> None:
    project(STUDY)
    if (not before and word in {"status", "--version"}) or (before and word == "other.yaml"):
        return  # then it is what it says
    outcome = project.run(*before, "--dry", word)
    assert f"note: {word!r} is passed on to your program; did you mean {meant}?" in outcome.err


def test_a_word_of_the_programs_own_is_passed_on_in_silence(project: Project) -> None:
    project(STUDY)
    assert "did you mean" not in project.run("--dry", "train", "--epochs", "3").err


def test_a_form_of_the_dry_run_needs_the_dry_run(project: Project) -> None:
    project(STUDY)
    outcome = project.run("--format", "json")
    assert outcome.code == 4
    assert "error: --format goes with --dry" in outcome.err
    assert not outcome.records


def test_a_dry_run_tells_of_what_a_run_would_refuse(project: Project) -> None:
    project({"experiment.yaml": "lr: 1\n---\nName: a\n"})
    outcome = project.run("--dry")
    assert outcome.code == 0
    assert "note: a run would end with this error: experiment.yaml:3:1" in outcome.err
    assert "nothing says what to run" in outcome.err


@pytest.mark.parametrize("flag", ["--debug", "--in-process"])
def test_what_runs_in_this_terminal_cannot_leave_it(project: Project, flag: str) -> None:
    project(STUDY)
    outcome = project.run(flag, "--detach")
    assert outcome.code == 4
    assert "--detach leaves this terminal" in outcome.err


def test_a_resumed_session_says_which_it_is(project: Project) -> None:
    project(STUDY)
    assert project.run("--max-runs", "1").code == 0
    (folder,) = project.path.glob(".coolrun/sessions/*")
    outcome = project.run("--resume")
    assert f"note: session {folder.name} of 'experiment.yaml' goes on: 1 to run" in outcome.err


def test_where_all_is_left_out_of_a_definition_it_is_said_so(project: Project) -> None:
    project({**STUDY, "experiment.yaml": "Module: work\n---\nRepeat: 0\n"})
    outcome = project.run()
    assert outcome.code == 5
    assert "if some are there, each of them expands to none" in outcome.err


def test_a_run_is_kept_by_its_name(project: Project) -> None:
    project(STUDY)
    project.run()
    outcome = project.run("keep", "b")
    assert outcome.code == 0, outcome
    assert list(project.path.glob(".coolrun/sessions/*/runs/0001/kept"))
    outcome = project.run("keep", "c")
    assert outcome.code == 4
    assert "has no run 'c'" in outcome.err


def test_logs_without_a_name_of_their_own_are_found_where_they_lie(project: Project) -> None:
    project(STUDY)
    project.run()
    outcome = project.run("collect", ".")
    assert outcome.code == 5
    assert "lie in hidden folders: coolrun collect .coolrun/sessions" in outcome.err
    assert project.run("collect", ".coolrun/sessions").code == 0


def test_keys_with_commas_between_them_are_told_how_to_be_written(project: Project) -> None:
    project({**STUDY, "experiment.yaml": "Module: work\nlr: 1\nYamlLog: log.yaml\n---\n{}\n"})
    project.run()
    outcome = project.run("filter", "log.yaml", "--keep-keys", "ACC,lr")
    assert "no record has the key 'ACC,lr' (--keep-keys); separate keys by spaces" in outcome.err


def test_a_plugin_that_fails_is_not_taken_for_a_misspelt_one(project: Project) -> None:
    project({**STUDY, "bad.py": "", "bad5.py": "import torchh\n"})
    outcome = project.run("-p", "bad5", "plugins", env={"PYTHONPATH": str(project.path)})
    assert outcome.code == 4
    assert "No module named 'torchh'" in outcome.err
    assert "did you mean" not in outcome.err
