"""The environment of a run, and the files that hold one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import coolrun
from coolrun import CoolrunError, DefinitionError
from coolrun.testing import Project
from coolrun_plugins.environment.file import read_variables

WORK = """
    import os

    def main(exp):
        exp.SEEN = {name: os.environ[name] for name in exp.names if name in os.environ}
    """


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# only a comment", {}),
        ("\n  \n# a comment\n\n", {}),
        ("A=1", {"A": "1"}),
        ("A=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("export A = 1 ", {"A": "1"}),
        ("  A=b c  # comment", {"A": "b c"}),
        ("A=b#c", {"A": "b#c"}),
        ("A=", {"A": ""}),
        ("A= # nothing", {"A": ""}),
        ("A='b # c'", {"A": "b # c"}),
        ("A='x\ny'  # two lines\nB=2", {"A": "x\ny", "B": "2"}),
        (r'A="x\ny\t\"\\\$"', {"A": 'x\ny\t"\\$'}),
        (r'A="\z"', {"A": r"\z"}),
        ("A=$B", {"A": "$B"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=it's", {"A": "it's"}),
        ("A=b=c", {"A": "b=c"}),
        ("A=ünï", {"A": "ünï"}),
    ],
)
def test_a_file_says_what_its_grammar_says(text: str, expected: dict[str, str]) -> None:
    assert read_variables(text, ".env") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A", ".env:1:1: it is no line NAME=value"),
        ("A=1\n\n  2B=3", ".env:3:3: it is no line NAME=value"),
        ("A='b", ".env:1:3: a quote (') is never closed"),
        ('A=1\nB="b', '.env:2:3: a quote (") is never closed'),
        ("A='b'c", ".env:1:6: something follows the closing quote"),
        ("COOLRUN_TOKEN=x", ".env:1:1: COOLRUN_TOKEN is set by coolrun itself"),
        ("A=x\0y", ".env:1:1: A holds a zero byte"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_line_and_column(text: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read_variables(text, ".env")
    assert str(caught.value) == message


@given(st.text(alphabet="A=#'\"\\ \n\tx$", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert all(isinstance(value, str) for value in read_variables(text, ".env").values())
    except DefinitionError as error:
        assert error.place is not None  # noqa: PT017
        assert error.place.line >= 1  # noqa: PT017


@given(
    st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True), st.text(max_size=20))
)
def test_what_is_quoted_comes_back(values: dict[str, str]) -> None:
    values = {n: v for n, v in values.items() if "\0" not in v and not n.startswith("COOLRUN_")}
    lines = []
    for name, value in values.items():
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{name}="{quoted}"')
    assert read_variables("\n".join(lines), ".env") == values


@pytest.mark.parametrize("isolate", ["fork", "spawn"])
def test_a_run_finds_what_env_and_the_file_say_and_env_wins(project: Project, isolate: str) -> None:
    files = {
        "work.py": WORK,
        ".env": "A=from the file\nB='b'\n",
        "experiment.yaml": f"""
            Module: work
            Global: {{isolate: {isolate}}}
            names: [A, B, C, D, E]
            ---
            EnvFile: .env
            Env: {{A: text, C: 1.5, D: true}}
            ---
            {{}}
            """,
    }
    done = project(files).run()
    assert [record["SEEN"] for record in done.records] == [
        {"A": "text", "B": "b", "C": "1.5", "D": "true"},
        {},
    ]
    assert done.records[0]["Env"] == {"A": "text", "C": 1.5, "D": True}
    assert "from the file" not in str(done.records)


def test_what_libraries_read_when_they_are_loaded_comes_in_time(project: Project) -> None:
    files = {
        "library.py": "import os\nTHREADS = os.environ.get('OMP_NUM_THREADS')\n",
        "work.py": "def main(exp):\n    import library\n    exp.THREADS = library.THREADS\n",
        "experiment.yaml": """
            Module: work
            Global: {preload: [library]}
            ---
            Env: {OMP_NUM_THREADS: 3}
            ---
            {}
            """,
    }
    done = project(files).run(env={"OMP_NUM_THREADS": "7"})
    assert [record["THREADS"] for record in done.records] == ["3", "7"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Env: text", "Env is no mapping"),
        ("Env: {'A B': 1}", "'A B' is no name of a variable"),
        ("Env: {A: [1]}", "A is [1] (expected text, a number, true or false)"),
        ("Env: {A: null}", "A is None"),
        ("Env: {COOLRUN_X: 1}", "COOLRUN_X is set by coolrun itself"),
        ("Env: {1: x}", "1 is no name of a variable"),
    ],
)
def test_what_no_environment_can_hold_is_refused(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"Module: m\n---\n{line}\n", encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    assert words in str(caught.value)
    assert "experiment.yaml:3:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EnvFile: none", "cannot read 'none'"),
        ("EnvFile: bad", "bad:2:1: it is no line NAME=value"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_before_the_first_launch(
    project: Project, text: str, words: str
) -> None:
    files = {"work.py": WORK, "bad": "A=1\nb\n", "experiment.yaml": f"Module: work\n---\n{text}\n"}
    done = project(files).run()
    assert done.code == 4
    assert words in done.err
    assert not done.records


def test_awaited_variables_are_checked_at_launch(project: Project) -> None:
    files = {
        "work.py": "def main(exp):\n    exp.PATH = None\n    exp.X = 7\n" + "    exp.names\n",
        "experiment.yaml": """
            Module: work
            names: []
            ---
            {}
            ---
            Env: {A: 'await E[0].PATH'}
            """,
    }
    done = project(files).run()
    assert [record["STATUS"] for record in done.records] == ["done", "blocked"]
    assert "key 'Env.A': A is None" in done.records[1]["FAILURE"]


def test_a_plugin_sees_what_those_before_it_have_given(project: Project) -> None:
    plugin = """
        from coolrun import Lease, hookimpl

        @hookimpl(trylast=True)
        def coolrun_pre_launch(run):
            return Lease(record={"SEEN_BEFORE": dict(run.environment)})
        """
    files = {
        "work.py": "def main(exp):\n    pass\n",
        "late.py": plugin,
        "experiment.yaml": "Module: work\n---\nEnv: {A: 1}\n---\n{}\n",
    }
    done = project(files).run(env={"COOLRUN_PLUGINS": "late", "PYTHONPATH": str(project.path)})
    assert [record["SEEN_BEFORE"] for record in done.records] == [{"A": "1"}, {}]
