"""Runs that failed are run again."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

import coolrun
from coolrun import CoolrunError
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

WORK = """
    import os
    from pathlib import Path

    def fails_until(exp):
        exp.TRY = int(os.environ["COOLRUN_ATTEMPT"])
        if exp.TRY < exp.good:
            raise ValueError(f"attempt {exp.TRY}")

    def wait(exp):
        import time
        Path(exp.started).touch()
        time.sleep(60)
    """


def test_every_attempt_is_recorded_and_the_last_one_counts(project: Project) -> None:
    text = "Module: work:fails_until\nRetries: 3\n---\ngood: 3\n---\ngood: 1\n"
    done = project({"work.py": WORK, "experiment.yaml": text}).run()
    told = [(r["good"], r["STATUS"], r.get("ATTEMPT"), r["TRY"]) for r in done.records]
    assert told == [
        (3, "failed", None, 1),
        (3, "failed", 2, 2),
        (3, "done", 3, 3),
        (1, "done", None, 1),
    ]
    assert done.code == 0


def test_it_is_given_up_after_so_many_retries(project: Project) -> None:
    text = "Module: work:fails_until\ngood: 9\n---\nRetries: 2\n---\nRetries: 0\n---\n{}\n"
    done = project({"work.py": WORK, "experiment.yaml": text}).run()
    assert [r["RUN_ID"].split(".", 1)[1] for r in done.records] == [
        "0.1",
        "0.2",
        "0.3",
        "1.1",
        "2.1",
    ]
    assert done.code == 1


def test_others_go_on_while_a_retry_waits_for_its_time(project: Project) -> None:
    text = "Module: work:fails_until\n---\n{good: 2, Retries: 1, RetryDelay: 0.3s}\n---\ngood: 1\n"
    done = project({"work.py": WORK, "experiment.yaml": text}).run()
    assert [r["RUN_ID"].split(".", 1)[1] for r in done.records] == ["0.1", "1.1", "0.2"]


def test_who_waits_for_a_retried_experiment_waits_for_its_last_attempt(project: Project) -> None:
    text = """
        Module: work:fails_until
        Global: {jobs: 2}
        ---
        {good: 2, Retries: 1, RetryDelay: 0.2}
        ---
        good: await E[-1].TRY - 1
        """
    done = project({"work.py": WORK, "experiment.yaml": text}).run()
    assert [r["RUN_ID"].split(".", 1)[1] for r in done.records] == ["0.1", "0.2", "1.1"]
    assert done.records[2]["good"] == 1


def test_what_a_person_interrupted_is_not_run_again(project: Project, tmp_path: Path) -> None:
    started = tmp_path / "started"
    files = {
        "work.py": WORK,
        "experiment.yaml": f"Module: work:wait\nRetries: 5\nstarted: {started}\n---\n{{}}\n",
    }
    command, environment, _ = project(files).command()
    process = subprocess.Popen(
        command,
        cwd=project.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(started.exists, diagnosis=lambda: f"the run never started: {process.poll()}")
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert "attempt 2" not in out
    assert "interrupted" in out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Retries: -1", "Retries is -1 (expected a whole number from 0)"),
        ("Retries: many", "Retries is 'many'"),
        ("Retries: true", "Retries is True"),
        ("RetryDelay: soon", "RetryDelay is 'soon' (expected seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(
    tmp_path: Path, line: str, words: str
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"Module: m\n---\n{line}\n", encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    assert words in str(caught.value)
    assert "experiment.yaml:3:" in str(caught.value)
