"""Strangers' plugins, really installed by pip: one that works and one that fails on import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coolrun.testing import Outcome, Project

STRANGERS = Path(__file__).parents[1] / "strangers"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-build-isolation", "--no-deps", "--target", str(folder)]
    packages = [str(STRANGERS / "coolrun-works"), str(STRANGERS / "coolrun-broken")]
    done = subprocess.run([*pip, *options, *packages], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(project: Project, site: Path, *args: str) -> Outcome:
    return project.run(*args, env={"PYTHONPATH": str(site)})


def test_a_strangers_command_is_there_and_in_the_help(project: Project, site: Path) -> None:
    assert run(project, site, "greet", "--loud").out == "HELLO\n"
    assert "greet" in run(project, site, "--help").out


def test_the_broken_one_is_named_with_its_reason_and_its_cure(project: Project, site: Path) -> None:
    outcome = run(project, site, "greet")
    assert outcome.code == 0
    assert (
        "plugin 'broken' (coolrun-broken 0.3) was not loaded: ModuleNotFoundError: "
        "No module named 'a_module_that_nobody_has'; disable it with -p no:broken"
    ) in outcome.err


def test_a_blocked_stranger_says_nothing_and_does_nothing(project: Project, site: Path) -> None:
    outcome = run(project, site, "-p", "no:broken", "greet")
    assert outcome.err == ""


def test_all_are_listed_with_version_and_state(project: Project, site: Path) -> None:
    rows = {r["name"]: r for r in json.loads(run(project, site, "plugins", "--json").out)}
    assert (rows["works"]["origin"], rows["works"]["version"]) == ("coolrun-works", "1.2")
    assert (rows["works"]["state"], rows["broken"]["state"]) == ("loaded", "failed")
    assert rows["works"]["commands"] == ["greet"]
    assert "coolrun_execute" in rows["works"]["hooks"]
    assert "a_module_that_nobody_has" in rows["broken"]["reason"]


def test_its_function_is_known_to_expressions(project: Project, site: Path) -> None:
    project({"a.yaml": "Mood: fine\n---\nx: parse double(21)\n"})
    outcome = run(project, site, "--exp", "a.yaml", "--dry", "--format", "json")
    assert json.loads(outcome.out)[0]["parameters"]["x"] == 42


def test_a_function_that_returns_an_object_is_refused(project: Project, site: Path) -> None:
    project({"a.yaml": "Mood: fine\n---\nx: parse opaque()\n"})
    outcome = run(project, site, "--exp", "a.yaml", "--dry")
    assert outcome.code == 4
    assert "key 'x'" in outcome.err


def test_its_key_runs_without_a_module_of_ours(project: Project, site: Path) -> None:
    project({"a.yaml": "Global: {politeness: 3}\nMood: fine\n---\nMood: great\n"})
    outcome = run(project, site, "--exp", "a.yaml")
    assert [record["FELT"] for record in outcome.records] == ["great"]
    assert outcome.code == 0


def test_its_failing_observer_is_told_once_and_stops_nothing(project: Project, site: Path) -> None:
    project({"a.yaml": "Mood: fine\n---\nRepeat: 3\n"})
    outcome = run(project, site, "--exp", "a.yaml")
    assert [record["STATUS"] for record in outcome.records] == ["done"] * 3
    assert outcome.err.count("plugin 'works' failed in coolrun_post_run: RuntimeError") == 1


def test_what_a_blocked_stranger_would_have_done_is_told_with_its_name(
    project: Project, site: Path
) -> None:
    project({"a.yaml": "Global: {politeness: 3}\nMood: fine\n---\nMood: great\n"})
    outcome = run(project, site, "-p", "no:works", "-p", "no:broken", "--exp", "a.yaml")
    assert outcome.code == 4
    label = "plugin 'works' (coolrun-works 1.2), which is blocked"
    assert f"Global.politeness may belong to {label}" in outcome.err
    assert f"key 'Mood' may belong to {label}" in outcome.err
    assert "nothing says what to run" in outcome.err
    assert "; blocked: 'broken' (coolrun-broken 0.3), 'works' (coolrun-works 1.2)" in outcome.err


def test_a_launcher_that_is_not_there_is_an_error_that_names_what_is_and_what_failed(
    project: Project, site: Path
) -> None:
    project({"a.yaml": "Global: {launcher: broken}\nMood: fine\n---\nMood: great\n"})
    outcome = run(project, site, "--exp", "a.yaml")
    assert outcome.code == 4
    assert (
        "error: a.yaml:1:20: key 'Global.launcher': invalid setting 'broken' (launchers that are "
        "there: 'local'; failed: 'broken' (coolrun-broken 0.3))\n"
    ) in outcome.err
    assert outcome.records == []


def test_without_autoload_only_built_ins_are_there(project: Project, site: Path) -> None:
    environment = {"PYTHONPATH": str(site), "COOLRUN_DISABLE_PLUGIN_AUTOLOAD": "1"}
    outcome = project.run("plugins", "--json", env=environment)
    assert not {"works", "broken"} & {r["name"] for r in json.loads(outcome.out)}
    named = project.run("-p", "works", "greet", env=environment)
    assert named.out == "hello\n"
