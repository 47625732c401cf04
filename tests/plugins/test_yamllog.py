"""`YamlLog`: one document for every run that ended, whole, whoever else writes there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import coolrun
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

MODULE = """
import pathlib
import time

def main(exp):
    exp.TEXT = "x" * exp.get("size", 10)
    while exp.get("gate") and not pathlib.Path(exp.gate).exists():
        time.sleep(0.005)
"""


@pytest.fixture
def folder(project: Project) -> Project:
    return project({"mod.py": MODULE})


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def run(folder: Project, text: str, code: int = 0) -> None:
    outcome = folder({"a.yaml": text}).run("--exp", "a.yaml")
    assert outcome.code == code, outcome


# Where


def test_records_are_appended_in_the_order_of_their_ends(folder: Project) -> None:
    text = "Module: mod\nYamlLog: new/deep/log.yaml\n---\nName: a\n---\nName: b\n"
    run(folder, text)
    run(folder, text)
    log = folder.path / "new" / "deep" / "log.yaml"
    assert [d["Name"] for d in documents(log)] == ["a", "b", "a", "b"]
    assert log.read_bytes().startswith(b"---\n")
    assert log.read_bytes().endswith(b"\n")
    assert log.read_bytes().count(b"---\n") == 4


def test_without_a_name_the_log_is_in_the_folder_of_the_session(folder: Project) -> None:
    run(folder, "Module: mod\n---\nName: a\n")
    (log,) = (folder.path / ".coolrun" / "sessions").glob("*/log.yaml")
    assert [d["Name"] for d in documents(log)] == ["a"]


def test_experiments_may_have_logs_of_their_own(folder: Project) -> None:
    run(folder, "Module: mod\nYamlLog: a.log\n---\nName: a\n---\nName: b\nYamlLog: b.log\n")
    assert [d["Name"] for d in documents(folder.path / "a.log")] == ["a"]
    assert [d["Name"] for d in documents(folder.path / "b.log")] == ["b"]


def test_a_computed_name_of_a_log_is_used(folder: Project) -> None:
    run(folder, "Module: mod\nYamlLog: parse f'{Name}.log'\n---\nName: a\n---\nName: b\n")
    assert {p.name for p in folder.path.glob("*.log")} == {"a.log", "b.log"}


def test_more_logs_than_descriptors(folder: Project) -> None:
    run(folder, "Module: mod\nYamlLog: parse f'logs/{REP}.yaml'\n---\nRepeat: 100\n")
    assert len(list((folder.path / "logs").iterdir())) == 100


def test_a_link_to_a_file_that_is_not_there_yet_is_followed(folder: Project) -> None:
    (folder.path / "log.yaml").symlink_to("other/place.yaml")
    run(folder, "Module: mod\nYamlLog: log.yaml\n---\nName: a\n")
    assert [d["Name"] for d in documents(folder.path / "other" / "place.yaml")] == ["a"]


def test_two_names_of_one_file_are_one_log(folder: Project) -> None:
    run(folder, "Module: mod\nYamlLog: log.yaml\n---\nName: a\n---\nName: b\nYamlLog: ./log.yaml\n")
    assert [d["Name"] for d in documents(folder.path / "log.yaml")] == ["a", "b"]


# What


def test_a_record_is_read_back_by_any_reader_of_yaml(folder: Project) -> None:
    text = "Module: mod\nYamlLog: log.yaml\n---\nName: 'no'\nx: '1e-3'\nt: (1, 2)\nd: {1: a}\n"
    run(folder, text)
    (record,) = documents(folder.path / "log.yaml")
    assert (record["Name"], record["x"], record["t"], record["d"]) == (
        "no",
        "1e-3",
        [1, 2],
        {1: "a"},
    )
    assert (record["STATUS"], record["TEXT"]) == ("done", "x" * 10)


# Others


def test_two_sessions_append_to_one_log_at_the_same_time(folder: Project) -> None:
    folder({"a.yaml": "Module: mod\nYamlLog: log.yaml\nsize: 20000\n---\nRepeat: 25\ngate: go\n"})
    sessions = []
    for _ in range(2):
        command, environment, _ = folder.command("--exp", "a.yaml")
        sessions.append(
            subprocess.Popen(
                command,
                cwd=folder.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        )
    runs = folder.path / ".coolrun" / "sessions"
    wait_for(lambda: len(list(runs.glob("*/runs/0000"))) == 2)
    (folder.path / "go").touch()
    for session in sessions:
        _, err = session.communicate(timeout=60)
        assert session.returncode == 0, err
    found = documents(folder.path / "log.yaml")
    assert len(found) == 50
    assert len({d["RUN_ID"] for d in found}) == 50
    assert all(d["TEXT"] == "x" * 20_000 for d in found)
    for name in {d["RUN_ID"].rsplit(".", 2)[0] for d in found}:
        own = [d["REP"] for d in found if d["RUN_ID"].startswith(name)]
        assert own == sorted(own), "each session keeps its own order"


@pytest.mark.parametrize(
    "tail", ["---\nName: torn\nx: [1, 2", "---\nName: torn\n---", "---\nName: whole\n", "\n\n"]
)
def test_what_was_torn_before_spoils_nothing_after_it(folder: Project, tail: str) -> None:
    log = folder.path / "log.yaml"
    log.write_text(f"---\nName: first\n{tail}")
    run(folder, "Module: mod\nYamlLog: log.yaml\n---\nName: last\n")
    text = log.read_text()
    assert text.startswith(f"---\nName: first\n{tail}"), "nothing of others is changed"
    last = text[text.rindex("\n---\n") :]
    assert yaml.safe_load(last)["Name"] == "last"


# Not written


def log_problem(folder: Project, monkeypatch: pytest.MonkeyPatch, log: str) -> str:
    monkeypatch.chdir(folder.path)
    folder({"a.yaml": f"Module: mod\n---\nYamlLog: {log}\n"})
    with pytest.raises(coolrun.DefinitionError) as caught:
        coolrun.plan("a.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("sub", "it is a folder"),
        ("/dev/full", "it is no regular file"),
        ("pipe", "it is no regular file"),
        ("mod.py/log.yaml", "a part of its path is a file"),
    ],
)
def test_what_is_no_regular_file_is_refused_while_planning(
    folder: Project, monkeypatch: pytest.MonkeyPatch, log: str, reason: str
) -> None:
    (folder.path / "sub").mkdir()
    os.mkfifo(folder.path / "pipe")
    message = log_problem(folder, monkeypatch, log)
    assert (
        f"a.yaml:3:10: experiment 0 'a', key 'YamlLog': the log {log!r} cannot be used" in message
    )
    assert reason in message


def test_a_log_of_a_skipped_experiment_is_of_no_concern(
    folder: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    folder({"a.yaml": "Module: mod\n---\nName: skip\nYamlLog: /dev/full\n---\n{}\n"})
    assert len(coolrun.plan("a.yaml").chosen) == 1


def test_checking_makes_and_changes_nothing(folder: Project) -> None:
    (folder.path / "old.yaml").write_text("---\nName: old")
    text = "Module: mod\n---\nYamlLog: old.yaml\n---\nYamlLog: new/log.yaml\n---\nModule: nowhere\n"
    run(folder, text, code=4)
    assert not (folder.path / "new").exists()
    assert (folder.path / "old.yaml").read_text() == "---\nName: old"
