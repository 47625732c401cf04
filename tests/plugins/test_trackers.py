"""What runs are called where a tracker shows them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import coolrun
from coolrun import CoolrunError
from coolrun.testing import Project

WORK = """
    import os

    def main(exp):
        exp.SEEN = {k: v for k, v in os.environ.items() if k.startswith(("WANDB", "MLFLOW"))}
        if int(os.environ["COOLRUN_ATTEMPT"]) < exp.get("good", 1):
            raise ValueError("not yet")
    """
SWEEP = """
    Module: work
    Global: {trackers: [wandb, mlflow]}
    lr: 0.1
    optimizer: {name: sgd, momentum: 0.9}
    ---
    Name: base
    ---
    Name: fine
    Desc: a smaller step
    lr: 0.01
    ---
    optimizer: {name: adam, momentum: 0.9}
    """


def seen(project: Project, text: str, **env: str) -> list[dict[str, str]]:
    done = project({"work.py": WORK, "sweep.yaml": text}).run("--exp", "sweep.yaml", env=env)
    assert done.records, done
    return [record["SEEN"] for record in done.records]


def tags(variables: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = json.loads(variables["MLFLOW_RUN_CONTEXT"])
    return found


def test_a_run_is_called_by_its_name_what_differs_and_its_position(project: Project) -> None:
    runs = seen(project, SWEEP)
    names = [
        "base lr=0.1 optimizer.name=sgd #0",
        "fine lr=0.01 optimizer.name=sgd #1",
        "lr=0.1 optimizer.name=adam #2",
    ]
    assert [run["WANDB_NAME"] for run in runs] == names
    assert [tags(run)["mlflow.runName"] for run in runs] == names


def test_the_definition_names_the_experiment_and_with_the_session_the_group(
    project: Project,
) -> None:
    first, second, _ = seen(project, SWEEP)
    session = tags(first)["coolrun.session"]
    assert first["MLFLOW_EXPERIMENT_NAME"] == "sweep"
    assert first["WANDB_RUN_GROUP"] == second["WANDB_RUN_GROUP"] == f"sweep-{session}"
    assert tags(second)["coolrun.run"] == f"{session}.1.1"


def test_a_definition_of_the_usual_name_is_called_like_its_folder(project: Project) -> None:
    text = "Module: work\nGlobal: {trackers: mlflow}\n---\nx: 1\n"
    done = project({"work.py": WORK, "experiment.yaml": text}).run()
    (record,) = done.records
    assert record["SEEN"]["MLFLOW_EXPERIMENT_NAME"] == "project"
    assert tags(record["SEEN"])["mlflow.runName"] == "x=1 #0"


def test_without_the_setting_nothing_is_set(project: Project) -> None:
    assert seen(project, "Module: work\n---\n{}\n") == [{}]
    for off in ("false", "null", "[]"):
        assert seen(project, f"Module: work\nGlobal: {{trackers: {off}}}\n---\n{{}}\n") == [{}]


def test_each_tracker_can_be_named_alone(project: Project) -> None:
    (wandb,) = seen(project, "Module: work\nGlobal: {trackers: wandb}\n---\n{}\n")
    assert {name.partition("_")[0] for name in wandb} == {"WANDB"}
    (mlflow,) = seen(project, "Module: work\nGlobal: {trackers: [mlflow]}\n---\n{}\n")
    assert {name.partition("_")[0] for name in mlflow} == {"MLFLOW"}


def test_attempts_of_one_run_are_one_run_of_wandb_and_several_of_mlflow(project: Project) -> None:
    text = (
        "Module: work\nGlobal: {trackers: [wandb, mlflow]}\n---\n{good: 2, Retries: 1}\n---\n{}\n"
    )
    first, second, other = seen(project, text)
    assert first["WANDB_RUN_ID"] == second["WANDB_RUN_ID"] != other["WANDB_RUN_ID"]
    assert {run["WANDB_RESUME"] for run in (first, second, other)} == {"allow"}
    assert first["WANDB_NAME"] == second["WANDB_NAME"]
    assert tags(second)["mlflow.runName"] == f"{tags(first)['mlflow.runName']} (attempt 2)"


@pytest.mark.parametrize("letter", ["x", "\U0001f600"])
def test_notes_are_cut_before_they_keep_a_program_from_starting(
    project: Project, letter: str
) -> None:
    text = f"""
        Command: 'true'
        Global: {{trackers: [wandb, mlflow]}}
        ---
        Desc: {letter * 200_000}
        """
    done = project({"sweep.yaml": text}).run("--exp", "sweep.yaml")
    assert done.code == 0, done.err[-2000:]


def test_description_and_comment_are_the_notes(project: Project) -> None:
    files = {"work.py": WORK, "sweep.yaml": SWEEP}
    done = project(files).run("--exp", "sweep.yaml", "--comment", "before the move")
    base, fine, _ = (record["SEEN"] for record in done.records)
    assert base["WANDB_NOTES"] == tags(base)["mlflow.note.content"] == "before the move"
    assert fine["WANDB_NOTES"] == "a smaller step\n\nbefore the move"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WANDB_NAME", "mine"),
        ("WANDB_RUN_GROUP", "mine"),
        ("WANDB_RUN_ID", "mine"),
        ("WANDB_RESUME", "never"),
        ("WANDB_DIR", "/tmp"),
        ("WANDB_NOTES", ""),
        ("MLFLOW_EXPERIMENT_NAME", "mine"),
    ],
)
@pytest.mark.parametrize("where", ["environment", "Env", "EnvFile"])
def test_a_value_of_the_users_own_wins(project: Project, name: str, value: str, where: str) -> None:
    line = {"Env": f"Env: {{{name}: '{value}'}}", "EnvFile": "EnvFile: own.env"}.get(where, "{}")
    project({"own.env": f"{name}='{value}'\n"})
    text = f"Module: work\nDesc: x\nGlobal: {{trackers: [wandb, mlflow]}}\n---\n{line}\n"
    (run,) = seen(project, text, **({name: value} if where == "environment" else {}))
    assert run[name] == value


@pytest.mark.parametrize("where", ["environment", "Env"])
@pytest.mark.parametrize(
    ("own", "absent"),
    [
        ("WANDB_RUN_ID", "WANDB_RESUME"),
        ("MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"),
        ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"),
    ],
)
def test_what_belongs_to_a_value_of_the_users_own_is_left_to_them(
    project: Project, own: str, absent: str, where: str
) -> None:
    line = f"Env: {{{own}: abc}}" if where == "Env" else "{}"
    text = f"Module: work\nGlobal: {{trackers: [wandb, mlflow]}}\n---\n{line}\n"
    (run,) = seen(project, text, **({own: "abc"} if where == "environment" else {}))
    assert run[own] == "abc"
    assert absent not in run


def test_tags_of_the_users_own_are_kept_and_win(project: Project) -> None:
    text = "Module: work\nGlobal: {trackers: mlflow}\n---\n{}\n"
    (run,) = seen(project, text, MLFLOW_RUN_CONTEXT='{"team": "a"}')
    assert tags(run)["team"] == "a"
    assert tags(run)["mlflow.runName"] == "sweep #0"
    (run,) = seen(project, text, MLFLOW_RUN_CONTEXT='{"mlflow.runName": "mine"}')
    assert tags(run)["mlflow.runName"] == "mine"
    for odd in ("no json", "[1]"):
        (run,) = seen(project, text, MLFLOW_RUN_CONTEXT=odd)
        assert run["MLFLOW_RUN_CONTEXT"] == odd


def test_the_files_of_wandb_go_to_the_folder_of_the_run_which_is_there(project: Project) -> None:
    work = """
        import os

        def main(exp):
            exp.SEEN = [os.environ["WANDB_DIR"], os.environ["COOLRUN_RUN_DIR"]]
            exp.THERE = os.path.isdir(os.environ["WANDB_DIR"])
        """
    text = "Module: work\nGlobal: {trackers: wandb}\n---\n{}\n---\nOutput: results/a\n"
    done = project({"work.py": work, "experiment.yaml": text}).run()
    for record in done.records:
        folder, own = record["SEEN"]
        assert folder == own
        assert record["THERE"]
    assert done.records[1]["SEEN"][0] == str(project.path / "results" / "a")


def test_long_and_odd_names_are_one_short_line(project: Project) -> None:
    text = f"""
        Module: work
        Global: {{trackers: wandb}}
        ---
        Name: "{"n" * 300}"
        ---
        Name: "two\\nlines"
        text: "{"v" * 300}"
        """
    long, odd = (run["WANDB_NAME"] for run in seen(project, text))
    assert len(long) <= 100
    assert long.endswith("n... #0")
    assert odd.startswith(r"two\nlines text=vvv")
    assert odd.endswith("v... #1")


def test_a_command_finds_the_same(project: Project) -> None:
    text = """
        Command: python -c "import os; print(os.environ['WANDB_NAME'])"
        Global: {trackers: wandb}
        ---
        Name: base
        """
    done = project({"sweep.yaml": text}).run("--exp", "sweep.yaml")
    assert done.code == 0
    (output,) = project.path.glob(".coolrun/sessions/*/runs/*/output.log")
    assert output.read_text() == "base #0\n"


def test_a_resumed_session_gives_the_same_names(project: Project) -> None:
    text = "Module: work\nGlobal: {trackers: [wandb, mlflow]}\n---\n{good: 2}\n---\nlr: 1\n"
    first, _ = seen(project, text)
    done = project.run("--resume", "--retry-failed")
    (again,) = (record["SEEN"] for record in done.records)
    for name in ("WANDB_NAME", "WANDB_RUN_GROUP", "WANDB_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
        assert again[name] == first[name]


@pytest.mark.parametrize("value", ["tensorboard", "[wandb, 1]", "true", "3", "{wandb: 1}"])
def test_what_is_no_tracker_is_refused(tmp_path: Path, value: str) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"Module: m\nGlobal: {{trackers: {value}}}\n---\n{{}}\n", encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    assert "expected wandb or mlflow, or a list of these" in str(caught.value)


def test_mlflow_itself_takes_the_names(project: Project, tmp_path: Path) -> None:
    work = """
        import mlflow

        def main(exp):
            with mlflow.start_run() as run:
                mlflow.log_param("lr", exp.lr)
            found = mlflow.get_run(run.info.run_id)
            exp.RUN = found.info.run_name
            exp.EXPERIMENT = mlflow.get_experiment(found.info.experiment_id).name
            exp.TAGS = dict(found.data.tags)
            with mlflow.start_run(run_name="chosen") as run:
                exp.CHOSEN = run.info.run_name
        """
    env = {"MLFLOW_TRACKING_URI": (tmp_path / "store").as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
    done = project({"work.py": work, "sweep.yaml": SWEEP}).run("--exp", "sweep.yaml", env=env)
    assert done.code == 0, done
    found = [(record["RUN"], record["EXPERIMENT"]) for record in done.records]
    assert found == [
        ("base lr=0.1 optimizer.name=sgd #0", "sweep"),
        ("fine lr=0.01 optimizer.name=sgd #1", "sweep"),
        ("lr=0.1 optimizer.name=adam #2", "sweep"),
    ]
    assert done.records[1]["TAGS"]["mlflow.note.content"] == "a smaller step"
    assert done.records[1]["TAGS"]["coolrun.run"] == done.records[1]["RUN_ID"]
    assert done.records[0]["CHOSEN"] == "chosen"


@pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed: 70 MiB")
def test_wandb_itself_takes_the_names(project: Project) -> None:
    work = """
        import wandb

        def main(exp):
            run = wandb.init(project="p", settings=wandb.Settings(console="off"))
            exp.RUN = [run.id, run.name, run.group, run.notes, run.dir]
            run.finish()
        """
    env = {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = project({"work.py": work, "sweep.yaml": SWEEP}).run("--exp", "sweep.yaml", env=env)
    assert done.code == 0, done
    session = done.records[1]["RUN_ID"].partition(".")[0]
    found: list[Any] = done.records[1]["RUN"]
    assert found[:4] == [
        f"{session}-1",
        "fine lr=0.01 optimizer.name=sgd #1",
        f"sweep-{session}",
        "a smaller step",
    ]
    assert "/runs/0001/wandb/offline-run-" in found[4]
