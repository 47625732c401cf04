"""`--dry`: what would run, told without running anything."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from coolrun.testing import Project

BASIC = {
    "experiment.yaml": """
        Module: modules.train
        lr: 0.1
        layers: {a: 1, b: 2}
        ---
        Name: base
        lr: 0.5
        ---
        Name: half
        lr: parse E[-1].lr / 2
        ---
        Name: skip
        note: '1e-3'
        """,
    "modules/train.py": "raise SystemExit('it was imported')\n",
}


def files_of(folder: Path) -> set[str]:
    return {str(f.relative_to(folder)) for f in folder.rglob("*") if "__pycache__" not in f.parts}


def test_it_prints_position_name_own_keys_and_why_something_is_skipped(project: Project) -> None:
    outcome = project(BASIC).run("--dry")
    assert outcome, outcome
    assert outcome.out == (
        "  0  base  lr: 0.5\n"
        "  1  half  lr: 0.25  (after 0)\n"
        "  2  skip  skipped: its Name is skip  note: '1e-3'\n"
        "3 experiments: 2 to run, 1 skipped\n"
    )
    assert outcome.err == ""


@pytest.mark.parametrize("format", ["text", "yaml", "json"])
def test_it_imports_and_writes_nothing(project: Project, format: str) -> None:  # noqa: A002
    project(BASIC)
    before = files_of(project.path)
    outcome = project.run("--dry", "--format", format)
    assert outcome, outcome
    assert "imported" not in outcome.out + outcome.err
    assert files_of(project.path) == before
    assert "coolrun_launch" not in outcome.hooks


def test_copies_are_told_apart(project: Project) -> None:
    outcome = project({"experiment.yaml": "Module: m\n---\nRepeat: 2\n"}).run("--dry")
    assert [line.split("REP: ")[-1] for line in outcome.out.splitlines()[:2]] == ["0", "1"]


def test_yaml_is_a_document_for_each_experiment_and_nothing_else(project: Project) -> None:
    outcome = project(BASIC).run("--dry", "--format", "yaml")
    documents = list(yaml.safe_load_all(outcome.out))
    layers = {"a": 1, "b": 2}
    assert documents == [
        {"Name": "base", "lr": 0.5, "Module": "modules.train", "layers": layers},
        {"Name": "half", "lr": 0.25, "Module": "modules.train", "layers": layers},
        {"Name": "skip", "note": "1e-3", "Module": "modules.train", "lr": 0.1, "layers": layers},
    ]
    assert "---\n# experiment 2 is skipped: its Name is skip\nName: skip\n" in outcome.out


def test_json_is_one_array_with_text_for_what_json_cannot_say(project: Project) -> None:
    text = """
        Module: m
        ---
        Name: numbers
        high: .inf
        low: -.inf
        none: .nan
        keys: {2: a, true: b, 0.5: c}
        size: (2, 3)
        ---
        Name: skip
        object: solve torch.nn.Linear(1)
        later: await E[0].ACC
        """
    outcome = project({"experiment.yaml": text}).run("--dry", "--format", "json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    first, second = json.loads(outcome.out, parse_constant=refuse)
    assert list(first) == ["position", "name", "skipped", "parameters"]
    assert (first["position"], first["name"], first["skipped"]) == (0, "numbers", None)
    assert first["parameters"] == {
        "Name": "numbers",
        "high": "inf",
        "low": "-inf",
        "none": "nan",
        "keys": {"2": "a", "true": "b", "0.5": "c"},
        "size": [2, 3],
        "Module": "m",
    }
    assert second["skipped"] == "its Name is skip"
    assert second["parameters"]["object"] == "solve torch.nn.Linear(1)"
    assert second["parameters"]["later"] == "await E[0].ACC"


def test_a_hostile_definition_cannot_steer_the_terminal(project: Project) -> None:
    text = r"""
        Module: m
        ---
        Name: "x\e[2J\n\e]0;title\a"
        "key\e[31m": "value\u202e\x9b1m"
        nested: {"\e[H": ["\e[H"]}
        Repat: "\e[2J"
        ---
        Name: "skip"
        """
    for format in ("text", "yaml", "json"):  # noqa: A001
        outcome = project({"experiment.yaml": text}).run("--dry", "--format", format)
        assert outcome, outcome
        assert not set(outcome.out + outcome.err) & set("\x1b\x07\x9b\u202e\r")


def test_pending_values_say_what_they_wait_for(project: Project) -> None:
    text = "Module: m\n---\nName: a\n---\nName: b\nx: await E[0].ACC\ny: parse x + 1\n"
    outcome = project({"experiment.yaml": text}).run("--dry")
    assert "x: pending (await E[0].ACC), y: pending (parse x + 1)" in outcome.out


def test_long_values_are_shortened(project: Project) -> None:
    outcome = project({"experiment.yaml": f"Module: m\n---\nlong: {'x' * 5000}\n"}).run("--dry")
    assert max(map(len, outcome.out.splitlines())) < 120
    assert "xxx..." in outcome.out


def test_notes_of_the_child_are_told_by_the_parent(project: Project) -> None:
    text = "Module: m\n---\nRepat: 3\n"
    outcome = project({"experiment.yaml": text}).run("--dry", "--format", "json")
    assert json.loads(outcome.out)
    assert outcome.err.count("note: key 'Repat' is unknown to coolrun; did you mean 'Repeat'?") == 1


@pytest.mark.parametrize("format", ["text", "yaml", "json"])
def test_nothing_to_run_has_an_exit_code_of_its_own(project: Project, format: str) -> None:  # noqa: A002
    outcome = project({"experiment.yaml": "a: 1\n---\nName: skip\n"}).run(
        "--dry", "--format", format
    )
    assert outcome.code == 5
    assert "skip" in outcome.out
    assert "nothing to run" in outcome.err
    empty = project({"experiment.yaml": "a: 1\n"}).run("--dry", "--format", format)
    assert empty.code == 5
    assert "experiments start after a line `---`" in empty.err
    assert format != "json" or json.loads(empty.out) == []


@pytest.mark.parametrize("format", ["text", "yaml", "json"])
def test_a_wrong_definition_prints_nothing_but_the_error(project: Project, format: str) -> None:  # noqa: A002
    text = "Module: m\n---\nName: good\n---\nName: bad\nx: parse nothing + 1\n"
    outcome = project({"experiment.yaml": text}).run("--dry", "--format", format)
    assert outcome.code == 4
    assert outcome.out == ""
    assert outcome.err.startswith("error: experiment.yaml:6:")
    assert "experiment 1 'bad'" in outcome.err


def test_neighbours_that_are_skipped_for_one_reason_share_a_line(project: Project) -> None:
    project({"experiment.yaml": "Module: m\n---\nRepeat: 100\n"})
    outcome = project.run("--dry", "--pick", "50")
    assert outcome.out.splitlines()[0] == "0-49  skipped: not picked"
    assert outcome.out.splitlines()[2] == "51-99  skipped: not picked"
    assert outcome.out.splitlines()[-1] == "100 experiments: 1 to run, 99 skipped"


def test_the_first_lines_of_a_long_list_do_not_wait_for_the_last(project: Project) -> None:
    project({"experiment.yaml": "Module: m\n---\nRepeat: 100000\nx: parse 1 + REP\n"})
    command, environment, _ = project.command("--dry")
    begun = time.monotonic()
    with subprocess.Popen(
        command, cwd=project.path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        first = time.monotonic() - begun
        rest = sum(1 for _ in process.stdout)
        whole = time.monotonic() - begun
    assert line.split() == ["0", "experiment", "Repeat:", "100000,", "x:", "1,", "REP:", "0"]
    assert rest == 100_000
    assert first < whole * 0.7


def test_a_reader_that_leaves_early_hurts_nothing(project: Project) -> None:
    project({"experiment.yaml": "Module: m\n---\nRepeat: 50000\n"})
    command, environment, _ = project.command("--dry")
    reading, writing = os.pipe()
    process = subprocess.Popen(
        command, cwd=project.path, env=environment, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    os.read(reading, 100)
    os.close(reading)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
