"""`Grid`, `Zip`, `Sample`, `Where`: an experiment of every combination."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coolrun
from coolrun.testing import Project

PLAN = Callable[..., coolrun.Plan]


@pytest.fixture
def plan(project: Project, monkeypatch: pytest.MonkeyPatch) -> PLAN:
    monkeypatch.chdir(project.path)

    def make(text: str, *args: str) -> coolrun.Plan:
        project({"a.yaml": text})
        return coolrun.plan("a.yaml", args)

    return make


def values(plan: coolrun.Plan, *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(e.get(key) for key in keys) for e in plan.experiments]


def test_every_combination_in_the_order_of_the_file_the_last_varying_fastest(plan: PLAN) -> None:
    made = plan("Module: m\n---\nGrid: {norm: [new, batch], moment: [0.1, 0.05]}\n")
    assert values(made, "norm", "moment") == [
        ("new", 0.1),
        ("new", 0.05),
        ("batch", 0.1),
        ("batch", 0.05),
    ]
    assert {e.swept for e in made.experiments} == {("norm", "moment")}


def test_the_swept_keys_stand_where_the_sweep_stood(plan: PLAN) -> None:
    made = plan(
        """
        Module: m
        x: 0
        ---
        first: 1
        Grid: {x: [1, 2]}
        Name: parse f"x is {x}"
        """
    )
    assert list(made.experiments[0].parameters) == ["first", "x", "Name", "Module"]
    assert [e.name for e in made.experiments] == ["x is 1", "x is 2"]


def test_copies_are_made_of_every_combination_and_share_its_number(plan: PLAN) -> None:
    made = plan("Module: m\n---\nGrid: {x: [1, 2]}\nRepeat: 2\n")
    assert values(made, "x", "REP") == [(1, 0), (1, 1), (2, 0), (2, 1)]
    numbers = [e["RND_IDX"] for e in made.experiments]
    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]


def test_how_often_to_run_it_can_be_swept(plan: PLAN) -> None:
    made = plan("Module: m\n---\nGrid: {x: [1, 2], Repeat: [0, 2]}\n")
    assert values(made, "x", "REP") == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_paired_values_are_taken_together(plan: PLAN) -> None:
    made = plan("Module: m\n---\nZip: {width: [32, 64], depth: [8, 4]}\n")
    assert values(made, "width", "depth") == [(32, 8), (64, 4)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grid: {x: [1, 2]}\nZip: {a: [3, 4], b: [5, 6]}\n", [(1, 3), (1, 4), (2, 3), (2, 4)]),
        ("Zip: {a: [3, 4], b: [5, 6]}\nGrid: {x: [1, 2]}\n", [(1, 3), (2, 3), (1, 4), (2, 4)]),
    ],
)
def test_the_two_together_are_a_product_in_their_order(
    plan: PLAN, text: str, expected: list[tuple[int, int]]
) -> None:
    made = plan(f"Module: m\n---\n{text}")
    assert values(made, "x", "a") == expected
    assert all(e["b"] == e["a"] + 2 for e in made.experiments)


def test_a_list_of_mappings_is_several_grids(plan: PLAN) -> None:
    made = plan("Module: m\ny: 0\n---\nGrid: [{x: [1, 2]}, {x: [3], y: [4, 5]}]\n")
    assert values(made, "x", "y") == [(1, 0), (2, 0), (3, 4), (3, 5)]
    assert made.experiments[0].swept == ("x",)


def test_values_may_be_anything_and_expressions_too(plan: PLAN) -> None:
    made = plan(
        """
        Module: m
        ---
        Grid:
          base: [2, 3]
          optimizer: [{name: sgd, lr: 0.1}, {name: adam, lr: parse base / 100}]
          size: [parse base ** 2]
          shape:
          - (3, 3)
        """
    )
    assert values(made, "size") == [(4,), (4,), (9,), (9,)]
    assert made.experiments[3]["optimizer"] == {"name": "adam", "lr": 0.03}
    assert made.experiments[0]["shape"] == (3, 3)


class TestDottedKeys:
    def test_change_what_they_name_and_keep_the_rest(self, plan: PLAN) -> None:
        made = plan(
            "Module: m\noptimizer: {lr: 1, momentum: 0.9}\n---\nGrid: {optimizer.lr: [2, 3]}\n"
        )
        assert values(made, "optimizer") == [
            ({"lr": 2, "momentum": 0.9},),
            ({"lr": 3, "momentum": 0.9},),
        ]
        assert made.experiments[0].swept == ("optimizer.lr",)

    def test_change_the_own_mapping_where_it_stands(self, plan: PLAN) -> None:
        made = plan("Module: m\n---\nGrid: {o.lr: [2, 3]}\nx: 1\no: {m: 5}\n")
        assert list(made.experiments[1].parameters)[:2] == ["x", "o"]
        assert values(made, "o") == [({"m": 5, "lr": 2},), ({"m": 5, "lr": 3},)]

    def test_make_missing_levels(self, plan: PLAN) -> None:
        made = plan("Module: m\no: null\n---\nGrid: {a.b.c: [1, 2], o.x: [3]}\n")
        assert values(made, "a", "o") == [
            ({"b": {"c": 1}}, {"x": 3}),
            ({"b": {"c": 2}}, {"x": 3}),
        ]

    def test_reach_number_keys(self, plan: PLAN) -> None:
        made = plan("Module: m\nsave: {20: a, 40: b}\n---\nGrid: {save.20: [x, y]}\n")
        assert values(made, "save") == [({20: "x", 40: "b"},), ({20: "y", 40: "b"},)]

    def test_change_what_was_swept_before_as_a_whole(self, plan: PLAN) -> None:
        made = plan("Module: m\n---\nGrid: {o: [{n: a}, {n: b}], o.lr: [1, 2]}\n")
        assert [(e["o"]["n"], e["o"]["lr"]) for e in made.experiments] == list(
            itertools.product("ab", (1, 2))
        )

    def test_are_plain_names_where_such_a_key_exists(self, plan: PLAN) -> None:
        made = plan("Module: m\na.b: 0\n---\nGrid: {a.b: [1, 2]}\n")
        assert values(made, "a.b", "a") == [(1, None), (2, None)]

    def test_leave_the_default_untouched_for_others(self, plan: PLAN) -> None:
        made = plan("Module: m\no: {lr: 1}\n---\nGrid: {o.lr: [2]}\n---\n{}\n")
        assert values(made, "o") == [({"lr": 2},), ({"lr": 1},)]


class TestInTheDefaultConfig:
    DEFAULT = "Module: m\nGrid: {x: [1, 2], y: [3]}\nz: parse x * 10\n---\n"

    def test_it_applies_to_all_experiments(self, plan: PLAN) -> None:
        made = plan(self.DEFAULT + "{}\n---\nw: 1\n")
        assert values(made, "x", "y", "z") == [(1, 3, 10), (2, 3, 20)] * 2
        assert list(made.experiments[2].parameters) == ["w", "Module", "x", "y", "z", "Name"]

    def test_the_experiments_own_replaces_it(self, plan: PLAN) -> None:
        made = plan(self.DEFAULT + "Grid: {x: [5]}\n---\nx: 1\nGrid: null\n")
        assert values(made, "x", "y") == [(5, None), (1, None)]

    def test_the_experiments_own_value_stands(self, plan: PLAN) -> None:
        assert values(plan(self.DEFAULT + "x: 7\n"), "x", "y") == [(7, 3)]

    def test_own_values_are_merged_into_it_when_asked_for(self, plan: PLAN) -> None:
        made = plan(self.DEFAULT + "Grid: !merge {y: [8, 9]}\n")
        assert values(made, "x", "y") == [(1, 8), (1, 9), (2, 8), (2, 9)]


def test_the_command_line_wins_over_a_sweep(plan: PLAN) -> None:
    text = "Module: m\n---\nGrid: {x: [1, 2], o.lr: [3, 4], o.m: [5]}\n"
    assert values(plan(text, "++x=9", "++o.lr=0"), "x", "o") == [(9, {"lr": 0, "m": 5})]
    assert values(plan(text, "++Grid.x=[7]"), "x") == [(7,), (7,)]


class TestWhere:
    def test_leaves_out_what_makes_no_sense(self, plan: PLAN) -> None:
        made = plan(
            """
            Module: m
            ---
            Grid: {norm: [new, batch], moment: [0.1, 0.05]}
            Where: not (norm == 'batch' and moment < 0.1)
            """
        )
        assert values(made, "norm", "moment") == [("new", 0.1), ("new", 0.05), ("batch", 0.1)]
        assert "Where" not in made.experiments[0]

    def test_sees_all_plain_values_and_inside_mappings(self, plan: PLAN) -> None:
        made = plan(
            """
            Module: m
            budget: 10
            o: {lr: 1, late: parse lr * 2}
            ---
            most: 3
            Grid: {o.lr: [1, 2, 3, 4]}
            Where: [o.lr <= most, o.lr * 5 <= budget]
            """
        )
        assert [e["o"] for e in made.experiments] == [{"lr": 1, "late": 2}, {"lr": 2, "late": 4}]

    def test_that_leaves_nothing_is_told(self, project: Project) -> None:
        text = "Module: m\n---\nGrid: {x: [1, 2]}\nWhere: x > 2\n"
        outcome = project({"a.yaml": text}).run("--exp", "a.yaml", "--dry")
        assert outcome.code == 5
        assert "a.yaml:4:8: Where: none of 2 combinations satisfies it" in outcome.err


class TestSample:
    TEXT = "Module: m\n---\nGrid: {x: [1, 2, 3, 4], y: [5, 6, 7, 8]}\nSample: 6\n"

    def test_draws_without_repetition_in_the_order_of_the_file(self, plan: PLAN) -> None:
        drawn = values(plan(self.TEXT), "x", "y")
        assert len(set(drawn)) == 6
        assert drawn == sorted(drawn)

    def test_records_its_seed_which_draws_the_same_again(self, plan: PLAN) -> None:
        first = plan(self.TEXT)
        seeds = {e["Seed"] for e in first.experiments}
        assert len(seeds) == 1
        assert "Sample" not in first.experiments[0]
        again = plan(f"{self.TEXT}Seed: {seeds.pop()}\n")
        assert values(again, "x", "y", "Seed") == values(first, "x", "y", "Seed")

    def test_never_changes_what_a_seed_draws(self, plan: PLAN) -> None:
        made = plan(self.TEXT + "Seed: 0\n")
        assert values(made, "x", "y") == [(1, 6), (1, 7), (1, 8), (3, 5), (4, 5), (4, 6)]

    def test_draws_the_same_in_every_pass(self, plan: PLAN) -> None:
        made = values(plan("Global: {repeat: 2}\n" + self.TEXT), "x", "y")
        assert made[:6] == made[6:]

    def test_draws_from_what_makes_sense(self, plan: PLAN) -> None:
        made = plan(self.TEXT + "Where: x + y == 9\n")
        assert values(made, "x", "y") == [(1, 8), (2, 7), (3, 6), (4, 5)]

    def test_of_nothing_is_nothing(self, plan: PLAN) -> None:
        assert not plan(self.TEXT.replace("6\n", "0\n")).experiments

    def test_draws_from_a_product_that_is_never_built(self, plan: PLAN) -> None:
        axes = ", ".join(f"k{n}: [{', '.join(map(str, range(100)))}]" for n in range(12))
        made = plan(f"Module: m\n---\nGrid: {{{axes}}}\nSample: 50\n")
        assert len(made.experiments) == 50

    def test_says_when_there_are_fewer(self, project: Project) -> None:
        text = self.TEXT.replace("6\n", "99\n")
        outcome = project({"a.yaml": text}).run("--exp", "a.yaml", "--dry")
        assert outcome
        assert "a.yaml:4:9: Sample: there are only 16 to draw 99 from" in outcome.err


class TestWhatComesTwice:
    def test_is_left_out_with_a_line_that_names_both(self, project: Project) -> None:
        text = "Module: m\ny: 5\n---\nGrid: [{x: [1, 2]}, {x: [2, 3], y: [5]}]\n"
        outcome = project({"a.yaml": text}).run("--exp", "a.yaml", "--dry")
        assert outcome
        assert "3 experiments: 3 to run" in outcome.out
        assert (
            "a.yaml:4:7: Grid: combination 2 (x: 2, y: 5) is the same as combination 1 (x: 2)"
            " and is left out"
        ) in outcome.err

    def test_is_told_once_for_all_passes_and_in_short_when_there_is_much(
        self, project: Project
    ) -> None:
        text = f"Global: {{repeat: 3}}\nModule: m\n---\nGrid: {{x: [{', '.join('1' * 40)}]}}\n"
        outcome = project({"a.yaml": text}).run("--exp", "a.yaml", "--dry")
        assert outcome.err.count("is the same as") == 10
        assert outcome.err.count("29 more combinations come twice") == 1
        assert "3 experiments" in outcome.out

    def test_numbers_of_different_types_are_different(self, plan: PLAN) -> None:
        assert len(plan("Module: m\n---\nGrid: {x: [1, 1.0, true, '1']}\n").experiments) == 4

    def test_documents_and_copies_are_never_dropped(self, plan: PLAN) -> None:
        made = plan("Module: m\n---\nGrid: {x: [1]}\nRepeat: 2\n---\nGrid: {x: [1]}\n")
        assert values(made, "x") == [(1,)] * 3


ERRORS = [
    ("Grid: 3", "a.yaml:3:7.*'Grid'.*Grid is no mapping of lists"),
    ("Grid: []", "Grid is no mapping of lists"),
    ("Grid: [{x: [1]}, 5]", r"a.yaml:3:18.*'Grid\[1\]'"),
    ("Grid:\n  x: 3", r"a.yaml:4:6.*'Grid.x'.*no list \(3\)"),
    ("Grid: {x: (1, 2)}", "no list"),
    ("Grid: {x: []}", "has no value"),
    ("Grid: {x: 'parse [1, 2]'}", "not known yet"),
    ("Grid: {7: [1]}", "cannot be the name"),
    ("Grid: {a..b: [1]}", "cannot be the name"),
    ("Grid: {Zip: [1]}", "Zip cannot be swept"),
    ("Grid: {x: [1]}\nx: 2", "swept by Grid and given beside it"),
    ("Grid: {x: [1]}\nZip: {x: [2]}", "'x' is swept twice"),
    ("Grid: {o.lr: [1], o: [{}]}", "'o' is swept and would replace 'o.lr'"),
    ("Grid: {n.x: [1]}", "'n' is no mapping"),
    ("Grid: {p.x: [1]}", "'p' is computed later"),
    ("Zip: {x: [1, 2], y: [1]}", "not of one length: x has 2, y has 1"),
    ("Sample: 3", "no meaning without"),
    ("Where: x > 3", "no meaning without"),
    ("Grid: {x: [1]}\nSample: -1", "a.yaml:4:9.*invalid Sample -1"),
    ("Grid: {x: [1]}\nSample: 'parse 3'", "invalid Sample"),
    ("Grid: {x: [1]}\nSample: 1\nSeed: a", "invalid Seed 'a'"),
    ("Grid: {x: [1]}\nWhere: true", "invalid Where True"),
    ("Grid: {x: [1]}\nWhere: await E[-1].x", "invalid Where"),
    ("Grid: {x: [1]}\nWhere: x <", "a.yaml:4:8.*'Where'.*invalid syntax"),
    ("Grid: {x: [1]}\nWhere:\n- x == 1\n- x", r"a.yaml:6:3.*'Where\[1\]'.*neither true nor false"),
    ("Grid: {x: [1]}\nWhere: z > 1", "'z' is unknown"),
    ("Grid: {x: [parse 1]}\nWhere: x > 1", "sweeps come before expressions"),
    ("Grid:\n  x: [1]\n  y: [1, parse 1 / 0]", "a.yaml:5:10.*'y'.*division by zero"),
    ("Grid:\n  o.x: [1, {a: parse 1 / 0}]", "a.yaml:4:16.*'o.x.a'.*division by zero"),
]


@pytest.mark.parametrize(("text", "reason"), ERRORS)
def test_what_is_wrong_is_told_with_its_place(plan: PLAN, text: str, reason: str) -> None:
    with pytest.raises(coolrun.DefinitionError) as caught:
        plan(f"{{Module: m, n: 3, p: parse 3}}\n---\n{text}\n")
    assert re.search(reason, str(caught.value)), str(caught.value)


def test_a_bomb_is_refused_before_anything_is_expanded(plan: PLAN) -> None:
    axes = ", ".join(f"k{n}: [{', '.join(map(str, range(1000)))}]" for n in range(30))
    with pytest.raises(coolrun.DefinitionError, match="more than 10"):
        plan(f"Module: m\n---\nGrid: {{{axes}}}\nWhere: k0 > 5\n")
    with pytest.raises(coolrun.DefinitionError, match="6 combinations are more than 5"):
        plan("{Global: {max_experiments: 5}}\n---\nGrid: {x: [1, 2], y: [1, 2, 3]}\n")
    with pytest.raises(coolrun.DefinitionError, match="more than 5 experiments"):
        plan("{Global: {max_experiments: 5}}\n---\nGrid: {x: [1, 2]}\nRepeat: 3\n")


def test_a_blocked_plugin_leaves_no_grid_behind(project: Project) -> None:
    project({"a.yaml": "Module: m\n---\nGrid: {x: [1]}\n"})
    outcome = project.run("--exp", "a.yaml", "--dry", "-p", "no:grid")
    assert outcome.code == 4
    assert "belongs to the plugin 'grid'" in outcome.err


def test_nothing_is_written(plan: PLAN, project: Project) -> None:
    plan("Module: m\n---\nGrid: {x: [1, 2]}\n")
    assert [path.name for path in Path(project.path).iterdir()] == ["a.yaml"]


def test_a_forced_value_is_read_below_the_sweep_that_it_fixes(plan: PLAN) -> None:
    text = "Module: m\no: {lr: 1}\n---\nGrid: {norm: [a, b], o.lr: [2, 3]}\n"
    text += "Name: parse f'{norm}-{o.lr}'\n"
    assert values(plan(text, "++norm=c"), "Name") == [("c-2",), ("c-3",)]
    assert values(plan(text, "++o.lr=4"), "Name") == [("a-4",), ("b-4",)]
