"""`coolrun plugins`: what is there, what it does, and why one is missing."""

from __future__ import annotations

import json
from typing import Any

from coolrun.testing import Project
from coolrun_plugins import BUILTIN


def rows(project: Project, *args: str) -> dict[str, dict[str, Any]]:
    outcome = project.run(*args, "plugins", "--json")
    assert outcome.code == 0
    return {row["name"]: row for row in json.loads(outcome.out)}


def test_every_built_in_is_listed_in_its_order(project: Project) -> None:
    names = [name for name in rows(project) if name in BUILTIN]
    assert names == list(BUILTIN)


def test_a_plugin_is_told_with_what_it_declares(project: Project) -> None:
    row = rows(project)["repeat"]
    assert row["origin"] == "built-in"
    assert row["state"] == "loaded"
    assert row["keys"] == ["Repeat", "RND_IDX"]
    assert row["settings"] == ["repeat"]
    assert row["help"].startswith("Copies: ")
    assert "coolrun_read" in row["hooks"]
    assert row["milliseconds"] >= 0
    assert rows(project)["plugininfo"]["commands"] == ["plugins"]
    assert rows(project)["parse"]["words"] == ["parse"]


def test_a_blocked_one_says_by_what(project: Project) -> None:
    row = rows(project, "-p", "no:solve")["solve"]
    assert (row["state"], row["reason"]) == ("blocked", "by -p no:solve")
    assert row["hooks"] == []


def test_the_list_for_people_fits_on_a_screen(project: Project) -> None:
    outcome = project.run("-p", "no:solve", "plugins")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["plugin", "from", "state", "what", "it", "does"]
    assert any(line.startswith("solve") and "blocked" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_every_plugin_says_what_it_does(project: Project) -> None:
    for line in project.run("plugins").out.splitlines()[2:]:
        if line.split()[1] == "built-in":
            assert len(line.split()) > 5, f"nothing is said about {line.split()[0]!r}"
