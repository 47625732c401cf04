"""Odd terminals: closed streams, hostile text, an unexpected failure."""

from __future__ import annotations

import subprocess

import pytest

from coolrun.testing import Project

RUNS = {
    "m.py": "def main(exp):\n    print('hello')\n    exp.A = 1\n",
    "experiment.yaml": "Module: m\nYamlLog: log.yaml\n---\n{}\n",
}


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_hurt_nothing(project: Project, closed: str) -> None:
    project(RUNS)
    command, environment, _ = project.command()
    words = " ".join(command)
    done = subprocess.run(
        ["sh", "-c", f"{words} {closed}"],
        cwd=project.path,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert (project.path / "log.yaml").read_text().count("STATUS: done") == 1
    assert "hello" not in (project.path / "log.yaml").read_text()


def test_a_hostile_name_never_reaches_the_terminal_as_it_is(project: Project) -> None:
    outcome = project.run("--exp", "no\x1b[2J.yaml")
    assert outcome.code == 4
    assert "\x1b" not in outcome.err
    assert r"no\x1b[2J.yaml" in outcome.err


def test_what_nobody_expected_is_told_whole_and_is_an_exit_code_of_its_own(
    project: Project,
) -> None:
    project(
        {
            **RUNS,
            "odd.py": """
                from coolrun import hookimpl

                @hookimpl
                def coolrun_addoption(parser):
                    parser.add_command("odd", help="fails", handler=lambda config: 1 // 0)
            """,
        }
    )
    outcome = project.run("-p", "odd", "odd", env={"PYTHONPATH": str(project.path)})
    assert outcome.code == 3
    assert outcome.err.endswith(
        "error: plugin 'odd' failed: ZeroDivisionError: integer division or modulo by zero\n"
        "  mend it, or leave it out: -p no:odd\n"
    )
    assert "odd.py" in outcome.err
