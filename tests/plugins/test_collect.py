"""`collect`: which files are read, which records are the same, what is left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from coolrun import UsageError
from coolrun.testing import Outcome, Project
from coolrun_plugins.collect.identity import digest
from coolrun_plugins.collect.walk import Walk

A, B, C = "Name: a\nACC: 1\n", "Name: b\nACC: 2\n", "Name: c\nACC: 3\n"


def collected(project: Project, *args: str, code: int = 0) -> list[str]:
    """The documents that `collect ARGS` wrote, without their `---`."""
    outcome = project.run("collect", *args, "--dest", "all.yaml")
    assert outcome.code == code, outcome
    if not (project.path / "all.yaml").exists():
        return []
    return (project.path / "all.yaml").read_text().split("---\n")[1:]


def told(outcome: Outcome) -> str:
    return outcome.err


def walked(folder: Path, *paths: str, excluded: list[str] | None = None) -> list[str]:
    return [found.path for found in Walk(str(folder), excluded or []).files(paths or ["."])]


# Which files


def test_files_are_found_in_the_order_of_their_names_and_below_their_folder(
    project: Project,
) -> None:
    project({"b/2.yaml": B, "b/1.yml": A, "a/z.yaml": C, "top.yaml": "D: 1\n", "a/n.txt": "x"})
    assert walked(project.path) == ["top.yaml", "a/n.txt", "a/z.yaml", "b/1.yml", "b/2.yaml"]
    assert collected(project, ".") == ["D: 1\n", C, A, B]


def test_hidden_files_and_folders_are_left_out_unless_named(project: Project) -> None:
    project({"data/.hidden/a.yaml": A, "data/.b.yaml": B, "data/c.yaml": C})
    assert collected(project, "data") == [C]
    assert collected(project, "data/.hidden", "data/.b.yaml") == [A, B]


def test_a_file_is_read_once_however_many_ways_lead_to_it(project: Project) -> None:
    project({"data/a.yaml": A})
    os.symlink("a.yaml", project.path / "data/link.yaml")
    os.link(project.path / "data/a.yaml", project.path / "data/other.yaml")
    os.symlink(".", project.path / "data/loop")
    assert walked(project.path, "data", "data/a.yaml", ".") == ["data/a.yaml"]


def test_a_linked_folder_is_followed(project: Project) -> None:
    project({"far/a.yaml": A, "data/b.yaml": B})
    os.symlink("../far", project.path / "data/link")
    assert collected(project, "data") == [B, A]


@pytest.mark.parametrize("pattern", ["temp", "temp/", "data/temp", "./data/temp/", "t*p"])
def test_folders_are_excluded_by_name_path_and_pattern(project: Project, pattern: str) -> None:
    project({"data/temp/a.yaml": A, "data/keep/b.yaml": B})
    assert collected(project, "data", "--exclude", pattern) == [B]


def test_files_are_excluded_too_and_several_at_once(project: Project) -> None:
    project({"data/a.yaml": A, "data/b.yaml": B, "data/c.yaml": C})
    assert collected(project, "data", "--exclude", "a.yaml", "data/b.*") == [C]


def test_an_exclusion_that_excludes_nothing_is_told(project: Project) -> None:
    outcome = project({"data/a.yaml": A}).run("collect", "data", "--exclude", "tmep")
    assert "--exclude 'tmep': nothing of that name was seen" in outcome.err


def test_pipes_and_dangling_links_are_passed_over(project: Project) -> None:
    project({"data/a.yaml": A})
    os.mkfifo(project.path / "data/pipe.yaml")
    os.symlink("nowhere", project.path / "data/gone.yaml")
    assert collected(project, "data") == [A]


def test_a_named_file_is_a_log_whatever_its_name(project: Project) -> None:
    assert collected(project({"results": A}), "results") == [A]


@pytest.mark.parametrize("work", ["Module: m", "Command: echo {lr}", "Run: solve m.main"])
def test_definitions_without_settings_are_left_out_where_nobody_named_them(
    project: Project, work: str
) -> None:
    record = f"{work}\nlr: 1\nRND_IDX: 3\nSTATUS: done\n"
    project(
        {"data/experiment.yaml": f"{work}\nlr: 1\n---\nx: 1\n---\nx: 2\n", "data/a.yaml": record}
    )
    outcome = project.run("collect", "data", "--dest", "all.yaml")
    assert outcome.err == "collected 1 record from 1 file (left out: 1 definition)\n"
    named = project.run("collect", "data/experiment.yaml", "--dest", "more.yaml")
    assert named.err == "collected 3 records from 1 file\n"


def test_definitions_are_left_out(project: Project) -> None:
    definition = "Global:\n  repeat: 1\nModule: m\n---\nlr: 1\n"
    project({"data/experiment.yaml": definition, "data/a.yaml": A})
    outcome = project.run("collect", "data", "--dest", "all.yaml")
    assert outcome.err == "collected 1 record from 1 file (left out: 1 definition)\n"


def test_a_record_with_a_key_of_that_name_further_down_is_a_record(project: Project) -> None:
    assert len(collected(project({"data/a.yaml": f"{A}---\nGlobal: 1\n"}), "data")) == 2


def test_what_commands_wrote_is_left_out_unless_named(project: Project) -> None:
    project({"data/a.yaml": A})
    assert project.run("collect", "data", "--dest", "data")
    assert project.run("filter", "data/a.yaml", "--dest", "data")
    (written,) = (project.path / "data").glob("logs_*")
    outcome = project.run("collect", "data")
    assert "collected 1 record from 1 file (left out: 2 files that coolrun wrote" in outcome.err
    assert collected(project, f"data/{written.name}") == [A]


def test_a_queue_file_holds_no_records(project: Project) -> None:
    project(
        {
            "m.py": "def main(exp):\n    exp.A = 1\n",
            "experiment.yaml": "Global: {queue: data/queue.yaml}\nModule: m\n"
            "YamlLog: data/log.yaml\n---\n{}\n",
        }
    )
    (project.path / "data").mkdir()
    assert project.run("--max-runs", "1").code == 0
    assert (project.path / "data/queue.yaml").exists()
    outcome = project.run("collect", "data", "--dest", "all.yaml")
    assert "1 record" in (project.path / "all.yaml").read_text().splitlines()[0], outcome


def test_a_missing_path_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(UsageError, match="no file or folder 'dta'") as caught:
        Walk(str(tmp_path), []).files(["data", "dta"])
    assert caught.value.cure == "did you mean 'data'?"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_cannot_be_read_is_told_and_the_rest_is_collected(project: Project) -> None:
    project({"data/a.yaml": A, "data/b.yaml": B, "data/dark/c.yaml": C})
    (project.path / "data/a.yaml").chmod(0)
    (project.path / "data/dark").chmod(0)
    assert collected(project, "data", code=1) == [B]
    (project.path / "data/dark").chmod(0o700)


# Which records


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": True}),
        ({"a": 0}, {"a": None}),
        ({"a": "1"}, {"a": 1}),
        ({"a": [1]}, {"a": [1.0]}),
        ({"a": {"b": 1}}, {"a": {"b": 1.0}}),
        ({"a": {1: 1}}, {"a": {"1": 1}}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": {}}, {"a": []}),
        ({"a": 1}, {"a": 1, "b": None}),
    ],
)
def test_records_that_differ_in_a_value_or_a_type_are_two(one: Any, other: Any) -> None:
    assert digest(one) != digest(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": {"b": [1], "c": 0.5}}, {"a": {"c": 0.5, "b": [1]}}),
        ({"a": {1: 1, "x": 2}}, {"a": {"x": 2, 1: 1}}),
        ({"a": float("nan")}, {"a": float("nan")}),
        ({"a": float("inf")}, {"a": float("inf")}),
        ({"a" * 3: "b" * 3}, {"aaa": "bbb"}),
    ],
)
def test_the_order_of_keys_makes_no_difference(one: Any, other: Any) -> None:
    assert digest(one) == digest(other)


def test_identical_records_are_kept_once_and_the_first_one_stays(project: Project) -> None:
    project(
        {"data/1.yaml": f"{A}---\n{B}", "data/2.yaml": "ACC: 2\n'Name': 'b'\n", "data/3.yaml": C}
    )
    assert collected(project, "data") == [A, B, C]


def test_only_the_last_attempt_at_a_run_is_taken_unless_all_are_wanted(project: Project) -> None:
    first = "RUN_ID: 's-1.4.1'\nSTATUS: lost\n"
    second = "RUN_ID: 's-1.4.2'\nSTATUS: done\nATTEMPT: 2\n"
    other = "RUN_ID: 's-1.5.1'\nSTATUS: lost\n"
    project({"data/1.yaml": f"{second}---\n{other}", "data/2.yaml": first})
    assert collected(project, "data") == [second, other]
    assert collected(project, "data", "--attempts", "all") == [second, other, first]


def test_documents_are_copied_as_they_were_written(project: Project) -> None:
    strange = '# why\nacc:   0.50  # half\nname: "a\\tb"\n'
    text = f"%YAML 1.2\n---\n{strange}---  # here\na: 1\n...\n---\r\nb: 2\r\n--- {{c: 3}}"
    (project.path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert project.run("collect", "a.yaml", "--dest", "all.yaml")
    assert (project.path / "all.yaml").read_bytes() == (
        f"# coolrun collect 1: 4 records from 1 file\n---\n{strange}---\na: 1\n"
        "---\r\nb: 2\r\n--- {c: 3}\n"
    ).encode()


def test_what_is_no_mapping_is_passed_over_and_counted(project: Project) -> None:
    project({"data/a.yaml": f"---\n---\n- 1\n---\n{A}---\ntext\n"})
    outcome = project.run("collect", "data")
    assert "1 record from 1 file (left out: 2 documents that are no mappings)" in outcome.err


# Sessions

MODULE = "def main(exp):\n    exp['ACC'] = exp.lr\n"


def test_a_session_counts_each_run_once_wherever_it_is_written(project: Project) -> None:
    project(
        {"m.py": MODULE, "e.yaml": "Module: m\nlr: 1\n---\n{}\n---\nlr: 2\nYamlLog: log.yaml\n"}
    )
    assert project.run("--exp", "e.yaml")
    (session,) = (project.path / ".coolrun/sessions").iterdir()
    inside = f".coolrun/sessions/{session.name}"
    assert len(collected(project, inside)) == 2
    assert len(collected(project, inside, "log.yaml")) == 2
    assert len(collected(project, ".coolrun/sessions")) == 2
    assert project.run("--exp", "e.yaml")
    assert len(collected(project, inside)) == 2
    assert len(collected(project, ".coolrun/sessions")) == 4
    assert len(collected(project, inside, "log.yaml")) == 3


# Plugins

STRANGER = """
from coolrun import hookimpl

@hookimpl
def coolrun_collect(path):
    if path.suffix == ".csv":
        return _records(path)

def _records(path):
    for line in path.read_text().split():
        if line == "bad":
            raise RuntimeError("no such thing")
        yield {"Name": line, "values": (1, 2)}
"""


def test_a_strangers_format_is_collected_as_well(project: Project) -> None:
    project({"reader.py": STRANGER, "data/a.csv": "x y x", "data/b.yaml": A})
    outcome = project.run("-p", "reader", "collect", "data", "--dest", "all.yaml")
    assert outcome, outcome
    written = (project.path / "all.yaml").read_text()
    assert written.count("---") == 3
    assert "Name: x\nvalues: [1, 2]\n" in written


def test_a_stranger_that_fails_is_named(project: Project) -> None:
    project({"reader.py": STRANGER, "data/a.csv": "bad"})
    outcome = project.run("-p", "reader", "collect", "data")
    assert outcome.code == 3
    assert "plugin 'reader' failed in coolrun_collect: RuntimeError: no such thing" in outcome.err
