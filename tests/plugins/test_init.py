"""`coolrun init`: a project that runs at once, and that destroys nothing."""

from __future__ import annotations

from coolrun.testing import Project

WRITTEN = {"experiment.yaml", "modules/__init__.py", "modules/example.py"}


def files(project: Project) -> set[str]:
    return {str(f.relative_to(project.path)) for f in project.path.rglob("*") if f.is_file()}


def test_the_project_runs_at_once(project: Project) -> None:
    made = project.run("init")
    assert made.code == 0
    assert files(project) == WRITTEN
    assert made.out.splitlines()[-1] == "next: coolrun --dry, then coolrun"
    dry = project.run("--dry")
    assert dry.code == 0
    assert files(project) == WRITTEN
    outcome = project.run()
    assert outcome.code == 0
    assert outcome.err == "", "a new project gives no reason for notes"
    assert [r["Name"] for r in outcome.records] == [
        "small",
        "half of small",
        *["repeated"] * 3,
    ]
    assert [r["seed"] for r in outcome.records] == [0, 0, 0, 1, 2]
    assert all("DISTANCE" in r for r in outcome.records)
    assert (project.path / "data" / "log.yaml").is_file()


def test_another_folder_is_made(project: Project) -> None:
    outcome = project.run("init", "my/study")
    assert outcome.code == 0
    assert files(project) == {f"my/study/{name}" for name in WRITTEN}
    assert outcome.out.splitlines()[-1] == "next: cd my/study && coolrun --dry, then coolrun"


def test_what_is_to_be_typed_next_can_be_typed(project: Project) -> None:
    last = project.run("init", "my study").out.splitlines()[-1]
    assert last == "next: cd 'my study' && coolrun --dry, then coolrun"


def test_nothing_that_is_there_is_touched(project: Project) -> None:
    project({"modules/example.py": "mine\n"})
    outcome = project.run("init")
    assert outcome.code == 4
    assert "'modules/example.py' is there already; nothing was written" in outcome.err
    assert "coolrun init FOLDER" in outcome.err
    assert files(project) == {"modules/example.py"}


def test_a_package_that_is_there_is_kept(project: Project) -> None:
    project({"modules/__init__.py": "mine = 1\n"})
    assert project.run("init").code == 0
    assert (project.path / "modules" / "__init__.py").read_text() == "mine = 1\n"


def test_a_file_in_the_way_is_told(project: Project) -> None:
    outcome = project({"there": ""}).run("init", "there")
    assert outcome.code == 4
    assert "cannot write in" in outcome.err
    assert "Traceback" not in outcome.err
