"""Where the files of a run are, and where it works."""

from __future__ import annotations

from pathlib import Path

import pytest

import coolrun
from coolrun import CoolrunError
from coolrun.testing import Project

WORK = """
    import os
    from pathlib import Path

    def main(exp):
        print("printed")
        Path("made").write_text("x")
        exp.CWD = os.getcwd()
        exp.FOLDER = os.environ["COOLRUN_RUN_DIR"]
    """


def definition(*documents: str, default: str = "") -> dict[str, str]:
    text = "\n---\n".join([f"Module: work\n{default}", *documents])
    return {"work.py": WORK, "experiment.yaml": text}


def test_the_files_of_a_run_are_where_output_says(project: Project) -> None:
    done = project(definition("Output: results/a", "{}")).run()
    assert done
    assert (project.path / "results/a/output.log").read_text() == "printed\n"
    assert done.records[0]["FOLDER"] == str(project.path / "results/a")
    assert done.records[0]["CWD"] == str(project.path)
    (runs,) = project.path.glob(".coolrun/sessions/*/runs")
    assert [folder.name for folder in runs.iterdir()] == ["0001"]


@pytest.mark.parametrize("isolate", ["fork", "spawn"])
def test_a_run_may_work_in_its_own_folder_and_finds_the_project(
    project: Project, isolate: str
) -> None:
    default = f"Cwd: run\nGlobal: {{isolate: {isolate}}}"
    done = project(definition("Output: results/a", "{}", default=default)).run()
    assert done
    for record in done.records:
        assert record["CWD"] == record["FOLDER"]
        assert (Path(record["CWD"]) / "made").exists()
    assert not (project.path / "made").exists()


def test_two_experiments_with_one_folder_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text("Module: m\n---\nOutput: a/b\n---\nOutput: a/../a/b/\n", encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    assert "is the folder of experiment 0 as well" in str(caught.value)
    assert "experiment.yaml:5:" in str(caught.value)


def test_copies_tell_their_folders_apart_by_an_expression(project: Project) -> None:
    done = project(definition('Repeat: 2\nOutput: parse f"out/{REP}"')).run()
    assert [Path(record["FOLDER"]).name for record in done.records] == ["0", "1"]
    assert project(definition("Repeat: 2\nOutput: out")).run("--dry").code == 4


def test_files_of_an_earlier_run_are_not_overwritten(project: Project) -> None:
    files = project(definition("Output: out"))
    assert files.run()
    again = files.run()
    assert again.code == 4
    assert "it holds files of an earlier run (output.log, results.jsonl)" in again.err
    assert not again.records


def test_every_attempt_keeps_its_output_beside_the_others(project: Project) -> None:
    work = "def main(exp):\n    print('x')\n    1 / 0\n"
    files = {"work.py": work, "experiment.yaml": "Module: work\n---\n{Output: o, Retries: 1}\n"}
    project(files).run()
    assert {p.name for p in (project.path / "o").glob("output*")} == {"output.log", "output.2.log"}


def test_results_in_another_folder_are_read_by_who_awaits_them(project: Project) -> None:
    files = {
        "work.py": "def main(exp):\n    exp.X = 5\n",
        "experiment.yaml": "Module: work\n---\nOutput: out\n---\nx: await E[-1].X\n",
    }
    assert project(files).run().records[1]["x"] == 5


def test_an_awaited_folder_of_another_run_blocks_that_run_alone(project: Project) -> None:
    files = {
        "work.py": "def main(exp):\n    exp.WHERE = 'out'\n",
        "experiment.yaml": "Module: work\n---\nOutput: out\n---\nOutput: await E[-1].WHERE\n",
    }
    done = project(files).run()
    assert [record["STATUS"] for record in done.records] == ["done", "blocked"]
    assert "folder of experiment 0 as well" in done.records[1]["FAILURE"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Output: 5", "Output is 5 (expected a path)"),
        ("Output: ''", "expected a path"),
        ("Cwd: home", "Cwd is 'home' (expected project or run)"),
    ],
)
def test_what_is_no_place_is_refused_where_it_stands(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"Module: m\n---\n{line}\n", encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    assert words in str(caught.value)
    assert "experiment.yaml:3:" in str(caught.value)


def test_a_folder_that_cannot_be_made_is_told_before_the_first_launch(project: Project) -> None:
    done = project({**definition("{}", "Output: file/a"), "file": "text"}).run()
    assert done.code == 4
    assert "is no folder" in done.err
    assert not done.records
