"""`--pick`: which experiments are run."""

from __future__ import annotations

import pytest

import coolrun
from coolrun.testing import Project

SIX = (
    "Name: base\n---\nName: a\n---\nName: skip\n---\nName: b\n---\nName: a\n---\nName: c\n---\n{}\n"
)


@pytest.mark.parametrize(
    ("words", "positions"),
    [
        (["0,2"], [0, 2]),
        (["0", "2"], [0, 2]),
        (["2", "0"], [0, 2]),
        (["3-5"], [3, 4, 5]),
        (["-1"], [5]),
        (["-2,-1"], [4, 5]),
        (["-3--1"], [3, 4, 5]),
        (["0,3-4"], [0, 3, 4]),
        (["a"], [0, 3]),
        (["a,c"], [0, 3, 4]),
        (["base"], [5]),
        (["1"], []),
    ],
)
@pytest.mark.parametrize("option", ["--pick", "--cherrypick-experiments"])
def test_positions_ranges_and_names(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    positions: list[int],
    option: str,
) -> None:
    monkeypatch.chdir(project({"a.yaml": SIX}).path)
    plan = coolrun.plan("a.yaml", [option, *words])
    expected = [p for p in positions if plan.experiments[p]["Name"] != "skip"]
    assert [e.position for e in plan.chosen] == expected
    assert plan.skipped[1] == "its Name is skip"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("6", "there is no experiment 6"),
        ("-7", "there is no experiment -7"),
        ("2-9", "there is no experiment 9"),
        ("4-2", "the range goes backwards"),
        ("bb", "no experiment has this name"),
        (",", "names no experiment"),
    ],
)
def test_what_is_not_there_is_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, word: str, reason: str
) -> None:
    monkeypatch.chdir(project({"a.yaml": SIX}).path)
    with pytest.raises(coolrun.UsageError, match=reason):
        coolrun.plan("a.yaml", ["--pick", word])


def test_a_near_name_is_suggested(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project({"a.yaml": SIX}).path)
    with pytest.raises(coolrun.UsageError, match="did you mean 'base'"):
        coolrun.plan("a.yaml", ["--pick", "bass"])


def test_picking_twice_picks_both(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project({"a.yaml": SIX}).path)
    plan = coolrun.plan("a.yaml", ["--pick", "0", "--pick", "2,4"])
    assert [e.position for e in plan.chosen] == [0, 2, 4]
