"""Copies and passes: their order, their numbers, and how many there may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coolrun


class Planner:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "a.yaml"

    def __call__(self, text: str, *args: str) -> list[coolrun.Experiment]:
        self._file.write_text(text, encoding="utf-8")
        return coolrun.plan("a.yaml", args).experiments

    def refused(self, text: str) -> str:
        with pytest.raises(coolrun.CoolrunError) as caught:
            self(text)
        return str(caught.value)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planner:
    monkeypatch.chdir(tmp_path)
    return Planner(tmp_path)


def test_copies_stand_side_by_side_and_passes_one_after_the_other(plan: Planner) -> None:
    made = plan("Global: {repeat: 2}\n---\nName: a\nRepeat: 2\n---\nName: b\n")
    assert [(e.name, e["REP"]) for e in made] == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("a", 0),
        ("a", 1),
        ("b", 0),
    ]
    assert [e.position for e in made] == [0, 1, 2, 3, 4, 5]


def test_a_default_repeat_holds_for_all_and_an_own_one_wins(plan: Planner) -> None:
    made = plan("Repeat: 2\n---\nName: a\n---\nName: b\nRepeat: 1\n")
    assert [e.name for e in made] == ["a", "a", "b"]


def test_each_copy_sees_the_one_before(plan: Planner) -> None:
    made = plan("x: 1\n---\nx: parse E[-1].x * 2 if len(E) else 1\nRepeat: 4\n")
    assert [e["x"] for e in made] == [1, 2, 4, 8]


def test_each_pass_begins_anew(plan: Planner) -> None:
    made = plan("Global: {repeat: 2}\n---\nx: parse len(E)\n---\nx: parse len(E)\n")
    assert [e["x"] for e in made] == [0, 1, 0, 1]


def test_zero_makes_none(plan: Planner) -> None:
    assert [e.name for e in plan("{}\n---\nName: a\nRepeat: 0\n---\nName: b\n")] == ["b"]


def test_zero_passes_make_none(plan: Planner) -> None:
    assert plan("Global: {repeat: 0}\n---\n{}\n") == []


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "true", "null", "[1]", "parse 2", "'2'"])
def test_anything_but_a_whole_number_is_refused_with_its_place(plan: Planner, value: str) -> None:
    message = plan.refused(f"x: 1\n---\nRepeat: {value}\n")
    assert "a.yaml:3:9: an experiment 'a', key 'Repeat'" in message
    message = plan.refused(f"Repeat: {value}\n---\nx: 1\n")
    assert "a.yaml:1:9" in message


@pytest.mark.parametrize(
    "text",
    [
        "Global: {repeat: 1000000000}\n---\n{}\n",
        "x: 1\n---\nRepeat: 1000000000\n",
        "Global: {repeat: 100000}\nRepeat: 100000\n---\n{}\n",
    ],
)
def test_a_bomb_is_counted_before_it_is_built(plan: Planner, text: str) -> None:
    assert "more than 100,000 experiments" in plan.refused(text)


def test_numbers_that_no_session_could_run_are_refused_at_once(plan: Planner) -> None:
    assert "more than any session can run" in plan.refused(f"x: 1\n---\nRepeat: {10**13}\n")


def test_the_command_line_sets_both(plan: Planner) -> None:
    assert len(plan("x: 1\n---\n{}\n", "+Repeat=3")) == 3
    assert len(plan("x: 1\n---\n{}\n", "+Global.repeat=2", "++Repeat=2")) == 4


# Numbers


def test_copies_share_a_number_and_passes_and_experiments_do_not(plan: Planner) -> None:
    made = plan("Global: {repeat: 2}\n---\nRepeat: 2\n---\n{}\n")
    numbers = [e["RND_IDX"] for e in made]
    assert numbers[0] == numbers[1]
    assert numbers[3] == numbers[4]
    assert len(set(numbers)) == 4


def test_expressions_know_both_numbers(plan: Planner) -> None:
    made = plan("{}\n---\nRepeat: 2\nx: parse RND_IDX + REP\n")
    assert [e["x"] for e in made] == [made[0]["RND_IDX"], made[0]["RND_IDX"] + 1]


def test_a_number_set_by_hand_stays_and_is_never_drawn(plan: Planner) -> None:
    made = plan("Global: {repeat: 2}\n---\nRND_IDX: 7\nRepeat: 2\n---\n{}\n")
    assert [e["RND_IDX"] for e in made if "RND_IDX" in e.own] == [7] * 4
    assert all(e["RND_IDX"] != 7 for e in made if "RND_IDX" not in e.own)


def test_a_number_may_be_computed(plan: Planner) -> None:
    assert plan("{}\n---\nRND_IDX: 7\n---\nRND_IDX: parse E[-1].RND_IDX\n")[1]["RND_IDX"] == 7


def test_two_sessions_draw_different_numbers(plan: Planner) -> None:
    text = "Global: {repeat: 20}\n---\n{}\n"
    first, second = ({e["RND_IDX"] for e in plan(text)} for _ in range(2))
    assert first != second


def test_rep_is_not_for_people(plan: Planner) -> None:
    message = plan.refused("x: 1\n---\nREP: 3\n")
    assert "a.yaml:3:6: an experiment 'a', key 'REP': REP is counted by coolrun" in message
    assert "choose another name" in message


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    copies=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    passes=st.integers(0, 3),
    by_hand=st.sets(st.integers(0, 4)),
)
def test_any_file_is_expanded_by_the_same_rules(
    plan: Planner, copies: list[int], passes: int, by_hand: set[int]
) -> None:
    documents = [f"Global: {{repeat: {passes}}}"]
    for number, count in enumerate(copies):
        hand = f"RND_IDX: {100_000 + number}\n" if number in by_hand else ""
        documents.append(f"n: {number}\nRepeat: {count}\n{hand}")
    made = plan("\n---\n".join(documents) + "\n")
    expected: list[Any] = [
        (series, number, rep)
        for series in range(passes)
        for number, count in enumerate(copies)
        for rep in range(count)
    ]
    assert [(e.series, e["n"], e["REP"]) for e in made] == expected
    assert [e.position for e in made] == list(range(len(expected)))
    owners: dict[int, set[tuple[int, int]]] = {}
    for experiment in made:
        owner = (experiment.series, experiment["n"])
        owners.setdefault(experiment["RND_IDX"], set()).add(owner)
    for number, those in owners.items():
        hand_set = {n for _, n in those} & by_hand
        if hand_set:
            assert number == 100_000 + hand_set.pop()
            assert len({n for _, n in those}) == 1, "a number set by hand is drawn for no other"
        else:
            assert len(those) == 1, "a number is drawn for one experiment of one pass only"
