"""`parse` inside a definition: places in errors, what depends on what, and order by need."""

from __future__ import annotations

from pathlib import Path

import pytest

import coolrun
from coolrun.testing import Project


class Planner:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "a.yaml"

    def __call__(self, text: str, *args: str) -> list[coolrun.Experiment]:
        self._file.write_text(text, encoding="utf-8")
        return coolrun.plan("a.yaml", args).experiments

    def refused(self, text: str, *args: str) -> str:
        with pytest.raises(coolrun.ExpressionError) as caught:
            self(text, *args)
        assert caught.value.exit_code == 4
        return str(caught.value)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planner:
    monkeypatch.chdir(tmp_path)
    return Planner(tmp_path)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("x: 1\n---\ny: parse 1 / 0\n", "a.yaml:3:4: experiment 0 'a', key 'y': "),
        ("x: 1\n---\n{}\n---\n\ny: parse no\n", "a.yaml:6:4: experiment 1 'a', key 'y': "),
        ("x: 1\n---\no:\n  l:\n    - 1\n    - z: parse no\n", "a.yaml:6:10: experiment 0 'a'"),
        ("y: parse no\n---\n{}\n", "a.yaml:1:4: experiment 0 'a', key 'y': "),
        ("x: 1\n---\n{}\n---\nName: b\nü: {  k: parse no }\n", "a.yaml:6:10: experiment 1 'b'"),
    ],
)
def test_an_error_begins_with_file_line_column_experiment_and_key(
    plan: Planner, text: str, start: str
) -> None:
    assert plan.refused(text).startswith(start)


def test_an_error_of_a_copy_names_its_position(plan: Planner) -> None:
    message = plan.refused("x: 1\n---\nRepeat: 3\ny: parse 1 // (2 - REP)\n")
    assert "a.yaml:4:4: experiment 2 'a', key 'y'" in message


def test_an_error_in_an_override_names_key_and_expression(plan: Planner) -> None:
    message = plan.refused("x: 1\n---\n{}\n", "++x=parse nothing + 1")
    assert "key 'x'" in message
    assert "'nothing + 1'" in message


def test_the_reason_and_the_expression_are_told(plan: Planner) -> None:
    message = plan.refused("x: 1\n---\ny: parse 1 / 0\n")
    assert "1 / 0" in message
    assert "zero" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("x: 1\n---\n{}\n---\nx: parse E[-1].x\n", [set(), {0}]),
        ("x: 1\n---\n{}\n---\n{}\n---\nx: parse E[0].x\n", [set(), set(), {0}]),
        ("x: 1\n---\n{}\n---\n{}\n---\nx: parse sum(e.x for e in E)\n", [set(), set(), {0, 1}]),
        ("x: 1\n---\nName: b\n---\n{}\n---\nx: parse E['b'].x\n", [set(), set(), {0}]),
        ("x: 1\n---\n{}\n---\nx: 2\n", [set(), set()]),
        ("Global: {repeat: 2}\nx: 1\n---\n{}\n---\nx: parse E[0].x\n", [set(), {0}, set(), {2}]),
        ("x: 1\n---\nRepeat: 2\n---\nx: parse E[-1].x\n", [set(), set(), {1}]),
    ],
)
def test_what_an_experiment_read_of_earlier_ones_it_waits_for(
    plan: Planner, text: str, after: list[set[int]]
) -> None:
    assert [set(e.after) for e in plan(text)] == after


def test_names_are_known_from_their_line_on(plan: Planner) -> None:
    text = "x: 1\n---\ny: parse z + 1\nz: 2\n"
    message = plan.refused(text)
    assert "'z' is defined below 'y'" in message
    assert "move it up" in message


def test_order_free_resolves_by_need(plan: Planner) -> None:
    text = "Global: {order: free}\nd: 5\n---\ny: parse z + 1\nz: parse d * 2\n"
    (made,) = plan(text)
    assert (made["y"], made["z"]) == (11, 10)
    assert list(made)[:2] == ["y", "z"], "the order in which things are shown is that of the file"


def test_order_free_can_be_asked_for_on_the_command_line(plan: Planner) -> None:
    assert plan("x: 1\n---\ny: parse z\nz: 2\n", "+Global.order=free")[0]["y"] == 2


def test_order_free_tells_of_circles(plan: Planner) -> None:
    message = plan.refused("Global: {order: free}\n---\ny: parse z\nz: parse y\n")
    assert "a.yaml:3:4" in message
    assert "these keys need each other: y -> z -> y" in message


def test_a_default_that_is_replaced_is_never_evaluated(plan: Planner) -> None:
    assert plan("x: parse 1 / 0\n---\nx: 2\n")[0]["x"] == 2


def test_functions_of_plugins_are_known(
    plan: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names_for_parse.py").write_text(
        "from coolrun import hookimpl\n\n@hookimpl\ndef coolrun_names(config):\n"
        "    return {'triple': lambda x: 3 * x, 'opaque': lambda: object()}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COOLRUN_PLUGINS", "names_for_parse")
    assert plan("x: 1\n---\ny: parse triple(2)\n")[0]["y"] == 6
    assert "a.yaml:3:4: experiment 0 'a', key 'y'" in plan.refused("x: 1\n---\ny: parse opaque()\n")


def test_the_order_is_one_of_two(plan: Planner) -> None:
    with pytest.raises(coolrun.DefinitionError, match="expected 'file' or 'free'"):
        plan("Global: {order: any}\n---\n{}\n")


@pytest.mark.parametrize("name", ["max", "sqrt", "pi", "env"])
def test_no_plugin_may_change_what_a_name_means(project: Project, name: str) -> None:
    project(
        {
            "other.py": f"""
                from coolrun import hookimpl

                @hookimpl
                def coolrun_names():
                    return {{"{name}": lambda *values: 5}}
            """,
            "a.yaml": "Module: m\n---\nx: parse max(1, 2)\n",
        }
    )
    outcome = project.run(
        "-p", "other", "--exp", "a.yaml", "--dry", env={"PYTHONPATH": str(project.path)}
    )
    assert outcome.code == 3
    assert f"gives the name '{name}' to expressions" in outcome.err
