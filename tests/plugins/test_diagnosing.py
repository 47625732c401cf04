"""A plugin says better than the run itself why it failed."""

from __future__ import annotations

import os
import signal
import subprocess

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

DOCTOR = """
    from coolrun import hookimpl

    @hookimpl
    def coolrun_diagnose(run, exited, config):
        (config.cwd / "asked").open("a").write(f"{run.id.partition('.')[2]} {exited.failure}\\n")
        return "no disk left" if "disk" in run.output.read_text() else None
    """
WORK = """
    import os, time
    from pathlib import Path
    from coolrun.testing.waiting import wait_for

    def main(exp):
        print(exp.words)
        if exp.get("code"):
            os._exit(exp.code)
        time.sleep(exp.get("seconds", 0))

    def hold(exp):
        Path("ready").touch()
        wait_for(Path("go").exists)
        print("the disk is full")
        raise SystemExit(3)
    """


def test_a_diagnosis_is_the_failure_wherever_that_is_told(project: Project) -> None:
    text = """
        Module: work
        ---
        {words: the disk is full, code: 3}
        ---
        {words: something else, code: 4}
        ---
        {words: the disk is fine}
        ---
        {words: the disk is slow, seconds: 60, Timeout: 0.2}
        """
    files = {"work.py": WORK, "doctor.py": DOCTOR, "experiment.yaml": text}
    done = project(files).run("-p", "doctor")
    assert [record.get("FAILURE") for record in done.records] == [
        "no disk left",
        "exit code 4",
        None,
        "it ran longer than its Timeout of 0.20 s",
    ]
    assert "no disk left" in done.out
    assert (project.path / "asked").read_text() == "0.1 exit code 3\n1.1 exit code 4\n"
    (journal,) = project.path.glob(".coolrun/sessions/*/journal.jsonl")
    assert "no disk left" in journal.read_text()
    assert "exit code 3" not in journal.read_text()


def test_a_run_that_failed_while_nobody_looked_is_diagnosed_too(project: Project) -> None:
    text = "Module: work:hold\n---\n{}\n"
    files = {"work.py": WORK, "doctor.py": DOCTOR, "experiment.yaml": text}
    command, environment, _ = project(files).command("-p", "doctor")
    with subprocess.Popen(command, cwd=project.path, env=environment) as runner:
        wait_for((project.path / "ready").exists)
        os.kill(runner.pid, signal.SIGKILL)
    (project.path / "go").touch()
    (results,) = project.path.glob(".coolrun/sessions/*/runs/0000/results.jsonl")
    wait_for(lambda: '["exit",' in results.read_text())
    done = project.run("-p", "doctor", "--resume")
    assert [record["FAILURE"] for record in done.records] == ["no disk left"], done
