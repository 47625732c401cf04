"""`coolrun errors` and `coolrun retry`: failures by cause."""

from __future__ import annotations

import json
from pathlib import Path

from coolrun.experiment import Experiment
from coolrun.journal import Journal, read_journal
from coolrun.run import Status
from coolrun.store import SessionFolder
from coolrun.testing import Project
from coolrun.testing.sessions import End, run_of, write_session
from coolrun_plugins.failures.groups import groups

ENDS: dict[int, End] = {
    0: (Status.FAILED, "KeyError: 'lr'", 1.0),
    1: (Status.FAILED, "ValueError: no batch 3 in /tmp/a.bin", 1.0),
    2: (Status.DONE, None, 1.0),
    3: (Status.TIMEOUT, "longer than 3 s", 1.0),
    4: (Status.FAILED, "ValueError: no batch 17 in /tmp/b.bin", 1.0),
    5: (Status.INTERRUPTED, "KeyboardInterrupt", 1.0),
    6: (Status.ABORTED, "KeyboardInterrupt", 1.0),
}


def session(cwd: Path, ends: dict[int, End] = ENDS) -> SessionFolder:
    experiments = [Experiment({"Name": f"n{n}"}) for n in range(len(ends))]
    return write_session(cwd, experiments, ends=ends, finished=1)


def test_failures_of_one_cause_are_a_group(tmp_path: Path) -> None:
    found = groups(read_journal(session(tmp_path).journal))
    assert [(g.number, g.cause, [a.position for a in g.attempts]) for g in found] == [
        (2, "ValueError: no batch N in PATH", [1, 4]),
        (1, "KeyError: '...'", [0]),
        (3, "longer than N s", [3]),
    ]


def test_a_group_keeps_its_number_when_another_is_mended(tmp_path: Path) -> None:
    folder = session(tmp_path)
    run = run_of(folder, Experiment({}, position=0), attempt=2)
    journal = Journal(folder.journal)
    journal.again("token-0-1")
    journal.started([run])
    assert [g.number for g in groups(read_journal(folder.journal))] == [2, 3]
    journal.ended(run.token, Status.FAILED, "OSError: other", 1.0)
    journal.close()
    assert [g.number for g in groups(read_journal(folder.journal))] == [2, 3, 4]


def test_each_group_is_told_with_its_count_an_example_and_its_output(project: Project) -> None:
    folder = session(project.path)
    output = run_of(folder, Experiment({}, position=1)).output
    output.parent.mkdir(parents=True)
    output.touch()
    outcome = project.run("errors")
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "group 2: 2 x  ValueError: no batch N in PATH",
        "  runs: 1, 4",
        "  such as 1 n1: ValueError: no batch 3 in /tmp/a.bin",
        f"  output: .coolrun/sessions/{folder.name}/runs/0001/output.log",
        "group 1: 1 x  KeyError: '...'",
        "  runs: 0",
        "  such as 0 n0: KeyError: 'lr'",
        "group 3: 1 x  longer than N s",
        "  runs: 3",
        "  such as 3 n3: longer than 3 s",
        f"session {folder.name}: 4 runs failed, 3 causes",
        f"next: coolrun retry {folder.name} --group 2",
    ]


def test_programs_are_told_the_same(project: Project) -> None:
    folder = session(project.path)
    first, *_ = json.loads(project.run("errors", "--json").out)
    assert (first["group"], first["count"], first["positions"]) == (2, 2, [1, 4])
    assert first["example"]["run_id"] == f"{folder.name}.1.1"
    assert first["example"]["failure"] == "ValueError: no batch 3 in /tmp/a.bin"


def test_where_nothing_has_failed_it_is_said(project: Project) -> None:
    folder = session(project.path, {0: (Status.DONE, None, 1.0)})
    assert project.run("errors").out == f"session {folder.name}: nothing has failed\n"
    outcome = project.run("retry", "--group", "1")
    assert outcome.code == 4
    assert "has no group 1\n  nothing has failed in it" in outcome.err


def test_a_group_that_is_not_there_is_refused(project: Project) -> None:
    session(project.path)
    outcome = project.run("retry", "--group", "7")
    assert outcome.code == 4
    assert "has no group 7\n  there are 1, 2, 3: see `coolrun errors`" in outcome.err
    assert project.run("retry").code == 4
