"""Every definition in experiments/ runs, and finds what the documentation says it finds."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import coolrun
from coolrun.testing import Outcome, Project

ROOT = Path(__file__).parents[2]
DEFINITIONS = sorted(file.name for file in (ROOT / "experiments").glob("*.yaml"))


@pytest.fixture
def examples(project: Project) -> Project:
    for folder in ("experiments", "modules"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, project.path / folder, ignore=ignore)
    return project


def study_of_digits(outcome: Outcome) -> None:
    """Each network comes from the one before, and a sixteenth of the weights is enough."""
    accuracy = {record["Name"]: record["ACC"] for record in outcome.records}
    assert accuracy["baseline"] > 0.95
    assert accuracy["prune-0.9375"] > 0.9
    assert accuracy["prune-0.984375"] > 0.7
    for before, after in itertools.pairwise(outcome.records):
        assert after["load"] == before["save_model"][20]
        assert after["SPARSITY"] == pytest.approx(after["pruning"]["sparsity"], abs=1e-3)


def study_at_once(outcome: Outcome) -> None:
    """Pruned in one step the network falls apart earlier, and earlier still by the dice."""
    accuracy = {record["Name"]: record["ACC"] for record in outcome.records}
    assert accuracy["prune-0.875"] > 0.95 > accuracy["random-0.875"]
    assert accuracy["prune-0.984375"] < 0.7


CLAIMS: dict[str, Callable[[Outcome], None]] = {
    "digits.yaml": study_of_digits,
    "digits-at-once.yaml": study_at_once,
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_definition_runs_whole_and_without_a_complaint(examples: Project, name: str) -> None:
    planned = coolrun.plan(examples.path / "experiments" / name).chosen
    outcome = examples.run("--exp", f"experiments/{name}")
    assert outcome
    assert [record["Name"] for record in outcome.records] == [one.name for one in planned]
    assert {record["STATUS"] for record in outcome.records} == {"done"}
    complaints = ("note", "warning", "never read", "failed")
    assert not [
        line
        for line in (outcome.out + outcome.err).splitlines()
        if line.strip().startswith(complaints)
    ]
    logs = {record["YamlLog"] for record in outcome.records}
    assert all(log.startswith("data/") and (examples.path / log).is_file() for log in logs)
    CLAIMS.get(name, bool)(outcome)
    made = {entry.name for entry in examples.path.iterdir()}
    assert made <= {"experiments", "modules", "data", ".coolrun"}


def test_only_the_picked_experiments_of_the_quickstart_run(examples: Project) -> None:
    outcome = examples.run("--exp", "experiments/quickstart.yaml", "--pick", "0,2")
    assert outcome
    assert [record["Name"] for record in outcome.records] == ["near", "seed 10"]


def test_an_argument_of_the_module_changes_what_it_prints_only(examples: Project) -> None:
    command = ("--exp", "experiments/quickstart.yaml", "--pick", "0")
    usual = examples.run(*command)
    quiet = examples.run(*command, "--print-every", "1000")
    assert usual
    assert quiet
    assert usual.records[0]["LOSSES"] == quiet.records[0]["LOSSES"]
    assert "epoch 20:" in usual.out
    assert "epoch 20:" not in quiet.out


def test_the_same_seed_gives_the_same_results_and_another_one_others(examples: Project) -> None:
    command = ("--exp", "experiments/digits.yaml", "--pick", "1", "+epochs=2")
    first, again, other = (examples.run(*command, f"+seed={seed}") for seed in (0, 0, 1))
    assert first.records[0]["LOSSES"] == again.records[0]["LOSSES"] != other.records[0]["LOSSES"]
    assert first.records[0]["YamlLog"] != other.records[0]["YamlLog"]


def test_the_logs_are_collected_and_filtered_to_the_best_runs(examples: Project) -> None:
    assert examples.run("--exp", "experiments/quickstart.yaml")
    assert examples.run("collect", "data/", "--dest", "logs.yaml")
    best = examples.run("filter", "logs.yaml", "%experiments/args", "--dest", "best.yaml")
    assert best
    found = list(yaml.safe_load_all((examples.path / "best.yaml").read_text(encoding="utf-8")))
    assert [record["Name"] for record in found] == ["near", "seed 12", "seed 10", "seed 11"]
    kept = (examples.path / "experiments" / "args").read_text().split("--keep-keys\n")[1].split()
    assert all(set(record) <= set(kept) for record in found)
