"""Runs that take too long, or print nothing, are stopped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import coolrun
from coolrun import CoolrunError
from coolrun.experiment import Experiment
from coolrun.run import Run
from coolrun.testing import Project
from coolrun_plugins.limits import Watched

WORK = """
    import time

    def wait(exp):
        exp.BEFORE = 1
        time.sleep(60)

    def print_for_ever(exp):
        while True:
            print("still here", flush=True)
            time.sleep(0.02)

    def fine(exp):
        exp.DONE = True
    """


def run(folder: Path) -> Run:
    return Run("s", Experiment({}, position=0), 1, "t", folder)


def test_a_run_longer_than_its_timeout_is_stopped_and_keeps_its_results(project: Project) -> None:
    text = "Module: work:wait\nTimeout: 0.3\n---\n{}\n---\nModule: work:fine\n"
    done = project({"work.py": WORK, "experiment.yaml": text}).run()
    first, second = done.records
    assert (first["STATUS"], second["STATUS"]) == ("timeout", "done"), done
    assert first["FAILURE"] == "it ran longer than its Timeout of 0.30 s"
    assert first["BEFORE"] == 1
    assert done.code == 1


def test_a_run_that_prints_nothing_is_stopped_and_one_that_prints_is_not(project: Project) -> None:
    text = """
        Global: {jobs: 2}
        ---
        {Module: 'work:wait', Stalled: 0.3}
        ---
        {Module: 'work:print_for_ever', Stalled: 0.5, Timeout: 1.5}
        """
    done = project({"work.py": WORK, "experiment.yaml": text}).run()
    failures = {record["Module"]: record["FAILURE"] for record in done.records}
    assert failures == {
        "work:wait": "it printed nothing for 0.30 s (Stalled)",
        "work:print_for_ever": "it ran longer than its Timeout of 1.5 s",
    }


def test_a_limit_may_be_awaited_and_what_is_none_blocks_that_run_alone(project: Project) -> None:
    files = {
        "work.py": "def main(exp):\n    exp.T = -1\n",
        "experiment.yaml": "Module: work\n---\n{}\n---\nTimeout: await E[0].T\n---\n{}\n",
    }
    done = project(files).run()
    assert [record["STATUS"] for record in done.records] == ["done", "blocked", "done"]
    assert "key 'Timeout'" in done.records[1]["FAILURE"]


@pytest.mark.parametrize("key", ["Timeout", "Stalled"])
@pytest.mark.parametrize("value", ["soon", "-1", "0", "[1]", "true", "1:99"])
def test_what_is_no_length_of_time_is_refused_where_it_stands(
    tmp_path: Path, key: str, value: str
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"Module: m\n---\n{key}: {value}\n", encoding="utf-8")
    with pytest.raises(CoolrunError, match=rf"experiment.yaml:3:.*key '{key}': {key} is"):
        coolrun.plan(file)


def test_no_limit_is_exceeded_before_its_time(tmp_path: Path) -> None:
    watched = Watched(10.0, None, begun=100.0, now=100.0)
    assert watched.reason_to_stop(run(tmp_path), 109.9) is None
    assert re.search("Timeout of 10 s", str(watched.reason_to_stop(run(tmp_path), 110.0)))


def test_what_is_printed_puts_off_the_end(tmp_path: Path) -> None:
    watched, output = Watched(None, 5.0, begun=0.0, now=0.0), run(tmp_path).output
    output.write_text("one\n")
    assert watched.reason_to_stop(run(tmp_path), 4.0) is None
    output.write_text("one\ntwo\n")
    assert watched.reason_to_stop(run(tmp_path), 8.0) is None
    assert watched.reason_to_stop(run(tmp_path), 12.9) is None
    assert "printed nothing for 5.0 s" in str(watched.reason_to_stop(run(tmp_path), 13.0))
