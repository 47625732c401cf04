"""What is told about a session: a few messages, each worth reading."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.experiment import Experiment
from coolrun.run import Exit, Record, Run, Status
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for
from coolrun_plugins.notify.best import MOST, Best
from coolrun_plugins.notify.failures import FIRST_PAUSE, LINES, Failures

LISTENER = """
    import dataclasses, json
    from coolrun import hookimpl

    @hookimpl
    def coolrun_notify(notification, session):
        with open("told.jsonl", "a") as file:
            print(json.dumps(dataclasses.asdict(notification)), file=file)
    """
WORK = """
    import os, time

    def main(exp):
        print("one\\ntwo")
        if exp.get("broken"):
            raise ValueError(f"no luck with {exp.REP}")
        deadline = time.monotonic() + 60
        while exp.get("waits") and not os.path.exists("go"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        exp.ACC = exp.get("lr", 0)
    """


class Listener:
    """A project in which a stranger's plugin writes down what it is told."""

    def __init__(self, project: Project) -> None:
        self.project = project({"work.py": WORK, "listener.py": LISTENER})
        self.environment = {"PYTHONPATH": str(project.path), "COOLRUN_PLUGINS": "listener"}

    def run(self, text: str, *args: str) -> list[dict[str, Any]]:
        self.project({"experiment.yaml": text})
        self.outcome = self.project.run(*args, env=self.environment)
        return self.told()

    def told(self) -> list[dict[str, Any]]:
        file = self.project.path / "told.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def titles(self) -> list[str]:
        return [told["title"] for told in self.told()]


@pytest.fixture
def listener(project: Project) -> Listener:
    return Listener(project)


def test_a_session_that_goes_well_is_told_twice(listener: Listener) -> None:
    first, last = listener.run("Module: work\n---\n{Repeat: 3}\n")
    assert (first["kind"], last["kind"]) == ("started", "finished")
    assert first["title"] == "experiment.yaml started: 3 runs"
    assert first["thread"] == last["thread"]
    assert last["title"].startswith("experiment.yaml finished in ")
    assert last["title"].endswith(": 3 done")
    assert last["counts"] == {"done": 3}
    assert last["seconds"] > 0
    assert (last["best"], last["failures"]) == ([], [])
    assert last["text"] == first["text"] == f"session {first['thread']} on {os.uname().nodename}"


def test_one_run_and_what_is_skipped_are_counted_as_people_do(listener: Listener) -> None:
    first, last = listener.run("Module: work\n---\n{}\n---\nName: skip\n")
    assert first["title"] == "experiment.yaml started: 1 run"
    assert last["counts"] == {"done": 1}


def test_failures_of_one_cause_are_told_together(listener: Listener) -> None:
    *_, last = listener.run("Module: work\n---\n{broken: true, Repeat: 4}\n")
    (failure,) = last["failures"]
    assert failure["cause"] == "ValueError: no luck with N"
    assert failure["count"] == 4
    assert failure["example"].startswith("experiment 0")
    assert failure["reason"] == "ValueError: no luck with 0"
    assert failure["lines"][-1] == "ValueError: no luck with 0"
    assert len(failure["lines"]) == LINES
    assert "\n4 x ValueError: no luck with N (such as experiment 0" in last["text"]


def test_a_run_that_is_tried_again_has_not_failed_yet(listener: Listener) -> None:
    *_, last = listener.run("Module: work\n---\n{broken: true, Retries: 2}\n")
    assert [failure["count"] for failure in last["failures"]] == [1]
    assert last["counts"] == {"failed": 1}


def test_the_best_results_are_told_by_say(listener: Listener) -> None:
    text = "Global: {say: ACC}\nModule: work\n---\n{Grid: {lr: [0.1, 0.3, 0.2]}, Name: a}\n"
    *_, last = listener.run(text)
    assert last["best"] == ["0.3  1 a", "0.2  2 a", "0.1  0 a"]
    assert last["text"].splitlines()[1:] == ["best:", *last["best"]]


def test_a_say_that_cannot_be_read_is_told_before_the_first_run(listener: Listener) -> None:
    assert listener.run("Global: {say: ACC +}\nModule: work\n---\n{}\n") == []
    assert listener.outcome.code == 4
    assert "experiment.yaml:1:15: key 'Global.say': " in listener.outcome.err


@pytest.mark.parametrize("value", ["5", "[a]", "' '"])
def test_a_say_that_is_no_expression_is_refused(listener: Listener, value: str) -> None:
    assert listener.run(f"Global: {{say: {value}}}\nModule: work\n---\n{{}}\n") == []
    assert "expected an expression or null" in listener.outcome.err


def test_another_plugin_may_say_what_is_told(listener: Listener) -> None:
    more = "\n\n    @hookimpl\n    def coolrun_say(config):\n        return '-ACC, Name'\n"
    listener.project({"listener.py": LISTENER.rstrip() + more})
    text = "Global: {say: ACC}\nModule: work\n---\n{Name: a, lr: 1}\n---\n{Name: b}\n"
    assert listener.run(text)[-1]["best"] == ["b", "a"]


def test_a_session_that_is_ended_says_how_to_go_on(listener: Listener) -> None:
    text = "Module: work\n---\n{waits: true}\n---\n{}\n"
    with started(listener, text) as process:
        printed = listener.project.path / "printed"
        # Told first, it takes signals from the moment at which it starts runs.
        wait_for(lambda: listener.told() and "started" in printed.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 2
    last = listener.told()[-1]
    assert last["kind"] == "interrupted"
    assert last["title"].startswith("experiment.yaml was ended after ")
    assert last["text"].endswith(f"\ngo on with: coolrun --resume {last['thread']}")
    assert sum(last["counts"].values()) == 2


def test_a_session_that_goes_on_says_so(listener: Listener) -> None:
    text = "Module: work\n---\n{lr: 1}\n---\n{waits: true}\n"
    with started(listener, text) as process:
        wait_for(lambda: "done        0" in (listener.project.path / "printed").read_text())
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    (listener.project.path / "go").touch()
    listener.project.run("--resume", env=listener.environment)
    assert listener.titles()[-2] == "experiment.yaml goes on: 1 of 2 runs ended before"
    assert listener.told()[-1]["kind"] == "finished"


def test_a_session_that_is_paused_says_why(listener: Listener) -> None:
    text = """
        Global: {pause_after: 2}
        Module: work
        ---
        {broken: true, Repeat: 3}
        """
    with started(listener, text) as process:
        wait_for(lambda: "paused" in [told["kind"] for told in listener.told()])
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    (paused,) = (told for told in listener.told() if told["kind"] == "paused")
    assert paused["title"] == "experiment.yaml is paused"
    assert paused["text"].startswith("2 runs in a row failed soon after the start")


def started(listener: Listener, text: str) -> subprocess.Popen[bytes]:
    """The command in the background; what it prints is in the file `printed`."""
    listener.project({"experiment.yaml": text})
    command, environment, _ = listener.project.command(env=listener.environment)
    with (listener.project.path / "printed").open("w") as printed:
        return subprocess.Popen(
            command,
            cwd=listener.project.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


def test_a_service_that_fails_stops_nothing(listener: Listener) -> None:
    broken = LISTENER.replace('with open("told.jsonl", "a") as file:', "raise OSError('no')\n")
    listener.project({"listener.py": broken.split("            print")[0]})
    listener.run("Module: work\n---\n{Repeat: 2}\n")
    assert listener.outcome.code == 0
    assert listener.outcome.err.count("plugin 'listener' failed in coolrun_notify") == 1


def test_without_the_plugin_a_service_is_told_nothing_and_all_goes_on(project: Project) -> None:
    text = LISTENER.replace("@hookimpl", "@hookimpl(optionalhook=True)")
    project({"work.py": WORK, "listener.py": text, "experiment.yaml": "Module: work\n---\n{}\n"})
    environment = {"PYTHONPATH": str(project.path), "COOLRUN_PLUGINS": "listener,no:notify"}
    outcome = project.run(env=environment)
    assert (outcome.code, outcome.err) == (0, "")
    assert not (project.path / "told.jsonl").exists()


def test_nothing_of_it_is_loaded_where_nobody_listens(project: Project) -> None:
    project({"work.py": WORK, "experiment.yaml": "Module: work\n---\n{}\n"})
    code = (
        "import sys; from coolrun.cli import main; main([]); "
        "print([m for m in sys.modules if m.startswith(('coolrun_plugins.notify.', "
        "'coolrun_plugins.slack.', 'coolrun.outbox', 'slack_sdk'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.path, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("['coolrun_plugins.notify.hookspecs']\n")


# Which failures are told when


def record(
    reason: str | None,
    results: dict[str, Any] | None = None,
    folder: Path = Path("nowhere"),
    **values: Any,
) -> Record:
    run = Run("s", Experiment(values, position=0), 1, "t", folder)
    status = Status.FAILED if reason else Status.DONE
    return Record(run, Exit("t", reason, "", 1.0, results=results or {}), status)


def counts(failures: Failures, now: float) -> list[int]:
    return [failure.count for failure in failures.news(now)]


def test_the_first_failure_is_told_at_once_and_its_like_when_there_are_ten_times_as_many() -> None:
    failures = Failures()
    failures.add(record("no place 1"))
    assert counts(failures, 100.0) == [1]
    for number in range(8):
        failures.add(record(f"no place {number}"))
    assert counts(failures, 100.0 + FIRST_PAUSE) == []
    failures.add(record("no place 9"))
    assert counts(failures, 100.0 + FIRST_PAUSE) == [10]


def test_another_cause_waits_for_its_time_and_the_times_get_longer() -> None:
    failures = Failures()
    failures.add(record("a"))
    assert counts(failures, 0.0) == [1]
    failures.add(record("b"))
    assert counts(failures, FIRST_PAUSE - 1) == []
    assert counts(failures, FIRST_PAUSE) == [1]
    failures.add(record("c"))
    assert counts(failures, 2 * FIRST_PAUSE) == []
    assert counts(failures, 3 * FIRST_PAUSE) == [1]


def test_the_output_is_told_once_and_in_the_report_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "output.log").write_text("one\ntwo\n")
    failures = Failures()
    for _ in range(10):
        failures.add(record("a", folder=tmp_path))
    assert [failure.lines for failure in failures.news(0.0)] == [("one", "two")]
    for _ in range(90):
        failures.add(record("a", folder=tmp_path))
    assert [failure.lines for failure in failures.news(FIRST_PAUSE)] == [()]
    assert [(f.count, f.lines) for f in failures.all()] == [(100, ("one", "two"))]


def test_the_most_frequent_cause_comes_first() -> None:
    failures = Failures()
    for reason in ("a", "b", "b"):
        failures.add(record(reason))
    assert [failure.cause for failure in failures.all()] == ["b", "a"]


@given(st.lists(st.sampled_from("abc"), max_size=300))
def test_a_day_of_failures_is_a_few_messages_and_none_is_lost(reasons: list[str]) -> None:
    failures, messages = Failures(), 0
    for second, reason in enumerate(reasons):
        failures.add(record(reason))
        messages += bool(failures.news(float(second)))
    assert messages <= 4
    assert sum(failure.count for failure in failures.all()) == len(reasons)


def test_countless_causes_are_kept_in_bounds() -> None:
    failures = Failures()
    for number in range(2000):
        failures.add(record("x" * (number % 900 + 1) + "y" * (number // 900)))
    assert len(failures.all()) <= 501


# The best


def best(expression: str, *records: Record) -> list[str]:
    made = Best(expression)
    for one in records:
        made.take(one)
    return made.lines()


def done(**results: Any) -> Record:
    return record(None, results, Name="n")


@given(st.lists(st.floats(), max_size=200))
def test_the_largest_are_kept_whatever_their_order(values: list[float]) -> None:
    wanted = sorted((v for v in values if v == v), reverse=True)[:MOST]
    lines = best("ACC", *(done(ACC=value) for value in values))
    numbers = [line.split("  ")[0] for line in lines if not line.startswith("say: ")]
    assert len(numbers) == len(wanted)
    shown = [float(number.replace(".inf", "inf")) for number in numbers]
    assert shown == pytest.approx(wanted, rel=1e-5)


def test_the_smallest_come_first_where_they_are_asked_for() -> None:
    assert best("-LOSS, LOSS", done(LOSS=3), done(LOSS=1)) == ["1", "3"]


def test_texts_have_no_rank_and_the_latest_are_kept() -> None:
    lines = best("f'{ACC} of {Name}'", *(done(ACC=number) for number in range(20)))
    assert lines == [f"{number} of n" for number in range(15, 20)]


def test_records_without_the_name_say_nothing() -> None:
    assert best("ACC", done(), done(ACC=1)) == ["1  0 n"]
    assert best("ACC", done(), done()) == ["say: no record has what 'ACC' reads"]
    assert best("ACC") == []


def test_an_expression_that_fails_says_why() -> None:
    (line,) = best("1 / ACC", done(ACC=0))
    assert line.startswith("say: division by zero in '1 / ACC'")


def test_a_result_cannot_fill_the_message() -> None:
    (line,) = best("(1, TEXT)", done(TEXT="x\n\x1b[31m" * 10_000))
    assert len(line) <= 200
    assert line.isprintable()
