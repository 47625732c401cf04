"""Trying out one run."""

from __future__ import annotations

from coolrun.testing import Project

FILES = {
    "work.py": """
        import os, sys

        def main(exp):
            print("seen on the screen")
            exp.PROCESS = os.getpid()
            exp.ANSWER = sys.stdin.readline()
        """,
    "experiment.yaml": """
        Module: work
        YamlLog: log.yaml
        Global: {jobs: 4}
        ---
        {Name: a}
        ---
        {Name: b}
        ---
        {Name: c}
        """,
}


def test_the_first_picked_run_goes_on_in_this_process_and_terminal(project: Project) -> None:
    done = project(FILES).run("--debug", "--pick", "1,2", stdin="typed\n")
    (record,) = done.records
    assert record["Name"] == "b"
    assert record["ANSWER"] == "typed\n"
    assert "seen on the screen" in done.out


def test_what_is_tried_out_does_not_get_among_results(project: Project) -> None:
    done = project(FILES).run("--debug")
    assert done
    assert not (project.path / "log.yaml").exists()
    assert not (project.path / ".coolrun/sessions").exists()
    (log,) = project.path.glob(".coolrun/debug/*/log.yaml")
    assert "ANSWER" in log.read_text()
    assert ".coolrun/debug" in done.out


def test_without_the_plugin_that_runs_in_this_process_it_is_refused(project: Project) -> None:
    done = project(FILES).run("--debug", "-p", "no:inline")
    assert done.code == 4
    assert "--debug needs the plugin 'inline'" in done.err
