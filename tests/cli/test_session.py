"""Whole sessions: exit codes, arguments of the module, failures, and real signals."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

MODULE = """
import pathlib
import sys
import time

def main(exp):
    exp.ARGV = sys.argv[1:]

def fail(exp):
    exp.BEFORE = [1]
    exp.BEFORE.append(2)
    raise ValueError(f"no luck with {exp.Name}")

def wait(exp):
    exp.BEGUN = True
    pathlib.Path(f"begun-{exp.Name}").touch()
    try:
        while exp.get("waits", True) and not pathlib.Path("go").exists():
            time.sleep(0.01)
    except KeyboardInterrupt:
        pathlib.Path(f"asked-{exp.Name}").touch()
        while exp.get("stubborn") and not pathlib.Path("go").exists():
            time.sleep(0.01)
        raise
"""


@pytest.fixture
def study(project: Project) -> Project:
    return project({"mod.py": MODULE, "a.yaml": "Module: mod\nYamlLog: log.yaml\n---\nName: x\n"})


def logged(project: Project) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((project.path / "log.yaml").read_text()))


# Exit codes


def test_code_0_when_all_runs_are_done(study: Project) -> None:
    outcome = study.run("--exp", "a.yaml")
    assert outcome.code == 0
    assert [r["STATUS"] for r in outcome.records] == ["done"]


def test_code_1_when_a_run_failed_and_the_next_one_starts_all_the_same(study: Project) -> None:
    study({"b.yaml": "Module: mod\nYamlLog: log.yaml\n---\nName: x\nModule: mod:fail\n---\n{}\n"})
    outcome = study.run("--exp", "b.yaml")
    assert outcome.code == 1
    assert [r["STATUS"] for r in outcome.records] == ["failed", "done"]
    assert outcome.records[0]["FAILURE"] == "ValueError: no luck with x"
    assert outcome.records[0]["BEFORE"] == [1, 2], "results so far are kept, in place changes too"
    assert [r["STATUS"] for r in logged(study)] == ["failed", "done"]
    assert "coolrun_session_finish" in outcome.hooks


BROKEN = """
from coolrun import hookimpl

@hookimpl
def {hook}(**_):
    raise LookupError("broken in {hook}")
"""


def test_code_3_when_a_plugin_is_broken_where_its_answer_is_needed(study: Project) -> None:
    study({"odd.py": BROKEN.format(hook="coolrun_plan").replace("**_", "plan")})
    outcome = study.run("-p", "odd", "--exp", "a.yaml")
    assert outcome.code == 3
    assert "plugin 'odd' failed in coolrun_plan: LookupError: broken in coolrun_plan" in outcome.err
    assert "-p no:odd" in outcome.err
    assert "Traceback" not in outcome.err
    assert not outcome.records


def test_code_4_when_the_command_line_or_the_definition_is_wrong(study: Project) -> None:
    assert study.run("--exp", "a.yaml", "+x").code == 4
    assert study.run("--exp", "nothing.yaml").code == 4


def test_code_5_when_there_is_nothing_to_run(study: Project) -> None:
    outcome = study({"b.yaml": "Module: mod\n---\nName: skip\n"}).run("--exp", "b.yaml")
    assert outcome.code == 5
    assert "nothing to run: all 1 experiments are skipped" in outcome.err
    assert "its Name is skip" in outcome.err
    assert not (study.path / ".coolrun").exists()


# Arguments


@pytest.mark.parametrize(
    ("args", "seen"),
    [
        (["-print-freq", "10"], ["-print-freq", "10"]),
        (["--gpu", "0", "1"], ["--gpu", "0", "1"]),
        (["--pick", "0", "rest"], ["--pick", "0", "rest"]),
        (["+a=b", "++c=d", "x"], ["x"]),
        (["-p", "no:solve", "x"], ["x"]),
        (["--trace-hooks", "x"], ["x"]),
        (["--", "-p", "x", "+a=b", "--dry", "--"], ["-p", "x", "+a=b", "--dry", "--"]),
        (["--resume-from=3", "a=b"], ["--resume-from=3", "a=b"]),
        (["-pick"], ["-pick"]),
        (["--dr"], ["--dr"]),
        ([""], [""]),
    ],
    ids=" ".join,
)
def test_the_module_finds_its_own_arguments(
    study: Project, args: list[str], seen: list[str]
) -> None:
    outcome = study.run("--exp", "a.yaml", *args)
    assert outcome.code == 0
    assert outcome.records[0]["ARGV"] == ["--exp", "a.yaml", *seen]


@pytest.mark.parametrize("before", [[], ["-p", "no:solve"], ["--trace-hooks"]])
def test_the_name_of_the_command_is_taken_out(study: Project, before: list[str]) -> None:
    outcome = study.run(*before, "run", "--exp", "a.yaml", "run")
    assert outcome.records[0]["ARGV"] == ["--exp", "a.yaml", "run"]


def test_overrides_reach_the_experiments(study: Project) -> None:
    outcome = study.run("--exp", "a.yaml", "+lr=0.5", "++Name=forced")
    assert (outcome.records[0]["lr"], outcome.records[0]["Name"]) == (0.5, "forced")


def test_a_flag_that_is_close_to_one_of_ours_gets_a_note_and_is_passed_on(study: Project) -> None:
    outcome = study.run("--exp", "a.yaml", "--pik", "3")
    assert "note: '--pik' is passed on to your program; did you mean --pick?" in outcome.err
    assert outcome.records[0]["ARGV"][2:] == ["--pik", "3"]


def test_hooks_are_traced_on_request(study: Project) -> None:
    outcome = study.run("--exp", "a.yaml", "--trace-hooks")
    assert "hook coolrun_read: " in outcome.err
    assert "hook coolrun_record: yamllog-files" in outcome.err
    assert "hook coolrun_post_run: " in outcome.err, "observers are traced as well"
    assert outcome.code == 0


def test_a_traced_failure_shows_where_it_happened(study: Project) -> None:
    study({"odd.py": BROKEN.format(hook="coolrun_plan").replace("**_", "plan")})
    outcome = study.run("-p", "odd", "--exp", "a.yaml", "--trace-hooks")
    assert "Traceback" in outcome.err
    assert "odd.py" in outcome.err


# Signals


class Live:
    """A session that is going on."""

    def __init__(self, project: Project, process: subprocess.Popen[bytes], output: Path) -> None:
        self._project = project
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def wait_for_file(self, name: str) -> None:
        path = self._project.path / name
        wait_for(path.exists, diagnosis=lambda: f"{name}\n{self.output}")

    def wait_for_words(self, words: str) -> None:
        wait_for(lambda: words in self.output, diagnosis=lambda: f"{words}\n{self.output}")

    def code(self) -> int:
        return self.process.wait(timeout=30)


@pytest.fixture
def start(study: Project) -> Iterator[Callable[[Sequence[str]], Live]]:
    lives: list[Live] = []

    def begin(experiments: Sequence[str], *args: str) -> Live:
        documents = ["Module: mod:wait\nYamlLog: log.yaml", *experiments]
        study({"wait.yaml": "\n---\n".join(documents) + "\n"})
        command, environment, _ = study.command("--exp", "wait.yaml", *args)
        output = study.path / "session.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=study.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        lives.append(Live(study, process, output))
        return lives[-1]

    yield begin
    (study.path / "go").touch()
    for live in lives:
        if live.process.poll() is None:
            live.send(signal.SIGTERM)
            live.code()


Start = Callable[[Sequence[str]], Live]


def test_one_interrupt_stops_what_runs_and_the_queue_goes_on(start: Start, study: Project) -> None:
    live = start(["Name: a", "Name: b\nwaits: false"])
    live.wait_for_file("begun-a")
    live.send(signal.SIGINT)
    live.wait_for_words("press Ctrl-C again within 2 seconds to end the session")
    assert live.code() == 1
    first, second = logged(study)
    assert first["STATUS"] == "interrupted"
    assert first["FAILURE"] == "KeyboardInterrupt"
    assert first["BEGUN"] is True
    assert second["STATUS"] == "done"
    assert "the queue goes on" in live.output


def test_a_second_interrupt_ends_the_session(start: Start, study: Project) -> None:
    live = start(["Name: a", "Name: b"])
    live.wait_for_file("begun-a")
    live.send(signal.SIGINT)
    live.wait_for_words("press Ctrl-C again")
    live.send(signal.SIGINT)
    assert live.code() == 2
    assert [r["STATUS"] for r in logged(study)] == ["interrupted"]
    assert not (study.path / "begun-b").exists()


def test_two_interrupts_at_once_abort_what_runs(start: Start, study: Project) -> None:
    live = start(["Name: a\nstubborn: true", "Name: b"])
    live.wait_for_file("begun-a")
    live.send(signal.SIGINT)
    live.wait_for_file("asked-a")
    live.send(signal.SIGINT)
    live.wait_for_words("ending the session")
    (study.path / "go").touch()
    assert live.code() == 2
    assert [r["STATUS"] for r in logged(study)] == ["aborted"]


def test_a_third_interrupt_kills(start: Start, study: Project) -> None:
    live = start(["Name: a\nstubborn: true", "Name: b"])
    live.wait_for_file("begun-a")
    live.send(signal.SIGINT)
    live.wait_for_file("asked-a")
    live.send(signal.SIGINT)
    live.wait_for_words("ending the session")
    live.send(signal.SIGINT)
    assert live.code() == 2
    (record,) = logged(study)
    assert record["STATUS"] == "aborted"
    assert record["BEGUN"] is True, "what was set before is kept even when it is killed"


def test_terminate_ends_the_session_and_aborts_what_runs(start: Start, study: Project) -> None:
    live = start(["Name: a", "Name: b"])
    live.wait_for_file("begun-a")
    live.send(signal.SIGTERM)
    assert live.code() == 2
    assert [r["STATUS"] for r in logged(study)] == ["aborted"]


def test_hanging_up_stops_nothing(start: Start, study: Project) -> None:
    live = start(["Name: a", "Name: b\nwaits: false"])
    live.wait_for_file("begun-a")
    live.send(signal.SIGHUP)
    (study.path / "go").touch()
    assert live.code() == 0
    assert [r["STATUS"] for r in logged(study)] == ["done", "done"]


def test_no_process_of_a_session_outlives_it(start: Start, study: Project) -> None:
    live = start(["Name: a"])
    live.wait_for_file("begun-a")
    live.send(signal.SIGTERM)
    assert live.code() == 2
    token = str(study.path).encode()

    def none_left() -> bool:
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "cwd") == token.decode():
                    return False
            except OSError:
                continue
        return True

    wait_for(none_left)


INTERRUPTS = """
import os, signal
from coolrun import hookimpl

@hookimpl
def {hook}({argument}):
    if not os.path.exists("once"):
        open("once", "w").close()
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):  # the handler runs between two instructions
            pass
"""


@pytest.mark.parametrize(
    ("hook", "argument"),
    [
        ("coolrun_addoption", "parser"),
        ("coolrun_configure", "config"),
        ("coolrun_read", "path"),
        ("coolrun_expand", "experiment"),
        ("coolrun_parse", "experiment"),
        ("coolrun_plan", "plan"),
        ("coolrun_check", "plan"),
        ("coolrun_queue", "config"),
        ("coolrun_launch", "config"),
        ("coolrun_session_start", "session"),
    ],
)
def test_an_interrupt_before_the_first_run_ends_quietly(
    study: Project, hook: str, argument: str
) -> None:
    study({"odd.py": INTERRUPTS.format(hook=hook, argument=argument)})
    outcome = study.run("-p", "odd", "--exp", "a.yaml")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert "error" not in outcome.err
    assert not outcome.records


@pytest.mark.parametrize(
    ("hook", "argument", "code"),
    [
        ("coolrun_pre_launch", "run", {0, 1}),
        ("coolrun_run_start", "run", {0, 1}),
        ("coolrun_record", "run", {0}),
        ("coolrun_post_run", "run", {0}),
        ("coolrun_session_finish", "session", {0, 2}),
    ],
)
def test_an_interrupt_at_any_later_moment_loses_no_record(
    study: Project, hook: str, argument: str, code: set[int]
) -> None:
    study({"odd.py": INTERRUPTS.format(hook=hook, argument=argument)})
    outcome = study.run("-p", "odd", "--exp", "a.yaml")
    assert outcome.code in code
    assert "Traceback" not in outcome.err
    assert len(logged(study)) == 1
