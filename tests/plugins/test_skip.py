"""`Name: skip`: parsed, read by later ones, never launched."""

from __future__ import annotations

import json

import pytest

import coolrun
from coolrun.testing import Project

MODULE = "def main(exp):\n    exp.SEEN = exp.lr\n"


@pytest.fixture
def folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(project.path)
    return project({"mod.py": MODULE})


def plan(folder: Project, text: str, *args: str) -> coolrun.Plan:
    folder({"a.yaml": text})
    return coolrun.plan("a.yaml", args)


def test_later_ones_read_it_and_nobody_runs_it(folder: Project) -> None:
    text = "Module: mod\nlr: 1\n---\nName: skip\nlr: 3\n---\nName: a\nlr: parse E[-1].lr * 2\n"
    outcome = folder({"a.yaml": text}).run("--exp", "a.yaml")
    assert [(r["Name"], r["SEEN"]) for r in outcome.records] == [("a", 6)]
    assert outcome.code == 0


def test_it_keeps_its_number(folder: Project) -> None:
    made = plan(folder, "{}\n---\nName: skip\n---\nName: a\n")
    assert [(e.position, e["Name"]) for e in made.chosen] == [(1, "a")]
    assert made.skipped == {0: "its Name is skip"}


def test_a_computed_name_counts(folder: Project) -> None:
    made = plan(folder, "n: 3\n---\nn: 3\nName: parse 'skip' if n > 2 else 'run'\n")
    assert made.chosen == []


@pytest.mark.parametrize("name", ["Skip", "skipped", "' skip'", "skip me"])
def test_only_the_very_word_counts(folder: Project, name: str) -> None:
    assert len(plan(folder, f"{{}}\n---\nName: {name}\n").chosen) == 1


def test_a_null_name_is_skipped_and_told(folder: Project) -> None:
    folder({"a.yaml": "Module: mod\nlr: 1\n---\nName:\n---\nName: null\n---\nName: a\n"})
    outcome = folder.run("--exp", "a.yaml")
    assert [r["Name"] for r in outcome.records] == ["a"]
    assert "2 experiments are skipped because the Name is null" in outcome.err
    assert "give a Name to run them" in outcome.err


def test_a_null_name_in_the_default_config_skips_all_without_a_name(folder: Project) -> None:
    assert [e.position for e in plan(folder, "Name:\n---\nx: 1\n---\nName: a\n").chosen] == [1]


def test_a_dry_run_says_why(folder: Project) -> None:
    folder({"a.yaml": "Module: mod\nlr: 1\n---\nName: skip\n---\nName: a\n"})
    outcome = folder.run("--exp", "a.yaml", "--dry", "--format", "json")
    first = json.loads(outcome.out)[0]
    assert "its Name is skip" in json.dumps(first)


def test_picking_it_does_not_run_it(folder: Project) -> None:
    made = plan(folder, "{}\n---\nName: skip\n---\nName: a\n", "--pick", "0")
    assert made.chosen == []
    assert made.skipped == {0: "its Name is skip", 1: "not picked"}
