"""`coolrun collect` and `coolrun filter` as they are typed: files, names, messages, exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from coolrun.testing import Project

LOG = "".join(
    f"---\nName: {name}\nTIME: {time}\nACC: {acc}\nRND_IDX: {number}\nmodel: vgg\nlr: 0.1\n"
    for number, (name, time, acc) in enumerate(
        [("a", 3, 0.95), ("b", 2, 0.97), ("b", 4, 0.99), ("c", 1, 0.5)]
    )
)
ARGUMENTS = """\
--filter=lambda exp: 'TIME' in exp
--filter=lambda exp: 'ACC' in exp and exp['ACC'] > 0.9
--sort=lambda exp: exp['TIME']
--sort=lambda exp: exp['Name']
--reverse
--keep-keys
ACC
RND_IDX
Name
model
TIME
"""
DATED = r"_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(_\d+)?\.yaml"


@pytest.fixture
def logs(project: Project) -> Project:
    return project({"data/one/log.yaml": LOG, "data/two/log.yaml": "Name: d\n", "args": ARGUMENTS})


def written(project: Project, folder: str) -> list[Path]:
    return sorted((project.path / folder).glob("*"))


def test_the_examples_of_the_documentation_work(logs: Project) -> None:
    assert logs.run("collect", "data/", "--dest", "collected_logs", "--exclude", "two")
    (log,) = written(logs, "collected_logs")
    assert re.fullmatch("logs" + DATED, log.name)
    name = f"collected_logs/{log.name}"
    outcome = logs.run("filter", name, "data/two/log.yaml", "%args")
    assert outcome
    (result,) = written(logs, "yaml_filter")
    assert re.fullmatch("flogs" + DATED, result.name)
    assert outcome.out == f"yaml_filter/{result.name}\n"
    found = list(yaml.safe_load_all(result.read_text()))
    assert [(r["Name"], r["TIME"]) for r in found] == [("b", 4), ("b", 2), ("a", 3)]
    assert [list(r) for r in found] == [["ACC", "RND_IDX", "Name", "model", "TIME"]] * 3


def test_several_folders_are_collected_and_told_of(logs: Project) -> None:
    logs({"temp/x/log.yaml": "Name: t\n"})
    outcome = logs.run("collect", "temp/", "data/", "-v")
    assert outcome
    assert outcome.err.splitlines()[:5] == ["temp", "temp/x", "data", "data/one", "data/two"]
    (log,) = written(logs, "yaml_collect")
    assert outcome.out == f"yaml_collect/{log.name}\n"
    assert log.read_text().startswith("# coolrun collect 1: 6 records from 3 files\n---\nName: t\n")


def test_files_of_the_same_second_get_names_of_their_own(logs: Project) -> None:
    names = {logs.run("collect", "data").out for _ in range(4)}
    assert len(names) == len(written(logs, "yaml_collect")) == 4


def test_a_file_that_nobody_may_replace_is_not_replaced(logs: Project) -> None:
    logs({"mine.yaml": "Name: mine\n", "plain": "x"})
    for command in (["collect", "data"], ["filter", "data/one/log.yaml"]):
        outcome = logs.run(*command, "--dest", "mine.yaml")
        assert outcome.code == 4
        assert "'mine.yaml' is there already, and no command wrote it" in outcome.err
        assert "'plain' is no folder" in logs.run(*command, "--dest", "plain").err
        assert logs.run(*command, "--dest", "deep/er/out.yaml")
        assert logs.run(*command, "--dest", "deep/er/out.yaml")
        (logs.path / "deep/er/out.yaml").unlink()
    assert (logs.path / "mine.yaml").read_text() == "Name: mine\n"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ("collect", 4, "there is no path to collect from"),
        ("collect nowhere", 4, "there is no file or folder 'nowhere'"),
        ("collect dat", 4, "did you mean 'data'?"),
        ("collect empty", 5, "no records found"),
        ("collect data --exclude one two", 5, "no records found"),
        ("collect broken", 1, "error: broken/log.yaml:4:1: "),
        ("collect data/one --attempts some", 4, "invalid choice: 'some'"),
        ("collect %nowhere", 4, "there is no file of arguments 'nowhere'"),
        ("filter", 4, "there is no log to filter"),
        ("filter nowhere", 4, "there is no file 'nowhere'"),
        ("filter data", 4, "'data' is a folder\n  gather its logs in one file first"),
        ("filter data/one/log.yaml --filter 1+", 4, "invalid syntax"),
        ("filter data/one/log.yaml --sort __class__", 4, "two underscores"),
        ("filter data/one/log.yaml --keep-keys", 4, "expected at least one argument"),
        ("filter data/one/log.yaml --format json --dest a.yaml", 4, "--format json prints"),
        ("filter data/one/log.yaml --filter 0", 0, "0 of 4 records match: no file is written"),
        ("filter broken/log.yaml", 1, "error: broken/log.yaml:4:1: "),
    ],
)
def test_what_goes_wrong_is_told_in_one_message(
    logs: Project, args: str, code: int, words: str
) -> None:
    logs({"broken/log.yaml": "Name: a\n---\nName: [b\n---\nName: c\n", "empty/note.txt": "x"})
    outcome = logs.run(*args.split())
    assert outcome.code == code, outcome
    assert words in outcome.err
    assert "Traceback" not in outcome.err


def test_no_match_still_empties_a_file_that_is_named(logs: Project) -> None:
    outcome = logs.run("filter", "data/one/log.yaml", "--filter", "0", "--dest", "out.yaml")
    assert outcome.out == "out.yaml\n"
    assert (logs.path / "out.yaml").read_text() == "# coolrun filter 1: 0 of 4 records\n"


def test_hostile_logs_cost_little_and_say_why(logs: Project) -> None:
    deep = "[" * 100_000
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    logs({"bad/a.yaml": f"Name: a\n---\nx: {deep}\n---\nName: b\n", "bad/b.yaml": bomb})
    outcome = logs.run("collect", "bad", "--dest", "all.yaml")
    assert outcome.code == 1
    assert "bad/a.yaml:3:" in outcome.err
    assert "aliases stand for more than" in outcome.err
    assert (logs.path / "all.yaml").read_text().endswith("---\nName: a\n---\nName: b\n")


def test_a_second_question_about_a_large_log_gets_the_same_answer(logs: Project) -> None:
    text = "".join(f"---\nName: n{n}\nACC: {n / 50_000}\nxs: [{n}]\n" for n in range(50_000))
    path = logs.path / "large.yaml"
    path.write_text(text)
    question = ("filter", "large.yaml", "--filter", "ACC >= 0.999", "--sort=-ACC", "--dest")
    first = [logs.run(*question, f"{number}.yaml") for number in range(2)]
    assert all(first)
    assert list((logs.path / ".coolrun/cache").iterdir())
    one, two = ((logs.path / f"{number}.yaml").read_text() for number in range(2))
    assert one == two
    assert one.startswith("# coolrun filter 1: 50 of 50000 records\n---\nName: n49999\n")
    whole = logs.run("filter", "large.yaml", "--filter", "ACC == 0.5", "--format", "json")
    assert whole.out == '[\n{"Name": "n25000", "ACC": 0.5, "xs": [25000]}\n]\n'
    path.write_text(text.replace("n49999\n", "n4999x\n"))
    assert logs.run(*question, "2.yaml")
    assert "n4999x" in (logs.path / "2.yaml").read_text()
    strict = logs.run("filter", "large.yaml", "--filter", "lambda exp: exp['xs'] == exp['no']")
    assert "large.yaml:2: record n0: exp has no key 'no'" in strict.err
