"""Lines about runs, their output, and the line of progress."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coolrun import Exit, Experiment, Plan, Record, Run, Source, Status
from coolrun.output import harmless, last_lines
from coolrun.pace import Pace, words
from coolrun.plain import Marked, Plain
from coolrun.testing import Project
from coolrun.waiting import Waiting
from coolrun_plugins.terminal.label import Labels
from coolrun_plugins.terminal.output import Lines, Output
from coolrun_plugins.terminal.reporter import Reporter

MODULE = """
    def main(exp):
        print("hello from", exp.Name)
        exp.ACC = 1 / 3
        if exp.get("fails"):
            raise ValueError("broken \\x1b[2J")
        print("no newline", end="")
    """


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time


class FakeSession:
    """What the reporter needs of a session."""

    def __init__(self, count: int, *, capacity: int = 1) -> None:
        self.state = SimpleNamespace(capacity=capacity, stopping={}, paused=None, draining=False)
        self.waiting = Waiting()
        self.plan = Plan(
            [Experiment({}, position=n) for n in range(count)], {}, Source("a.yaml", b"")
        )
        self.waiting.fill(self.plan.chosen, [])
        self.ended: dict[int, Status] = {}
        self.running: list[Run] = []
        self.timers: list[Any] = []

    def every(self, seconds: float, function: Any) -> None:
        self.timers.append(function)


class Stage:
    """A reporter, its clock, and runs in a folder."""

    def __init__(self, folder: Path, count: int, *, capacity: int = 1, in_process: bool = False):
        self.folder = folder
        self.clock = Clock()
        session: Any = FakeSession(count, capacity=capacity)
        self.session: Any = session
        options = {"in_process": in_process}
        config: Any = SimpleNamespace(
            clock=self.clock, cwd=folder, option=options.get, declares_key={"Name"}.__contains__
        )
        self.reporter = Reporter(config)
        self.reporter.coolrun_session_start(session)

    def start(self, position: int, name: str = "name") -> Run:
        folder = self.folder / f"{position:04}"
        folder.mkdir()
        experiment = Experiment({"Name": name}, position=position)
        run = Run("s", experiment, 1, f"t{position}", folder)
        self.session.running.append(run)
        self.session.waiting.remove(position)
        self.reporter.coolrun_run_start(run, self.session)
        return run

    def end(
        self,
        run: Run,
        failure: str | None = None,
        *,
        results: Mapping[str, Plain] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        exited = Exit(run.token, failure, "", 1.5, results or {}, warnings)
        status = Status.FAILED if failure else Status.DONE
        self.session.running.remove(run)
        self.session.ended[run.experiment.position] = status
        self.reporter.coolrun_post_run(run, Record(run, exited, status), self.session)

    def tick(self) -> None:
        for function in self.session.timers:
            function()


# The whole, piped


def test_runs_and_their_output_are_told_as_they_come(project: Project) -> None:
    text = "Module: m\n---\nName: one\n---\nName: two\nfails: true\n"
    outcome = project({"experiment.yaml": text, "m.py": MODULE}).run()
    assert outcome.code == 1
    told = re.sub(r"\d+ m?s|[\d.]+ s", "TIME", outcome.out)
    told = re.sub(r"sessions/[^/]+", "sessions/NAME", told)
    assert told.partition("\n\n")[0].splitlines() == [
        "started     0 one",
        "hello from one",
        "no newline",
        "done        0 one  TIME  ACC: 0.333333",
        "started     1 two fails=true",
        "hello from two",
        "Traceback (most recent call last):",
        *[line for line in told.splitlines() if line.startswith("  File ")],
        '    raise ValueError("broken \\x1b[2J")',
        "ValueError: broken \x1b[2J",
        "failed      1 two fails=true  TIME  ValueError: broken \\x1b[2J",
        "            output: .coolrun/sessions/NAME/runs/0001/output.log",
    ]


def test_a_note_goes_to_standard_error_and_steers_nothing(project: Project) -> None:
    text = 'Module: m\n---\nName: one\n"Repat": 1\n'
    outcome = project({"experiment.yaml": text, "m.py": MODULE}).run()
    assert outcome
    assert "note: key 'Repat' is unknown" in outcome.err
    assert "Repat" not in outcome.out.partition("never read")[0]


def test_output_that_is_no_text_arrives_as_it_is(project: Project) -> None:
    module = "import os\ndef main(exp):\n    os.write(1, bytes(range(256)) * 100)\n"
    project({"experiment.yaml": "Module: m\n---\n{}\n", "m.py": module})
    command, environment, _ = project.command()
    done = subprocess.run(
        command, cwd=project.path, env=environment, capture_output=True, timeout=60, check=True
    )
    assert bytes(range(256)) * 100 in done.stdout


def test_a_closed_output_hurts_no_run(project: Project) -> None:
    text = "Module: m\nYamlLog: log.yaml\n---\nRepeat: 5\n"
    project({"experiment.yaml": text, "m.py": MODULE})
    command, environment, _ = project.command()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command,
        cwd=project.path,
        env=environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (project.path / "log.yaml").read_text().count("STATUS: done") == 5


def test_output_of_an_in_process_run_is_not_told_twice(project: Project) -> None:
    text = "Module: m\n---\nName: one\n"
    outcome = project({"experiment.yaml": text, "m.py": MODULE}).run("--in-process")
    assert outcome
    assert outcome.out.count("hello from one") == 1


# Lines


def test_output_is_followed_while_a_run_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 1)
    run = stage.start(0)
    stage.tick()
    with run.output.open("a") as file:
        file.write("first\n")
        file.flush()
        stage.tick()
        assert capsys.readouterr().out == "started     0 name\nfirst\n"
        file.write("half a line")
        file.flush()
        stage.tick()
        assert capsys.readouterr().out == "half a line"
    stage.end(run)
    assert capsys.readouterr().out == "\ndone        0 name  1.5 s\n"


def test_output_of_several_at_once_is_told_only_of_those_that_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 2, capacity=2)
    good, bad = stage.start(0), stage.start(1)
    good.output.write_text("all is well\n")
    bad.output.write_text("".join(f"line {n}\n" for n in range(100)) + "\x1b[2Jlast \a words")
    stage.tick()
    stage.end(good)
    stage.end(bad, "ValueError: no")
    lines = capsys.readouterr().out.splitlines()
    assert "all is well" not in "\n".join(lines)
    assert lines[3] == "failed      1 name  1.5 s  ValueError: no"
    assert lines[4] == "            | line 93"
    assert lines[-2] == "            | last  words"
    assert lines[-1] == "            output: 0001/output.log"


def test_a_warning_is_told_once_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 3)
    for position in range(3):
        stage.end(stage.start(position), warnings=("parameter never read: 'x\x1b'",))
    stage.reporter.coolrun_session_finish(stage.session)
    out = capsys.readouterr().out
    assert out.count("            note: parameter never read: 'x\\x1b'") == 1
    assert out.endswith("note:       the same for 2 more: parameter never read: 'x\\x1b'\n")


def test_names_and_results_are_escaped_and_shortened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 1)
    run = stage.start(0, "\x1b[2J" + "n" * 500)
    stage.end(run, results={"A\n": "x" * 500, "B": 1 / 3, "LIST": [1], "C": None})
    started, done = capsys.readouterr().out.splitlines()
    assert started == "started     0 " + ("\\x1b[2J" + "n" * 500)[:37] + "..."
    assert done.endswith("  1.5 s  A\\n: " + "x" * 17 + "..., B: 0.333333, C: null")


def test_nothing_grows_with_the_number_of_runs(tmp_path: Path) -> None:
    stage = Stage(tmp_path, 300)
    for position in range(300):
        stage.end(stage.start(position), warnings=(f"warning {position}",))
    kept: Any = vars(stage.reporter)
    assert len(kept["_begun"]) == 0
    assert len(kept["_warned"]) == 100


# What runs are called


def labels(experiments: list[Experiment], room: int = 40) -> list[str]:
    config: Any = SimpleNamespace(declares_key={"Name", "RND_IDX"}.__contains__)
    several = Labels(config)
    for position, experiment in enumerate(experiments):
        experiment.position = position
    several.learn(Plan(experiments, {}, Source("a.yaml", b"")))
    return [several.long(Run("s", e, 1, "t", Path()), room) for e in experiments]


def test_runs_of_a_sweep_are_told_apart() -> None:
    defaults = {"Name": "walk", "epochs": 3, "seconds": 1.2}
    some = [
        Experiment({"lr": lr, "norm": norm}, defaults, {"RND_IDX": n}, swept=("norm",))
        for n, (lr, norm) in enumerate([(0.1, "new"), (0.1, "batch"), (0.2, None)])
    ]
    assert labels(some) == [
        "0 walk norm=new lr=0.1",
        "1 walk norm=batch lr=0.1",
        "2 walk norm=null lr=0.2",
    ]
    assert labels(some, 16) == ["0 walk norm=new lr=0.1", "1 walk norm=batch", "2 walk norm=null"]
    assert labels(some, 5) == ["0 walk", "1 walk", "2 walk"]


def test_what_all_have_in_common_or_is_no_single_value_tells_nothing_apart() -> None:
    some = [
        Experiment(
            {"Name": "a", "steps": 10, "layers": [n], "RND_IDX": n, "opt": {"lr": n, "wd": 1}}
        )
        for n in range(2)
    ]
    assert labels(some) == ["0 a opt.lr=0", "1 a opt.lr=1"]
    assert labels(some[:1]) == ["0 a"]


def test_text_with_spaces_is_quoted_and_what_is_not_computed_is_not_told() -> None:
    some = [
        Experiment({"Name": "a", "note": f"try {n}", "lr": Marked("await", f"E[{n}]")})
        for n in range(2)
    ]
    assert labels(some) == ["0 a note='try 0'", "1 a note='try 1'"]


def test_a_few_parameters_are_told_whatever_they_hold() -> None:
    own = {f"key{n}": "\x1b[2J" if n == 1 else "x" * 99 for n in range(9)}
    one, _ = labels([Experiment({"Name": "a", **own}), Experiment({})], 200)
    assert one == f"0 a key0={'x' * 13}... key1=\\x1b[2J key2={'x' * 13}... key3={'x' * 13}..."


@pytest.mark.parametrize(
    ("name", "own", "told"),
    [
        ("net_lr0.1_new", {"lr": 0.1, "norm": "new"}, ""),
        ("net_lr0.15_renewed", {"lr": 0.1, "norm": "new"}, " lr=0.1 norm=new"),
        ("run 1", {"layers": 1}, " layers=1"),
        ("layers=1", {"opt": {"layers": 1}}, ""),
        ("fast", {"fast": True}, " fast=true"),
    ],
)
def test_what_a_name_says_is_not_told_again(name: str, own: dict[str, Plain], told: str) -> None:
    one, _ = labels([Experiment({"Name": name, **own}), Experiment({})])
    assert one == f"0 {name}{told}"


def test_what_is_cut_off_a_name_is_told() -> None:
    one, _ = labels([Experiment({"Name": "n" * 40 + "_new", "norm": "new"}), Experiment({})])
    assert one == f"0 {'n' * 37}... norm=new"


# The line of progress


def progress(stage: Stage, width: int) -> str:
    class Narrow:
        live = True

    narrow: Any = Narrow()
    narrow.width = width
    kept: Any = stage.reporter
    kept._screen = narrow
    return str(kept._progress(stage.session))


def test_the_line_of_progress_says_what_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 10)
    first = stage.start(0)
    stage.clock.time = 60.0
    stage.end(first)
    stage.start(1, "a name of some length")
    stage.clock.time = 72.0
    full = "1 a name of some length  12 s  1 done, 0 failed, 8 left  about 9 min left"
    assert progress(stage, 100) == full
    shorter = full.replace("some length", "some ...")
    assert progress(stage, 73) == shorter
    assert progress(stage, 60) == "1 a name ...  12 s  1 of 10  about 9 min left"
    assert progress(stage, 40) == "1 a name ...  12 s  1 of 10"
    assert progress(stage, 20) == "1 of 10"
    (run,) = stage.session.running
    swept = run.experiment.derive(own={"Name": "a name of some length", "lr": 0.1})
    swept.position = 1
    stage.session.running[:] = [dataclasses.replace(run, experiment=swept)]
    assert progress(stage, 100) == full.replace("length", "length lr=0.1")
    assert progress(stage, 76) == full
    capsys.readouterr()


def test_several_runs_are_counted_and_stopping_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 4, capacity=3)
    assert progress(stage, 100) == "waiting  0 done, 0 failed, 4 left"
    stage = Stage(tmp_path, 4, capacity=3)
    for position in (0, 1, 3):
        stage.start(position)
    assert progress(stage, 100) == "3 runs (0-1, 3)  0 s  0 done, 0 failed, 1 left"
    assert progress(stage, 30) == "3 runs  0 s  0 of 4"
    stage.session.state.stopping = {"t0": (Status.INTERRUPTED, None)}
    assert progress(stage, 100).startswith("stopping 3 runs")
    stage.session.state.paused = "by a person"
    assert progress(stage, 100).startswith("paused 3 runs")
    capsys.readouterr()


def test_what_is_not_started_any_more_takes_no_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 100)
    first = stage.start(0)
    stage.clock.time = 60.0
    stage.end(first)
    stage.start(1)
    stage.session.state.draining = True
    told = "stopping 1 name  0 s  1 done, 0 failed, 98 left  about 60 s left"
    assert progress(stage, 100) == told
    capsys.readouterr()


def test_free_places_say_who_waits_for_whom(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(tmp_path, 1, capacity=2)
    first = Experiment({}, position=0)
    others = [Experiment({}, position=n, after=frozenset({0})) for n in (1, 2)]
    stage.session.waiting.fill([first, *others], [])
    stage.start(0)
    assert progress(stage, 100).endswith("2 left  1 waits for 0 (1 more wait)")
    capsys.readouterr()


# Time left


def pace(*seconds: float) -> Pace:
    made = Pace()
    for one in seconds:
        made.add(one)
    return made


def test_nothing_is_known_before_something_has_ended() -> None:
    assert pace().left(10, [3.0], 1) is None


def test_equal_runs_are_told_exactly() -> None:
    assert pace(10.0, 10.0).left(4, [3.0], 1) == (47.0, 47.0)
    assert pace(10.0, 10.0).left(4, [3.0, 0.0], 2) == (28.5, 28.5)
    assert pace(10.0).left(0, [15.0], 1) == (0.0, 0.0)


def test_what_takes_much_longer_than_others_may_take_as_long_again() -> None:
    assert pace(10.0).left(0, [25.0], 1) == (0.0, 25.0)
    assert pace(1.0, 1.0).left(1, [58.0, 31.0], 2) == (0.5, 58.0)


def test_unequal_runs_give_a_range_that_narrows() -> None:
    few, many = pace(5.0, 15.0).left(100, [], 1), pace(*[5.0, 15.0] * 50).left(100, [], 1)
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 1000 < many[1] < few[1]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((19.0, 21.0), "about 20 s left"),
        ((0.0, 0.2), "up to 1 s left"),
        ((240.0, 420.0), "4-7 min left"),
        ((9_000.0, 20_000.0), "2-6 h left"),
        ((0.0, 100_000.0), "up to 28 h left"),
        ((500_000.0, 510_000.0), "about 6 d left"),
    ],
)
def test_time_left_is_said_in_words(span: tuple[float, float], expected: str) -> None:
    assert words(span) == expected


# What a terminal may show


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plain", "plain"),
        ("10%\r50%\r100%", "100%"),
        ("windows\r", "windows"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        ("\x1b[2J\x1b[Hcleared", "cleared\x1b[0m"),
        ("\x1b]0;title\x07text\x1b]8;;x\x1b\\link", "textlink"),
        ("bell\a back\b \x00 \x7f \x9b2J", "bell back   2J"),
        ("lone \x1b", "lone "),
        ("\x1b7saved\x1bc", "saved"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_output_keeps_its_colours_and_loses_what_moves_the_cursor(line: str, expected: str) -> None:
    assert harmless(line, colour=True) == expected
    assert "\x1b" not in harmless(line, colour=False)


def test_lines_wait_for_their_end_and_letters_for_their_last_byte() -> None:
    lines = Lines(colour=False)
    assert lines.take(b"one\ntw") == "one\n"
    assert lines.rest == "tw"
    assert lines.take("o ü".encode()[:-1]) == ""
    assert lines.take("ü".encode()[-1:] + b"\n\n") == "two ü\n\n"
    assert lines.take(b"end", final=True) == "end\n"


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    lines = Lines(colour=False)
    for number in range(1000):
        lines.take(f"\r{number}%".ljust(100).encode())
    assert len(lines.rest) <= 5000
    assert lines.rest.rstrip().endswith("999%")


def test_a_file_is_followed_from_where_one_was(tmp_path: Path) -> None:
    output = Output(tmp_path / "output.log")
    assert output.read() == b""
    (tmp_path / "output.log").write_bytes(b"a" * 100)
    assert output.read(10) == b"a" * 10
    assert output.skip(5) == 85
    assert output.read() == b"a" * 5
    assert output.skip(5) == 0
    output.close()


def test_the_last_lines_of_no_file_are_none(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none", 8) == []
