"""`After`: who starts when who has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

import coolrun
from coolrun import CoolrunError, Plan
from coolrun.testing import Project


def planned(folder: Path, text: str, *args: str) -> Plan:
    file = folder / "experiment.yaml"
    file.write_text(text, encoding="utf-8")
    return coolrun.plan(file, args)


def after(plan: Plan) -> list[list[int]]:
    return [sorted(e.after) for e in plan.experiments]


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        (["{Name: a}", "{Name: b, After: a}"], [[], [0]]),
        (["{Name: a, After: b}", "{Name: b}"], [[1], []]),
        (["{Name: a}", "{After: 0}"], [[], [0]]),
        (["{Name: a}", "{Name: b}", "{After: [a, 1, b]}"], [[], [], [0, 1]]),
        (["{Name: a}", "{After: previous}", "{After: previous}"], [[], [0], [1]]),
        (["{After: previous}", "{After: null}"], [[], []]),
        (["{Name: a, Repeat: 3}", "{Name: b, After: a}"], [[], [], [], [0, 1, 2]]),
        (["{Name: '1'}", "{Name: b, After: '1'}"], [[], [0]]),
    ],
)
def test_names_positions_and_previous_say_what_is_waited_for(
    tmp_path: Path, documents: list[str], expected: list[list[int]]
) -> None:
    assert after(planned(tmp_path, "\n---\n".join(["Module: m", *documents]))) == expected


def test_each_pass_waits_for_its_own(tmp_path: Path) -> None:
    text = "Global: {repeat: 2}\n---\nName: a\n---\n{Name: b, After: a}\n---\nAfter: previous\n"
    assert after(planned(tmp_path, text)) == [[], [0], [1], [], [3], [4]]


def test_it_is_added_to_what_an_expression_reads(tmp_path: Path) -> None:
    text = "x: 1\n---\nName: a\n---\nName: b\n---\n{x: 'parse E[0].x', After: b}\n"
    assert after(planned(tmp_path, text))[2] == [0, 1]


def test_a_default_of_previous_runs_everything_one_after_the_other(tmp_path: Path) -> None:
    text = "After: previous\n---\n{}\n---\n{}\n---\n{}\n"
    assert after(planned(tmp_path, text)) == [[], [0], [1]]


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (["{After: bse}", "{Name: base}"], ["no experiment has the name 'bse'", "'base'"]),
        (["{After: 7}"], ["there is no experiment 7", "numbered 0 to 0"]),
        (["{After: -1}"], ["there is no experiment -1"]),
        (["{After: [a, {}]}", "{Name: a}"], ["After[1]", "names no experiment"]),
        (["{After: true}"], ["names no experiment"]),
        (["{After: 1.5}"], ["names no experiment"]),
        (["{Name: a, After: a}"], ["wait for itself"]),
        (["{After: 0}"], ["wait for itself"]),
        (
            ["{Name: a, After: c}", "{Name: b, After: a}", "{Name: c, After: b}"],
            ["wait for one another", "experiment 0 'a' -> experiment 2 'c' -> experiment 1 'b'"],
        ),
    ],
)
def test_what_can_never_start_is_refused_before_anything_runs(
    tmp_path: Path, documents: list[str], words: list[str]
) -> None:
    with pytest.raises(CoolrunError) as caught:
        planned(tmp_path, "\n---\n".join(["Module: m", *documents]))
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert "experiment.yaml:" in message


def test_a_cycle_through_an_expression_is_found(tmp_path: Path) -> None:
    text = "Module: m\n---\n{Name: a, x: 1, After: b}\n---\n{Name: b, x: 'parse E[-1].x'}\n"
    with pytest.raises(CoolrunError, match="wait for one another"):
        planned(tmp_path, text)


def test_a_long_chain_is_looked_at_without_recursion(tmp_path: Path) -> None:
    text = "After: previous\n" + "---\n{}\n" * 5_000
    assert after(planned(tmp_path, text))[-1] == [4_998]


def test_what_is_waited_for_and_left_out_counts_as_ended(project: Project) -> None:
    done = project(
        {
            "m.py": "def main(exp): pass\n",
            "experiment.yaml": "Module: m\n---\nName: skip\n---\nName: b\n---\nAfter: [skip, b]\n",
        }
    ).run("--pick", "2")
    assert [r["STATUS"] for r in done.records] == ["done"]


def test_a_dry_run_shows_what_waits_and_for_what(project: Project) -> None:
    text = "Module: m\n---\nName: a\n---\nName: b\n---\nAfter: [a, b]\n"
    assert "(after 0-1)" in project({"experiment.yaml": text}).run("--dry").out
