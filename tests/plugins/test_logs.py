"""`coolrun logs`: the bytes of a run."""

from __future__ import annotations

import subprocess

import pytest

from coolrun.experiment import Experiment
from coolrun.journal import Journal
from coolrun.run import Status
from coolrun.store import SessionFolder
from coolrun.testing import Project
from coolrun.testing.sessions import run_of, write_session

BYTES = b"epoch 1\n\x1b[31mred\x1b[0m\r\xff\xfe no end"


@pytest.fixture
def some() -> list[Experiment]:
    return [Experiment({"Name": name}) for name in "abc"] + [Experiment({}, skipped="why not")]


@pytest.fixture
def folder(project: Project, some: list[Experiment]) -> SessionFolder:
    """The first has ended after two attempts, the second has printed nothing."""
    ends = {0: (Status.DONE, None, 1.0), 1: (Status.DONE, None, 1.0)}
    folder = write_session(project.path, some, ends=ends)
    again = run_of(folder, some[0], attempt=2)
    journal = Journal(folder.journal)
    journal.started([again])
    journal.ended(again.token, Status.DONE, None, 1.0)
    journal.close()
    again.folder.mkdir(parents=True)
    run_of(folder, some[0]).output.write_bytes(b"first attempt\n")
    again.output.write_bytes(BYTES)
    return folder


def logs(project: Project, *args: str) -> bytes:
    command, env, _ = project.command("logs", *args)
    done = subprocess.run(
        command, cwd=project.path, env=env, capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    return done.stdout


@pytest.mark.parametrize("follow", [[], ["-f"], ["--follow"]])
def test_the_last_attempt_is_printed_byte_for_byte(
    project: Project, folder: SessionFolder, follow: list[str]
) -> None:
    for which in ("0", "a", f"{folder.name}.0", f"{folder.name[-4:]}.0", f"{folder.name}.0.2"):
        assert logs(project, *follow, which) == BYTES


def test_an_earlier_attempt_is_named_by_its_run_id(project: Project, folder: SessionFolder) -> None:
    assert logs(project, f"{folder.name}.0.1") == b"first attempt\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["1"], "has printed nothing"),
        (["-f", "1"], "has printed nothing"),
        (["c"], "has not begun"),
        (["-f", "c"], "has not begun"),
        (["3"], "is skipped: why not"),
        (["9"], "has no run 9"),
        (["zz"], "has no run 'zz'"),
    ],
)
def test_where_there_is_nothing_to_print_it_is_said(
    project: Project, folder: SessionFolder, args: list[str], words: str
) -> None:
    outcome = project.run("logs", *args)
    assert outcome.code == 4
    assert words in outcome.err
    assert outcome.out == ""


def test_a_reader_that_goes_away_is_no_error(project: Project, folder: SessionFolder) -> None:
    run = run_of(folder, Experiment({}, position=0), attempt=2)
    run.output.write_bytes(b"x\n" * 1_000_000)
    command, env, _ = project.command("logs", "0")
    with subprocess.Popen(
        command, cwd=project.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""
