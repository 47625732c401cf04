"""The list at the end of a session."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from coolrun import Exit, Experiment, Record, Run, Status
from coolrun.display import cells
from coolrun.testing import Project
from coolrun_plugins.summary.fitting import fitted
from coolrun_plugins.summary.rows import Column, Row, columns_of, row_of

MODULE = """
    def main(exp):
        exp.ACC = exp.lr * 2
        exp.CURVE = [1, 2, 3]
        if exp.get("fails"):
            raise ValueError("broken")
    """


def closing(out: str) -> list[str]:
    """What is printed after the last run, with times and names of sessions replaced."""
    text = re.sub(r"sessions/[^/]+", "sessions/NAME", out)
    text = re.sub(r" {0,4}\b[\d.]+ m?s\b", " TIME", text)
    text = re.sub(r"-{5,}\n", "\n", text)
    lines = [line.rstrip() for line in text.splitlines()]
    return lines[lines.index("") + 1 :]


def test_it_lists_what_differs_the_results_the_log_and_what_to_type_next(project: Project) -> None:
    text = """
        Module: m
        YamlLog: data/log.yaml
        lr: 0.1
        opt: {name: sgd, momentum: 0.9}
        ---
        Name: one
        ---
        Name: two
        lr: 0.5
        opt: {name: sgd, momentum: 0.5}
        ---
        Name: skip
        """
    outcome = project({"experiment.yaml": text, "m.py": MODULE}).run()
    assert outcome, outcome
    heading, _, first, second, *rest = closing(outcome.out)
    assert heading.split() == ["#", "name", "lr", "opt.momentum", "ACC", "STATUS", "time"]
    assert first.split() == ["0", "one", "0.1", "0.9", "0.2", "done", "TIME"]
    assert second.split() == ["1", "two", "0.5", "0.5", "1.0", "done", "TIME"]
    assert rest[:3] == ["", "2 done, 1 skipped in TIME", "log: data/log.yaml"]
    assert rest[3] == "next: coolrun filter data/log.yaml --format table --sort ACC"


def test_every_log_is_named_in_what_to_type_next(project: Project) -> None:
    logs = "".join(f"---\nYamlLog: my logs/{n}.yaml\n" for n in range(4))
    text = f"Command: 'true'\nYamlLog: log.yaml\n---\n{{}}\n{logs}"
    outcome = project({"experiment.yaml": text}).run()
    *_, named, following = closing(outcome.out)
    assert named == "log: log.yaml, my logs/0.yaml, my logs/1.yaml and 2 more"
    paths = " ".join(f"'my logs/{n}.yaml'" for n in range(4))
    assert following == f"next: coolrun filter log.yaml {paths} --format table"


def test_of_very_many_logs_the_session_is_to_be_collected(project: Project) -> None:
    logs = "".join(f"---\nYamlLog: logs/{n}.yaml\n" for n in range(9))
    text = f"Command: 'true'\n{logs}"
    outcome = project({"experiment.yaml": text}).run()
    *_, named, following = closing(outcome.out)
    assert named == "log: logs/0.yaml, logs/1.yaml, logs/2.yaml and 6 more"
    assert following == "next: coolrun collect .coolrun/sessions/NAME"
    (session,) = (project.path / ".coolrun/sessions").iterdir()
    collected = project.run("collect", str(session.relative_to(project.path)))
    assert "collected 9 records from 9 files" in collected.err, collected


def test_the_output_of_what_failed_is_what_one_would_look_at_next(project: Project) -> None:
    text = "Module: m\nlr: 1\n---\n{}\n---\nfails: true\n"
    outcome = project({"experiment.yaml": text, "m.py": MODULE}).run()
    assert outcome.code == 1
    assert closing(outcome.out)[-3:] == [
        "1 done, 1 failed in TIME",
        "log: .coolrun/sessions/NAME/log.yaml",
        "next: less .coolrun/sessions/NAME/runs/0001/output.log",
    ]


def test_the_last_twenty_are_listed_or_all(project: Project) -> None:
    project({"experiment.yaml": "Module: m\nlr: 1\n---\nRepeat: 25\n", "m.py": MODULE})
    last = closing(project.run().out)
    assert last[2].split()[0] == "5"
    assert last[22] == "(the last 20 of 25 runs; --all lists all)"
    every = closing(project.run("--all").out)
    assert [line.split()[0] for line in every[2:27]] == [str(n) for n in range(25)]
    assert every[27] == ""


def test_an_ended_session_says_what_was_not_run(project: Project) -> None:
    module = "import os, signal, time\ndef main(exp):\n"
    module += "    os.kill(int(open('runner').read()), signal.SIGTERM)\n    time.sleep(30)\n"
    plugin = "import os\nfrom coolrun import hookimpl\n@hookimpl\ndef coolrun_configure(config):\n"
    plugin += "    open('runner', 'w').write(str(os.getpid()))\n"
    project({"experiment.yaml": "Module: m\n---\nRepeat: 5\n", "m.py": module, "told.py": plugin})
    outcome = project.run(env={"COOLRUN_PLUGINS": "told", "PYTHONPATH": str(project.path)})
    assert outcome.code == 2, outcome
    last = closing(outcome.out)
    assert last[-4:-2] == ["1 aborted, 4 not run in TIME", "not run: 1-4"]
    assert last[-1] in {"next: coolrun --pick 1-4", "next: coolrun --resume"}


def test_a_narrow_terminal_gets_a_narrow_list(project: Project) -> None:
    keys = "\n".join(f"parameter_{n}: {n}" for n in range(8))
    text = f"Module: m\nlr: 1\n---\nName: a\n{keys}\n---\nName: b\n"
    project({"experiment.yaml": text, "m.py": MODULE})
    out = project.run(env={"COLUMNS": "40"}).out
    lines = out[out.index("  #") :].splitlines()
    assert all(len(line) <= 40 for line in lines[:4])
    assert lines[0].split() == ["#", "name", "ACC", "STATUS", "time"] or "..." in lines[0]
    assert lines[4].startswith("(left out to fit the width: parameter_")


# Rows


def row(position: int = 0, results: dict[str, Any] | None = None, **own: Any) -> Row:
    experiment = Experiment(own, position=position)
    exited = Exit("t", None, "", 1.5, results or {})
    return row_of(Record(Run("s", experiment, 1, "t", Path()), exited, Status.DONE))


def headings(*rows: Row) -> list[str]:
    return [column.heading for column in columns_of(rows)]


def test_only_parameters_that_differ_have_a_column() -> None:
    rows = [row(0, Name="a", lr=1, same=1), row(1, Name="b", lr=2, same=1, extra=None)]
    assert headings(*rows) == ["#", "name", "lr", "extra", "STATUS", "time"]
    assert [c.texts for c in columns_of(rows)][3] == ["", "null"]


def test_a_single_run_shows_its_own_keys() -> None:
    assert headings(row(Name="a", lr=1, opt={"a": 1})) == [
        "#",
        "name",
        "lr",
        "opt.a",
        "STATUS",
        "time",
    ]


def test_values_of_other_types_differ_and_not_a_number_is_itself() -> None:
    nan = float("nan")
    assert "x" in headings(row(x=1), row(x=True))
    assert "x" not in headings(row(x=nan), row(x=float("nan")))


def test_a_row_keeps_little() -> None:
    kept = row(results={f"R{n}": "x" * 10_000 for n in range(1000)} | {"L": [0] * 10_000})
    assert sum(len(key) + len(text) for key, text in kept.results) < 512


def test_hostile_names_and_results_are_escaped() -> None:
    columns = columns_of([row(results={"A\x1b": "\x1b[2J"}, Name="\x1b]0;x\a", k="\x9b")])
    for column in columns:
        assert column.heading.isprintable()
        assert all(text.isprintable() for text in column.texts)


# Fitting


def columns(parameters: int, results: int, width: int = 10) -> list[Column]:
    return [
        Column("fixed", "#", ["0"]),
        Column("name", "name", ["n" * 30]),
        *(Column("parameter", f"p{n}", ["x" * width]) for n in range(parameters)),
        *(Column("result", f"R{n}", ["y" * width]) for n in range(results)),
        Column("fixed", "STATUS", ["done"]),
        Column("time", "time", ["1.5 s"]),
    ]


def width_of(kept: list[Column]) -> int:
    return sum(max(cells(c.heading) + 2, *map(cells, c.texts)) + 2 for c in kept) - 2


def test_values_are_shortened_before_columns_go() -> None:
    kept, left_out = fitted(columns(1, 1, width=24), 90)
    assert left_out == []
    assert kept[2].texts == ["x" * 13 + "..."]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120, 200])
def test_what_is_kept_fits(width: int) -> None:
    kept, left_out = fitted(columns(10, 5), width)
    assert width_of(kept) <= max(width, 26)
    assert {"#", "STATUS"} <= {c.heading for c in kept}
    assert len(kept) + len(left_out) == len(columns(10, 5))


def test_parameters_go_before_results_and_the_last_before_the_first() -> None:
    kept, left_out = fitted(columns(4, 2), 80)
    assert [c.heading for c in kept] == ["#", "name", "p0", "p1", "R0", "STATUS", "time"]
    assert left_out == ["p2", "p3", "R1"]
    narrow, _ = fitted(columns(4, 2), 45)
    assert [c.heading for c in narrow] == ["#", "name", "R0", "STATUS"]


def test_columns_with_long_headings_are_left_out_by_their_whole_names() -> None:
    columns = [
        Column("fixed", "#", ["0"]),
        *(Column("parameter", f"optimizer.settings.{n}", ["1"]) for n in "abcdef"),
        Column("fixed", "STATUS", ["done"]),
    ]
    kept, left_out = fitted(columns, 50)
    assert left_out == [f"optimizer.settings.{n}" for n in "cdef"]
    assert [column.heading for column in kept][-1] == "STATUS"
