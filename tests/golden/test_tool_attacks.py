"""The attacks that the tool as a whole has to refuse: a dry run of a hostile definition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from coolrun.testing import Project

CORPUS = yaml.safe_load((Path(__file__).parent / "sandbox_attacks.yaml").read_text("utf-8"))
ITEMS = [item for item in CORPUS if item.get("layer") == "tool"]
# A module that exists is no error; what counts is that looking at the definition imports nothing.
NOT_REFUSED = {"YAML-202"}


def test_there_are_such_items() -> None:
    assert {item["id"] for item in ITEMS} > NOT_REFUSED


@pytest.mark.parametrize("item", ITEMS, ids=[item["id"] for item in ITEMS])
def test_a_dry_run_refuses_it_and_does_nothing(project: Project, item: dict[str, Any]) -> None:
    canary = "from pathlib import Path\nPath(__file__).with_name('IMPORTED').touch()\n"
    project({"canary/canarymod.py": canary, "canary/secret.txt": "secret"})
    (project.path / "a.yaml").write_text(item["yaml"] + "\n---\n{}\n", encoding="utf-8")
    before = sorted(project.path.rglob("*"))
    outcome = project.run("--exp", "a.yaml", "--dry", env={"PYTHONPATH": "canary"})
    assert outcome.code == (0 if item["id"] in NOT_REFUSED else 4), outcome
    assert "Traceback" not in outcome.err
    assert sorted(project.path.rglob("*")) == before
