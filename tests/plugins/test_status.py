"""`coolrun status`: what is shown, how it fits, and what programs are told."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coolrun.display import cells
from coolrun.experiment import Experiment
from coolrun.journal import Journal
from coolrun.results import ResultsWriter
from coolrun.run import Status
from coolrun.store import SessionFolder
from coolrun.testing import Project
from coolrun.testing.sessions import run_of, write_session
from coolrun_plugins.status.lines import lines
from coolrun_plugins.status.report import Report, Row
from coolrun_plugins.status.watch import screen

DONE = (Status.DONE, None, 10.0)
FAILED = (Status.FAILED, "no luck", 1.0)
NOW = datetime(2026, 1, 2, 4, 0, 0, tzinfo=timezone.utc)


def experiments(count: int) -> list[Experiment]:
    return [Experiment({"Name": f"n{n}", "lr": n / 10}, {"epochs": 3}) for n in range(count)]


@pytest.fixture
def busy(project: Project) -> Iterator[SessionFolder]:
    """A session that this process holds: one done, one failed, two running, two waiting."""
    some = experiments(6)
    some[5].after = frozenset({2, 3})
    ends = {0: DONE, 1: FAILED}
    folder = write_session(project.path, some, ends=ends, running=[2, 3], places=2)
    for position in (2, 3):
        run = run_of(folder, some[position])
        run.folder.mkdir(parents=True)
        began = datetime.now().astimezone() - timedelta(seconds=90)
        ResultsWriter(run.results, run.token, began.isoformat(timespec="seconds")).close()
        run.output.write_text(
            f"epoch 1\n\x1b[31mepoch 2 of {position}\x1b[0m\rlast of {position}\n"
        )
    folder.lock()
    yield folder
    folder.unlock()


def test_a_session_that_runs_is_told_with_its_runs(project: Project, busy: SessionFolder) -> None:
    outcome = project.run("status")
    assert outcome.code == 0
    assert outcome.err == ""
    head, *rest = outcome.out.splitlines()
    assert head.startswith(f"{busy.name}  running   1 done, 1 failed, 2 running, 2 waiting  ")
    assert head.endswith(" left")
    assert rest[0].split() == ["#", "name", "lr", "time", "output"]
    assert re.fullmatch(r"  2  n2    0.2  1:3\d  last of 2", rest[1])
    assert re.fullmatch(r"  3  n3    0.3  1:3\d  last of 3", rest[2])
    assert rest[3:] == ["  5 waits for 2-3"]


def test_programs_are_told_the_same(project: Project, busy: SessionFolder) -> None:
    (told,) = json.loads(project.run("status", "--json").out)
    assert told["session"] == busy.name
    assert told["state"] == "running"
    assert told["pid"] == os.getpid()
    assert told["counts"] == {"running": 2, "waiting": 2, "done": 1, "failed": 1}
    assert told["left"][0] <= told["left"][1]
    assert told["waits"] == {"5": [2, 3]}
    first, second = told["running"]
    assert first["run_id"] == f"{busy.name}.2.1"
    assert second["parameters"] == {"lr": 0.3}
    assert 89 <= first["elapsed"] < 150
    assert first["line"] == "last of 2"
    assert Path(first["output"]).read_text().startswith("epoch 1")


def test_programs_are_told_in_plain_json_what_json_does_not_have(project: Project) -> None:
    spaces = [(n, [{2: math.inf, True: -math.inf}]) for n in range(2)]
    some = [Experiment({"space": space, "top": -math.inf * n}) for n, space in enumerate(spaces)]
    folder = write_session(project.path, some, running=[0, 1], places=2)
    folder.lock()
    (told,) = json.loads(project.run("status", "--json").out)
    folder.unlock()
    parameters = [run["parameters"] for run in told["running"]]
    inner = [{"2": "inf", "true": "-inf"}]
    assert parameters == [
        {"space": [0, inner], "top": "nan"},
        {"space": [1, inner], "top": "-inf"},
    ]


def test_a_session_whose_process_has_gone_says_how_to_go_on(
    project: Project, busy: SessionFolder
) -> None:
    busy.unlock()
    for position in (2, 3):
        (busy.run_folder(position) / "results.jsonl").unlink()
    outcome = project.run("status")
    assert outcome.out.startswith(f"{busy.name}  ended     1 done, 1 failed, ")
    assert "interrupted just now" in outcome.out
    assert f"next: coolrun --resume {busy.name}" in outcome.out
    assert outcome.code == 0


def test_runs_that_go_on_without_their_session_are_told(
    project: Project, busy: SessionFolder
) -> None:
    busy.unlock()
    out = project.run("status").out
    assert out.startswith(f"{busy.name}  ended     1 done, 1 failed, 2 running, 2 not run\n")
    assert "these run on without the process that ran the session:" in out
    assert f"next: coolrun --resume {busy.name}\n" in out
    assert f"or end what runs: coolrun abort {busy.name}\n" in out


def test_a_session_that_ended_by_itself_before_all_was_run_was_not_interrupted(
    project: Project,
) -> None:
    files = {"m.py": "def main(exp): ...\n", "experiment.yaml": "Module: m\n---\n{}\n---\n{}\n"}
    project(files).run("--max-runs", "1")
    assert "  ended before all was run just now\n" in project.run("status").out


def test_why_nothing_is_started_is_told(project: Project, busy: SessionFolder) -> None:
    journal = Journal(busy.journal)
    journal.held(("paused", "three runs failed soon after the start"))
    journal.close()
    out = project.run("status").out
    assert f"{busy.name}  paused" in out
    assert "paused: three runs failed soon after the start" in out
    assert "next: coolrun continue" in out


def test_unfinished_sessions_come_first_and_finished_ones_only_when_asked_for(
    project: Project,
) -> None:
    def session(hour: int, finished: int | None) -> str:
        ends = {0: DONE} if finished == 0 else {}
        started = datetime(2026, 1, 2, hour, 0, 0, tzinfo=timezone.utc)
        return write_session(
            project.path, experiments(1), ends=ends, finished=finished, started=started
        ).name

    old, ended, new = session(1, 0), session(2, 2), session(3, 0)
    shown = project.run("status").out
    assert ended in shown
    assert old not in shown
    assert "2 other sessions: coolrun status -a" in shown
    everything = project.run("status", "-a").out
    order = [everything.index(name) for name in (ended, new, old)]
    assert order == sorted(order)
    assert "ended by a person or a signal" in everything
    assert project.run("status", old).out.startswith(f"{old}  finished  1 done")


def test_where_all_is_finished_the_newest_session_is_shown(project: Project) -> None:
    folder = write_session(project.path, experiments(1), ends={0: DONE}, finished=0)
    assert project.run("status").out.startswith(f"{folder.name}  finished  1 done\n")


def test_where_there_is_no_session_it_is_said(project: Project) -> None:
    outcome = project.run("status")
    assert outcome.code == 4
    assert "there is no session in" in outcome.err


def test_one_session_without_a_plan_does_not_hide_the_others(project: Project) -> None:
    whole = write_session(project.path, experiments(1))
    started = datetime(2026, 1, 3, tzinfo=timezone.utc)
    broken = SessionFolder.create(project.path, started)
    out = project.run("status").out
    assert whole.name in out
    assert f"session {broken.name} holds no whole plan" in out
    assert project.run("status", broken.name).code == 3


def test_a_session_of_ten_thousand_runs_is_told_like_any_other(project: Project) -> None:
    ends = {n: FAILED if n % 10 == 0 else DONE for n in range(9_000)}
    folder = write_session(project.path, experiments(10_000), ends=ends)
    out = project.run("status").out
    assert f"{folder.name}  ended     8100 done, 900 failed, 1000 not run\n" in out


@pytest.mark.parametrize("running", [[0], [3], [40, 41], [598, 599]])
@pytest.mark.parametrize("inner", [True, False])
def test_runs_are_told_apart_from_all_of_the_plan_and_not_only_from_one_another(
    project: Project, running: list[int], *, inner: bool
) -> None:
    some = [
        Experiment({"Name": "walk"}, {"epochs": 3, "lr": (n % 6 if inner else n // 100) / 10})
        for n in range(600)
    ]
    folder = write_session(project.path, some, running=running, places=2)
    folder.lock()
    (told,) = json.loads(project.run("status", "--json").out)
    folder.unlock()
    assert [run["parameters"] for run in told["running"]] == [
        {"lr": some[position]["lr"]} for position in running
    ]


def test_what_is_the_same_in_all_rows_is_left_out_first() -> None:
    values = {"same": "x" * 15, "lr": 0.1, "alike": "y" * 15}
    rows = [Row(n, "a", "s", {**values, "lr": n / 10}, 1.0, Path("o"), "epoch") for n in (1, 2)]
    found = "\n".join(shown(report(rows=rows), 60))
    assert "name  same" in found
    assert "0.2" in found
    assert found.endswith("(left out to fit the width: alike)")
    found = "\n".join(shown(report(rows=rows), 42))
    assert "#  name  lr" in found
    assert found.endswith("width: same, alike)")


def test_no_run_but_those_that_go_on_is_looked_at(project: Project, busy: SessionFolder) -> None:
    for position in (0, 1, 4, 5):
        # Whoever opened these would wait for ever.
        run = run_of(busy, Experiment({}, position=position))
        run.folder.mkdir(parents=True, exist_ok=True)
        os.mkfifo(run.results)
        os.mkfifo(run.output)
    assert project.run("status", timeout=20).code == 0


# What fits


def report(**changes: Any) -> Report:
    row = Row(3, "a", "s.3.1", {"lr": 0.1}, 12.3, Path("o"), "epoch 1")
    whole: dict[str, Any] = {
        "name": "20260102-030405-abcd",
        "state": "running",
        "reason": "",
        "pid": 1,
        "started": "",
        "changed": NOW,
        "exit_code": None,
        "counts": {"done": 1234, "failed": 5, "running": 1, "waiting": 8760, "skipped": 3},
        "left": (60.0, 240.0),
        "rows": [row],
        "more": 0,
        "left_behind": False,
        "waits": {},
        "cure": "",
    }
    return Report(**{**whole, **changes})


def shown(told: Report, width: int = 100, *, colour: bool = False) -> list[str]:
    return list(lines(told, width, NOW, colour=colour))


LONG = Row(
    12345,
    "a name that is quite long " * 3,
    "s",
    {f"parameter{n}": "x" * 40 for n in range(12)} | {"ä日本": "日本" * 20},
    None,
    Path("o"),
    "日本 output " * 30,
)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    told = report(
        rows=[LONG, *report().rows],
        more=7,
        reason="why " * 99,
        left_behind=True,
        waits={n: [n - 1] for n in range(1, 90)},
    )
    found = shown(told, width)
    assert max(cells(line) for line in found if "next:" not in line) <= width
    assert any("12345" in line for line in found)


def test_a_short_column_is_shown_where_a_long_one_does_not_fit() -> None:
    rows = [
        Row(n, "a", "s", {"layers": f"{n}" * 16, "lr": n}, 1.0, Path("o"), "epoch 1")
        for n in (1, 2)
    ]
    _, _, head, *_, last = shown(report(rows=rows), 42)
    assert head.split() == ["#", "name", "lr", "time", "output"]
    assert last == "  (left out to fit the width: layers)"


def test_a_long_name_is_shown_where_there_is_room() -> None:
    told = report(rows=[Row(1, "name " * 9, "s", {}, 1.0, Path("o"), "epoch 1")])
    assert "name name name na...   1 s" in shown(told, 60)[-1]
    assert f"{'name ' * 7}na...   1 s" in shown(told, 160)[-1]


@pytest.mark.parametrize("height", [5, 9, 12, 23, 40])
def test_a_screen_that_is_watched_shows_as_many_runs_as_it_has_lines_for(
    monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", f"{height}")
    config: Any = SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW))
    rows = [Row(n, "a", "s", {}, 1.0, Path("o"), "epoch 1") for n in range(20)]
    told = [report(rows=rows[:some], waits={5: [4]}) for some in (20, 2)]
    text = screen(told, config, cut=True)
    assert text.count("\n") <= max(height, 5)
    assert text.count("5 waits for 4") == 2
    runs = text.count("epoch 1")
    more = sum(int(number) for number in re.findall(r"and (\d+) more that run", text))
    assert runs + more == 22 or height < 12
    assert runs == {5: 0, 9: 2, 12: 4, 23: 15, 40: 22}[height]
    assert screen(told, config, cut=False).count("epoch 1") == 22


def test_what_does_not_fit_is_named() -> None:
    out = "\n".join(shown(report(rows=[LONG, *report().rows]), 100))
    assert "left out to fit the width: parameter" in out


def test_a_narrow_screen_has_the_counts_on_a_line_of_their_own() -> None:
    assert shown(report(), 60)[:2] == [
        "20260102-030405-abcd  running",
        "  1234 done, 5 failed, 1 running, 8760 waiting  1-4 min left",
    ]


def test_the_time_left_of_a_paused_session_begins_when_it_goes_on() -> None:
    told = report(state="paused", left=(60.0, 240.0), rows=[])
    (line,) = (line for line in shown(told, 120) if "left" in line)
    assert line.endswith("skipped  1-4 min left once it goes on")
    assert shown(told, 60)[1] == "  1234 done, 5 failed, 1 running, 8760 waiting"
    assert shown(report(left=(60.0, 240.0)), 60)[1].endswith("8760 waiting  1-4 min left")


def test_those_that_wait_for_the_same_share_a_line() -> None:
    waits = {4: [1], 5: [1], 6: [1, 2], 7: [3], 8: [4], 9: [5], 10: [6], 11: [6]}
    assert shown(report(rows=[], waits=waits))[1:] == [
        "  4-5 wait for 1",
        "  6 waits for 1-2",
        "  7 waits for 3",
        "  8 waits for 4",
        "  9 waits for 5",
        "  and 2 more wait for others",
    ]


def test_what_a_terminal_would_obey_is_escaped() -> None:
    bad = "\x1b[2J"
    row = Row(0, bad, "s", {f"k{bad}": bad}, 1.0, Path("o"), "x")
    out = "\n".join(shown(report(rows=[row], reason=bad)))
    assert "\x1b" not in out


def test_only_the_state_is_coloured() -> None:
    plain, styled = shown(report()), shown(report(), colour=True)
    assert styled[0] == plain[0].replace("running", "\x1b[32mrunning\x1b[0m", 1)
    assert styled[1:] == plain[1:]


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals(
    project: Project, busy: SessionFolder, environment: dict[str, str], coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    command, env, _ = project.command("status", env={"TERM": "xterm", **environment})
    try:
        subprocess.run(command, cwd=project.path, env=env, stdout=theirs, check=True, timeout=60)
        out = os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert ("\x1b[32mrunning" in out) == coloured
    assert "\x1b" not in project.run("status").out
