"""`Command`: programs, their arguments, and what becomes of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coolrun
from coolrun.cli import configure
from coolrun.results import read_results, token_of
from coolrun.testing import Project
from coolrun_plugins.command.line import Line
from coolrun_plugins.command.template import Hole, pieces

VALUES: dict[str, Any] = {
    "data": "a b",
    "lr": 1e-5,
    "n": 3,
    "early-stop": True,
    "late": False,
    "nothing": None,
    "xs": [1, "b c", 2.5],
    "none": [],
    "pair": (1, 2),
    "o": {"a": {"b": 7}, "_hidden": 1, "list": [{"k": "v"}], 20: "twenty"},
    "inf": float("inf"),
    "text": "",
    "_helper": "h",
}


@pytest.fixture
def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    monkeypatch.chdir(tmp_path)
    config = configure(["run"])

    def filled(command: Any, **values: Any) -> list[str]:
        experiment = coolrun.Experiment({**VALUES, **values, "Name": "x", "Command": command})
        return Line(command).fill(experiment, config)

    return filled


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("p --data {data} [lr]", ["p", "--data", "a b", "--lr", "1e-05"]),
        ("p [early-stop] [late] [nothing]", ["p", "--early-stop"]),
        ("p {early-stop} {late} {nothing} {n}", ["p", "true", "false", "null", "3"]),
        ("p {xs} [xs]", ["p", "1", "b c", "2.5", "--xs", "1", "b c", "2.5"]),
        ("p {none} [none] [pair]", ["p", "--none", "--pair", "1", "2"]),
        ("p {o.a.b} [o.a.b] {o.20}", ["p", "7", "--o.a.b", "7", "twenty"]),
        ("p {xs[1]} {xs[-1]} {o.list[0].k}", ["p", "b c", "2.5", "v"]),
        ("p {o.a} {o.list}", ["p", '{"b": 7}', '{"k": "v"}']),
        ("p {inf} {text} {_helper}", ["p", "inf", "", "h"]),
        ("p --lr={lr} out/{data}/{n}.txt", ["p", "--lr=1e-05", "out/a b/3.txt"]),
        ("p '{data}' \"{data}\" x'{n}'\"y z\"", ["p", "a b", "a b", "x3y z"]),
        ("p {{data}} [[lr]] {{{n}}}", ["p", "{data}", "[lr]", "{3}"]),
        ('p \'{"a": {"b": 1}}\' [0.5] {1..3}', ["p", '{"a": {"b": 1}}', "[0.5]", "{1..3}"]),
        ("p a\\ b 'c\\d' \"e\\\"f\\g\" '' x$ $.5", ["p", "a b", "c\\d", 'e"f\\g', "", "x$", "$.5"]),
        ("p --data {data}\n  [lr]\n\t{n}\n", ["p", "--data", "a b", "--lr", "1e-05", "3"]),
        ("p a \\\nb", ["p", "a", "b"]),
        ("p x#y a~b c=d e%f g@h i!", ["p", "x#y", "a~b", "c=d", "e%f", "g@h", "i!"]),
        (["p", "a {n}", "{xs}", "$HOME", 5], ["p", "a 3", "1", "b c", "2.5", "$HOME", "5"]),
    ],
)
def test_a_template_becomes_arguments(
    fill: Callable[..., list[str]], command: Any, expected: list[str]
) -> None:
    assert fill(command) == expected


def test_all_parameters_are_flags_without_helpers_and_coolruns_own(
    fill: Callable[..., list[str]],
) -> None:
    assert fill("p {args}")[1:] == [
        *("--data", "a b", "--lr", "1e-05", "--n", "3", "--early-stop"),
        *("--xs", "1", "b c", "2.5", "--none", "--pair", "1", "2"),
        *("--o.a.b", "7", "--o.list", '{"k": "v"}', "--o.20", "twenty"),
        *("--inf", "inf", "--text", ""),
    ]


@pytest.mark.parametrize(
    "command",
    [
        "p | q",
        "p && q",
        "p; q",
        "p > out",
        "p < in",
        "p &",
        "(p)",
        "p *.txt",
        "p file?",
        "p data[0-9].csv",
        "p $HOME",
        'p "$HOME"',
        "p ${HOME}",
        "p $(q)",
        "p `q`",
        'p "`q`"',
        "p ~/x",
        "p # comment",
        "A=1 p",
        "p\nq",
    ],
)
def test_shell_syntax_is_run_by_a_shell(fill: Callable[..., list[str]], command: str) -> None:
    assert fill(command)[:2] == ["/bin/sh", "-c"]


@pytest.mark.parametrize(
    "command",
    ["p 'a | b'", "p '$HOME'", "p a\\;b", 'p "a && b"', "p 'x*' \\* \"?\"", "p '# no'", 'p "\\$x"'],
)
def test_quoted_shell_syntax_is_text(fill: Callable[..., list[str]], command: str) -> None:
    assert fill(command)[0] == "p"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "invalid Command"),
        (3, "invalid Command"),
        (True, "invalid Command"),
        ([], "invalid Command"),
        ([["a"]], "invalid Command"),
        ("p 'x", "' is opened and never closed"),
        ('p "x', "is opened and never closed"),
        ("p $(x", r"\(\( is|\( is opened"),
        ("p x[lr]", r"\[lr\] has to stand alone"),
        ("p '[lr]'", "has to stand alone"),
        ("p x{args}", "has to stand alone"),
        ("p x{xs}", "is a list and a part of a word"),
        ("p \\{n}", "a backslash stands before"),
        ("p $(( {n} + 1 ))", "could be read as code"),
        ("p ${x:-{n}} y", "could be read as code"),
        ("p ${x", "never closed"),
        ("sh -c 'echo {data}'", "text of another shell"),
        ('env A=b bash -ec "echo {data}" | cat', "text of another shell"),
        ("eval {data} && p", "text of another shell"),
        ("p {dat}", r"no parameter 'dat'(.|\n)*did you mean 'data'"),
        ("p [o.a.c]", "no parameter 'c' in 'o.a'"),
        ("p {xs[3]}", "'xs' has no 3"),
        ("p {data[0]}", "'data' has no 0"),
        ("p {bad}", "null character"),
        ("p {half}", "surrogate"),
    ],
)
def test_what_is_wrong_with_a_template_is_told(
    fill: Callable[..., list[str]], command: Any, reason: str
) -> None:
    with pytest.raises(coolrun.DefinitionError) as caught:
        fill(command, bad="a\0b", half="\ud800")
    assert re.search(reason, str(caught.value)), str(caught.value)


def test_a_value_may_be_handed_to_another_shell_as_an_argument(
    fill: Callable[..., list[str]],
) -> None:
    assert fill("sh -c 'echo \"$1\"' sh {data}") == ["sh", "-c", 'echo "$1"', "sh", "a b"]


def test_the_pieces_of_a_template_are_its_text_and_its_placeholders() -> None:
    assert pieces("a {b} [c] {args} ${d}") == [
        "a ",
        Hole("value", "b"),
        " ",
        Hole("flag", "c"),
        " ",
        Hole("all", "args"),
        " ${d}",
    ]


# No value can ever become shell syntax

ARGV = "import json, sys; print(json.dumps(sys.argv[1:]))"
NASTY = st.one_of(
    st.text(alphabet=st.sampled_from("'\"`$(){}[]\\|&;<>*?~#!= \n\tab-"), max_size=12),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["$(touch BAD)", "`touch BAD`", "'; touch BAD; '", '"; touch BAD; "', "-n"]),
)
TEMPLATES = [
    "{PY} {v} [v]",
    "{PY} {v} [v] | cat",
    "{PY} {v} [v] && true",
    "{PY} \"{v}\" --v '{v}' ; true",
    '{PY} "{v}" --v {v} > out; cat out',
    "{PY} \"\"{v} --v ''\"{v}\"'' $NOTHING",
    "{PY}\\\n {v} $(echo --v) {v}",
    "{PY} {v} {args} || exit 3",
]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=NASTY, template=st.sampled_from(TEMPLATES))
def test_no_value_becomes_shell_syntax(
    fill: Callable[..., list[str]], tmp_path: Path, value: str, template: str
) -> None:
    script = tmp_path / "argv.py"
    script.write_text(ARGV)
    command = template.replace("{PY}", f"{sys.executable} -I -S {script}")
    config = configure(["run"])
    experiment = coolrun.Experiment({"v": value})
    arguments = Line(command).fill(experiment, config)
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert json.loads(done.stdout) == [value, "--v", value]
    assert not (tmp_path / "BAD").exists()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=NASTY)
def test_whatever_surrounds_a_value_it_is_never_run(
    fill: Callable[..., list[str]], tmp_path: Path, value: str
) -> None:
    """The words may come out wrong where the template is odd; nothing is executed all the same."""
    config = configure(["run"])
    for template in (
        'true "$(printf %s "{v}")"',
        'true "`printf %s {v}`" | cat',
        "cat <<EOF\n{v}\nEOF",
        'true "${HOME}{v}" && true',
        "case x in x) true {v};; esac",
    ):
        arguments = Line(template).fill(coolrun.Experiment({"v": value}), config)
        subprocess.run(arguments, capture_output=True, cwd=tmp_path, check=False, timeout=20)
        assert not (tmp_path / "BAD").exists(), template


# Before anything runs

BASE = "Name: x\ndata: a b\n---\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Command: true {dta}", r"a.yaml:4:10: .*'Command'.*no parameter 'dta'"),
        ("Command: true 'x", "a.yaml:4:10: .*never closed"),
        ("Command:\n  train: 'true {data}'\n  test: 'true {dta}'", r"a.yaml:6:9: .*'Command.test'"),
        ("Command: {}", "without a stage"),
        ("Command: true\nModule: m", "both given"),
        ("Command: true {o}\no: solve make(1)", "process of a Python function only"),
    ],
)
def test_a_wrong_command_is_refused_in_a_dry_run_too(
    project: Project, text: str, reason: str
) -> None:
    outcome = project({"a.yaml": BASE + text + "\n"}).run("--exp", "a.yaml", "--dry")
    assert outcome.code == 4
    assert re.search(reason, outcome.err), outcome.err


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("nosuchprogram {data}", "there is no program 'nosuchprogram' on the PATH"),
        ("./nosuch", "there is no program './nosuch'"),
        ("./script.py {data}", r"cannot be executed(.|\n)*chmod \+x(.|\n)*`python ./script.py`"),
        ("script.py", "write `python script.py`"),
        ("./folder", "is a folder"),
        ("{train: 'true', test: 'true'}", "cannot be run by this version"),
    ],
)
def test_a_program_is_looked_for_before_the_first_run(
    project: Project, command: str, reason: str
) -> None:
    files = {"script.py": "", "folder/x": "", "a.yaml": f"{BASE}Command: true {{data}}\n---\n"}
    project(files | {"a.yaml": f"{BASE}Command: true {{data}}\n---\nCommand: {command}\n"})
    outcome = project.run("--exp", "a.yaml")
    assert outcome.code == 4
    assert re.search(reason, outcome.err), outcome.err
    assert not outcome.records
    assert project.run("--exp", "a.yaml", "--dry")


def test_a_misspelt_program_gets_the_near_name_from_the_path(project: Project) -> None:
    folders = [project.path / name for name in ("bin", "sbin")]
    for name in ("bin/pythm", "bin/python", "sbin/pyth/inside", "sbin/other"):
        project({name: ""})
    for path in ("bin/python", "sbin/other"):
        (project.path / path).chmod(0o755)
    path = os.pathsep.join([str(project.path / "gone"), *map(str, folders)])

    def error(command: str) -> str:
        project({"a.yaml": f"Command: {command} train.py\n---\n{{}}\n"})
        return project.run("--exp", "a.yaml", env={"PATH": path}).err

    assert "did you mean 'python'?" in error("pyth"), "not what cannot be executed, nor a folder"
    assert "did you mean 'other'?" in error("othre")
    assert "did you mean" not in error("entirely")


def test_parameters_that_no_command_uses_are_reported(project: Project) -> None:
    text = """
        Command: true {data} {o.lr} {xs[0]}
        data: 1
        o: {lr: 1, momentum: 2}
        xs: [1, 2]
        _helper: 1
        ---
        sizes: 3
        ---
        Command: true [sizes]
        sizes: 3
        momnt: 1
        ---
        Command: true {args}
        free: 1
    """
    outcome = project({"a.yaml": text}).run("--exp", "a.yaml", "--dry")
    assert "no command uses the parameters 'o.momentum', 'momnt'\n" in outcome.err


def test_arguments_that_no_command_is_given_are_reported(project: Project) -> None:
    text = "Name: x\n---\nCommand: 'true'\n"
    mixed = f"{text}---\nModule: m\n"
    project({"a.yaml": text, "mixed.yaml": mixed, "m.py": "def main(exp): ..."})
    outcome = project.run("--exp", "a.yaml", "--dry", "--lr", "0.2", "--", "a b")
    assert outcome.err == (
        "note: no command is given --lr 0.2 'a b': "
        "it gets what Command says; +key=value changes a parameter\n"
    )
    assert project.run("--exp", "a.yaml", "-j", "2", "--dry").err == ""
    assert project.run("--exp", "mixed.yaml", "--dry", "--lr", "0.2").err == ""


def test_what_a_function_may_use_is_not_reported(project: Project) -> None:
    text = "Module: m\nlr: 1\n---\n{}\n---\nCommand: true x\nown: 1\n"
    outcome = project({"a.yaml": text}).run("--exp", "a.yaml", "--dry")
    assert "no command uses the parameter 'own'\n" in outcome.err


# Running

SHOW = """
    import json, os, sys
    print(json.dumps(sys.argv[1:]))
    with open(os.environ["COOLRUN_RESULTS"], "a") as file:
        print("ARGS:", json.dumps(sys.argv[1:]), file=file)
        print("ENV:", json.dumps({k: v for k, v in os.environ.items() if k[:8] == "COOLRUN_"}),
              file=file)
"""


@pytest.mark.parametrize("way", [[], ["--in-process"]])
class TestRunning:
    def test_a_program_gets_its_arguments_and_gives_results(
        self, project: Project, way: list[str]
    ) -> None:
        text = f"Command: {sys.executable} show.py {{data}} [lr]\ndata: a b\nlr: 1e-3\n---\n{{}}\n"
        outcome = project({"show.py": SHOW, "a.yaml": text}).run("--exp", "a.yaml", *way)
        assert outcome
        (record,) = outcome.records
        assert record["ARGS"] == ["a b", "--lr", "0.001"]
        assert record["STATUS"] == "done"
        environment = record["ENV"]
        folder = Path(environment["COOLRUN_RUN_DIR"])
        assert environment["COOLRUN_RUN_ID"] == record["RUN_ID"]
        assert environment["COOLRUN_RESULTS"] == str(folder / "results.yaml")
        assert environment["COOLRUN_ATTEMPT"] == "1"
        assert environment["COOLRUN_RESUME"] == "0"
        assert environment["COOLRUN_CWD"] == str(project.path)
        assert folder.parent.parent.name == environment["COOLRUN_SESSION"]
        assert '["a b", "--lr", "0.001"]' in outcome.out

    @pytest.mark.parametrize(
        ("command", "failure"),
        [
            ("sh -c 'exit 3'", "exit code 3"),
            ("exit 3 ; true", "exit code 3"),
            ("nosuchprogram 2> /dev/null; exit $?", "exit code 127 (a program was not found)"),
            ("./script 2> /dev/null; exit $?", "exit code 126 (a program could not be executed)"),
            ("kill -9 $$", "killed by signal 9 (SIGKILL)"),
            ("kill -TERM $$", "killed by signal 15 (SIGTERM)"),
        ],
    )
    def test_how_it_ended_is_told(
        self, project: Project, way: list[str], command: str, failure: str
    ) -> None:
        text = f"Name: x\n---\nCommand: {json.dumps(command)}\n"
        outcome = project({"script": "", "a.yaml": text}).run("--exp", "a.yaml", *way)
        assert outcome.code == 1
        (record,) = outcome.records
        assert record["FAILURE"] == failure
        assert record["STATUS"] == "failed"

    def test_results_of_a_failure_are_kept_and_wrong_ones_are_told(
        self, project: Project, way: list[str]
    ) -> None:
        text = """
            lr: 3
            ---
            Command: |
              echo 'ACC: 0.5' >> "$COOLRUN_RESULTS"; echo --- >> "$COOLRUN_RESULTS"
              echo '{"ACC": 0.9, "lr": 4, "STATUS": "x"}' >> "$COOLRUN_RESULTS"
              echo --- >> "$COOLRUN_RESULTS"; echo '[oh' >> "$COOLRUN_RESULTS"
              exit 1
        """
        outcome = project({"a.yaml": text}).run("--exp", "a.yaml", *way)
        (record,) = outcome.records
        assert record["ACC"] == 0.9
        assert record["lr"] == 3
        assert record["STATUS"] == "failed"
        told = outcome.out + outcome.err
        assert "result 'lr' is not recorded" in told
        assert "its results are not all recorded" in told

    def test_text_that_looks_like_an_expression_stays_text(
        self, project: Project, way: list[str]
    ) -> None:
        text = "Name: x\n---\nCommand: 'echo \"A: parse 1 + 1\" > $COOLRUN_RESULTS'\n"
        outcome = project({"a.yaml": text}).run("--exp", "a.yaml", *way)
        assert outcome.records[0]["A"] == "parse 1 + 1"

    def test_it_finds_the_usual_signals(self, project: Project, way: list[str]) -> None:
        text = "Name: x\n---\nCommand: 'grep Sig /proc/self/status > sig'\n"
        assert project({"a.yaml": text}).run("--exp", "a.yaml", *way)
        found = dict(line.split() for line in (project.path / "sig").read_text().splitlines())
        assert int(found["SigIgn:"], 16) & (1 << 12) == 0  # SIGPIPE
        assert int(found["SigBlk:"], 16) & (1 << 1) == 0  # SIGINT


def test_a_program_runs_in_the_place_of_a_process_of_python(project: Project) -> None:
    text = "Name: x\n---\nCommand: 'ps -o ppid=,pid=,sid= $$ > ps; exec cat /proc/$PPID/comm'\n"
    if shutil.which("ps") is None:
        pytest.skip("there is no ps")
    assert project({"a.yaml": text}).run("--exp", "a.yaml")
    _, pid, session = map(int, (project.path / "ps").read_text().split())
    assert pid == session


TRACEBACK = """
    import sys
    print("epoch 1")
    try:
        1 / 0
    except ZeroDivisionError:
        raise ValueError("no data for %s" % sys.argv[1])
"""


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        ("echo epoch 1; echo 'train: no such option' >&2; exit 2", ": train: no such option"),
        (f"{sys.executable} train.py a", ": ValueError: no data for a"),
        (f"{sys.executable} train.py b 2>&1; echo ended; exit 2", ": ValueError: no data for b"),
        ("exit 2; true", ""),
        ("echo; exit 2", ""),
        ("echo well; kill -9 $$", None),
        ('rm "$COOLRUN_RUN_DIR/output.log"; mkdir "$COOLRUN_RUN_DIR/output.log"; exit 2', ""),
    ],
)
def test_a_failure_tells_what_the_program_said_last(
    project: Project, command: str, failure: str | None
) -> None:
    text = f"Name: x\n---\nCommand: {json.dumps(command)}\n"
    (record,) = project({"train.py": TRACEBACK, "a.yaml": text}).run("--exp", "a.yaml").records
    code = 1 if command.endswith("train.py a") else 2
    expected = "killed by signal 9 (SIGKILL)" if failure is None else f"exit code {code}{failure}"
    assert record["FAILURE"] == expected


def test_programs_that_fail_for_different_reasons_have_different_causes(project: Project) -> None:
    text = """
        Name: x
        ---
        Command: "echo 'lr {lr}: loss is nan'; exit 1"
        Grid: {lr: [0.1, 0.2]}
        ---
        Command: "echo 'no data'; exit 1"
        ---
        Command: "exit 4; true"
        ---
        Command: "exit 5; true"
    """
    assert project({"a.yaml": text}).run("--exp", "a.yaml").code == 1
    listed = project.run("errors").out
    assert [line for line in listed.splitlines() if line.startswith("group")] == [
        "group 1: 2 x  exit code 1: lr N: loss is nan",
        "group 2: 1 x  exit code 1: no data",
        "group 3: 1 x  exit code 4",
        "group 4: 1 x  exit code 5",
    ]


LEASES = """
    from coolrun import Lease, hookimpl

    @hookimpl
    def coolrun_pre_launch(run, config):
        environment = {"PATH": str(config.cwd / "tools") + ":/usr/bin:/bin", "EXTRA": "x y"}
        return Lease(environment=environment, cwd=config.cwd / "elsewhere")
"""


def test_a_program_runs_where_its_leases_say(project: Project) -> None:
    text = 'Name: x\n---\nCommand: \'printf "%s\\n" "$PWD" "$EXTRA" "$PATH" > out; exit 3\'\n'
    project({"leases.py": LEASES, "elsewhere/x": "", "a.yaml": text})
    outcome = project.run("--exp", "a.yaml", "-p", "leases", env={"PYTHONPATH": str(project.path)})
    assert outcome.records[0]["FAILURE"] == "exit code 3"
    folder, extra, path = (project.path / "elsewhere" / "out").read_text().splitlines()
    assert folder == str(project.path / "elsewhere")
    assert extra == "x y"
    assert path.startswith(f"{project.path}/tools:")


def test_launchers_are_told_which_program_to_start(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project({"a.yaml": "Name: x\n---\nCommand: true {x} | cat\nx: a b\n---\nModule: m\n"})
    monkeypatch.chdir(project.path)
    config = configure(["--exp", "a.yaml"])
    one, other = coolrun.plan("a.yaml").experiments
    program = config.hook.coolrun_program(experiment=one, config=config)
    script = "coolrun_1='a b'\ntrue \"${coolrun_1}\" | cat"
    assert program == coolrun.Program("/bin/sh", ("/bin/sh", "-c", script))
    assert config.hook.coolrun_program(experiment=other, config=config) is None
    config.close()


def test_the_experiments_own_command_wins_over_a_default_module(project: Project) -> None:
    text = "Module: modules.nothing\n---\nCommand: /bin/true\n"
    outcome = project({"a.yaml": text}).run("--exp", "a.yaml")
    assert outcome
    assert outcome.records[0]["STATUS"] == "done"


def test_a_command_that_is_written_below_a_name_of_a_stage_is_shown(project: Project) -> None:
    text = "x: 1\n---\nCommand: {train: 'true {x}', test: 'true'}\n"
    outcome = project({"a.yaml": text}).run("--exp", "a.yaml", "--dry")
    assert outcome
    assert "1 to run" in outcome.out


def test_nothing_of_the_program_is_left_when_it_is_interrupted(project: Project) -> None:
    import signal
    import time

    text = "Name: x\n---\nCommand: sleep 60\n---\nCommand: sleep 61 | sleep 62\n"
    project({"a.yaml": text})
    command, environment, trace = project.command("--exp", "a.yaml", "-j", "2")
    with subprocess.Popen(
        command,
        cwd=project.path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 30
        sessions = project.path / ".coolrun" / "sessions"
        while len(list(sessions.glob("*/runs/*/results.jsonl"))) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) in {1, 2}
    records = [json.loads(line) for line in trace.read_text().splitlines()]
    statuses = [r["record"]["STATUS"] for r in records if "record" in r]
    assert statuses == ["interrupted", "interrupted"]
    pids = [
        read_results(file, token_of(file) or "").pid
        for file in sessions.glob("*/runs/*/results.jsonl")
    ]
    assert all(pids)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert os.getpid() not in pids
