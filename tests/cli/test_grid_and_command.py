"""From one document to many runs of a program, and their records."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from coolrun.testing import Project

TRAIN = """
    import json, os, sys
    values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    print("trained", json.dumps(values))
    with open(os.environ["COOLRUN_RESULTS"], "w") as file:
        json.dump({"LOSS": float(values["--lr"]) * int(values["--width"])}, file)
    sys.exit(values["--norm"] == "bad")
"""
STUDY = f"""
    Command: {sys.executable} train.py [norm] [lr] [width]
    YamlLog: log.yaml
    width: 2
    ---
    Grid: {{norm: [new, batch], lr: [0.1, 0.5]}}
    Where: not (norm == 'batch' and lr > 0.4)
    Name: parse f"{{norm}} {{lr}}"
"""


@pytest.fixture
def study(project: Project) -> Project:
    return project({"train.py": TRAIN, "a.yaml": STUDY})


def rows(records: Sequence[dict[str, Any]], *keys: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(record[key] for key in keys) for record in records)


def test_every_combination_is_a_run_with_a_record(study: Project) -> None:
    outcome = study.run("--exp", "a.yaml", "-j", "2")
    assert outcome
    expected = [("batch", 0.1, 0.2), ("new", 0.1, 0.2), ("new", 0.5, 1.0)]
    assert rows(outcome.records, "norm", "lr", "LOSS") == expected
    log = list(yaml.safe_load_all((study.path / "log.yaml").read_text(encoding="utf-8")))
    assert rows(log, "norm", "lr", "LOSS") == expected
    assert not {"Grid", "Where"} & {key for record in log for key in record}
    assert {record["Name"] for record in log} == {"batch 0.1", "new 0.1", "new 0.5"}


def test_what_a_dry_run_shows_is_what_runs(study: Project) -> None:
    shown = json.loads(study.run("--exp", "a.yaml", "--dry", "--format", "json").out)
    ran = study.run("--exp", "a.yaml").records
    assert [(row["parameters"]["norm"], row["parameters"]["lr"]) for row in shown] == [
        (record["norm"], record["lr"]) for record in ran
    ]


def test_combinations_are_picked_by_their_position(study: Project) -> None:
    outcome = study.run("--exp", "a.yaml", "--pick", "1-2")
    assert rows(outcome.records, "norm", "lr") == [("batch", 0.1), ("new", 0.5)]


def test_a_failing_combination_leaves_the_others_alone(study: Project) -> None:
    outcome = study.run("--exp", "a.yaml", "++Grid.norm=[bad, good]")
    assert outcome.code == 1
    assert rows(outcome.records, "norm", "STATUS", "LOSS") == [
        ("bad", "failed", 0.2),
        ("bad", "failed", 1.0),
        ("good", "done", 0.2),
        ("good", "done", 1.0),
    ]


def test_combinations_read_those_before_them(project: Project) -> None:
    text = """
        Command: echo {total}
        ---
        Grid: {x: [1, 2, 3]}
        total: "parse x + (E[-1].total if E else 0)"
    """
    outcome = project({"a.yaml": text}).run("--exp", "a.yaml")
    assert outcome
    assert [record["total"] for record in outcome.records] == [1, 3, 6]


def test_a_second_attempt_is_told_so_and_has_results_of_its_own(project: Project) -> None:
    text = """
        Command: |
          echo "AGAIN: $COOLRUN_RESUME" >> "$COOLRUN_RESULTS"
          test "$COOLRUN_ATTEMPT" = 2
        ---
        Name: x
    """
    project({"a.yaml": text})
    assert project.run("--exp", "a.yaml").records[0]["AGAIN"] == 0
    (record,) = project.run("--resume", "--retry-failed").records
    assert (record["AGAIN"], record["STATUS"], record["ATTEMPT"]) == (1, "done", 2)
