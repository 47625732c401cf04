"""What a person gets wrong: one clear message each, nothing launched, nothing half written."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coolrun.testing import Outcome, Project

MODULE = "import sys\n\n\ndef train(exp):\n    pass\n\n\ndef test(exp):\n    pass\n"
GOOD = "Module: mod:train\n---\n{}\n"


@pytest.fixture
def folder(project: Project) -> Project:
    return project({"mod.py": MODULE, "good.yaml": GOOD})


def files(project: Project) -> set[str]:
    return {str(f.relative_to(project.path)) for f in project.path.rglob("*")}


def refused(project: Project, *args: str, code: int = 4) -> str:
    """Run, check that it is refused in a few words, and return those."""
    before = files(project)
    outcome = project.run(*args)
    check(outcome, code)
    assert files(project) == before
    assert "coolrun_session_start" not in outcome.hooks
    return outcome.err


def check(outcome: Outcome, code: int) -> None:
    assert outcome.code == code
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert outcome.err.count("error: ") == 1
    assert len(outcome.err.splitlines()) <= 3
    assert not outcome.records


def wrong(project: Project, text: str | bytes, *args: str, code: int = 4) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    (project.path / "a.yaml").write_bytes(data)
    return refused(project, "--exp", "a.yaml", *args, code=code)


# The file


def test_a_missing_file_is_named_with_the_folder_it_was_looked_for_in(folder: Project) -> None:
    message = refused(folder, "--exp", "nothing-like-it")
    assert "there is no file 'nothing-like-it'" in message
    assert f"it was looked for in {str(folder.path)!r}" in message


def test_a_missing_file_with_a_near_name_is_guessed(folder: Project) -> None:
    assert "did you mean 'good.yaml'?" in refused(folder, "--exp", "goood.yaml")


def test_without_any_definition_people_are_told_how_to_begin(folder: Project) -> None:
    message = refused(folder)
    assert "there is no experiment.yaml in this folder" in message
    assert "`coolrun init`" in message


def test_a_folder_is_no_definition(folder: Project) -> None:
    (folder.path / "sub").mkdir()
    assert "'sub' is a folder" in refused(folder, "--exp", "sub")


def test_a_pipe_is_refused_instead_of_waited_for(folder: Project) -> None:
    os.mkfifo(folder.path / "pipe")
    assert "'pipe' is no regular file" in refused(folder, "--exp", "pipe")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_empty_file_says_what_belongs_into_it(folder: Project, text: str) -> None:
    message = wrong(folder, text)
    assert "a.yaml is empty" in message
    assert "each one after `---` is an experiment" in message


def test_what_is_not_yaml_is_told_with_line_and_column(folder: Project) -> None:
    message = wrong(folder, "a: [1,\nb: 2\n---\n{}\n")
    assert "a.yaml:" in message
    assert "]" in message


@pytest.mark.parametrize("text", [b"a: \xff\n---\n{}\n", "a: 1\n".encode("utf-16"), b"\x7fELF\x01"])
def test_a_file_in_another_encoding_is_told_so(folder: Project, text: bytes) -> None:
    assert "a.yaml:1:" in wrong(folder, text)


@pytest.mark.parametrize(
    ("text", "place"),
    [("- a\n---\n{}\n", "1:1"), ("a: 1\n---\n- 3\n", "3:1"), ("word\n---\n{}\n", "1:1")],
)
def test_a_list_or_a_word_at_top_level_is_refused(folder: Project, text: str, place: str) -> None:
    message = wrong(folder, text)
    assert f"a.yaml:{place}: the document is no mapping of keys to values" in message
    assert "write `key: value`" in message


def test_a_file_with_defaults_only_says_where_experiments_start(folder: Project) -> None:
    message = wrong(folder, "Module: mod:train\n", code=5)
    assert "there is no experiment to run" in message
    assert "experiments start after a line `---`" in message


# The module


def test_an_unknown_module_is_told_with_where_it_was_looked_for(folder: Project) -> None:
    message = wrong(folder, "Module: nowhere\n---\n{}\n")
    assert "a.yaml:1:9: experiment 0 'a', key 'Module': there is no module 'nowhere'" in message
    assert str(folder.path) in message


def test_a_module_without_the_function_lists_what_it_has(folder: Project) -> None:
    message = wrong(folder, "Module: mod\n---\n{}\n")
    assert "has no function 'main'; its functions: 'test', 'train'" in message
    assert "name one as 'mod:train'" in message


def test_a_module_that_is_not_python_is_told_before_the_first_run(folder: Project) -> None:
    folder({"torn.py": "def main(exp:\n"})
    message = wrong(folder, "Module: mod:train\n---\n{}\n---\nModule: torn\n")
    assert "torn.py:1:" in message
    assert "'torn' is not Python" in message


def test_nothing_that_says_what_to_run(folder: Project) -> None:
    message = wrong(folder, "lr: 1\n---\nName: x\n")
    assert "a.yaml:3:1: experiment 0 'x': nothing says what to run" in message


# The log


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("sub", "it is a folder"),
        ("good.yaml/log.yaml", "a part of its path is a file"),
        ("/proc/not/there.yaml", "it cannot be written: No such file or directory"),
        ("/dev/full", "it is no regular file"),
        ("pipe", "it is no regular file"),
        ("loop", "it cannot be looked at: Too many levels of symbolic links"),
        ("x" * 300, "it cannot be looked at: File name too long"),
        ("3", "it has to be a path"),
        ("''", "it has to be a path"),
        ("[a]", "it has to be a path"),
    ],
)
def test_a_log_that_cannot_be_written(folder: Project, log: str, reason: str) -> None:
    (folder.path / "sub").mkdir()
    os.mkfifo(folder.path / "pipe")
    (folder.path / "loop").symlink_to("loop")
    message = wrong(folder, f"Module: mod:train\n---\n{{}}\n---\nYamlLog: {log}\n")
    assert "a.yaml:5:10: experiment 1 'a', key 'YamlLog': the log" in message
    assert f"cannot be used: {reason}" in message


def test_a_refused_plan_leaves_no_folder_of_a_log_that_could_be_written(folder: Project) -> None:
    wrong(folder, "Module: mod:train\nYamlLog: new/deep/log.yaml\n---\n{}\n---\nYamlLog: /proc/x\n")


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A folder that may be read and not written, with definitions in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mod.py").write_text(MODULE)
        (folder / "good.yaml").write_text(GOOD)
        (folder / "log.yaml").write_text("Module: mod:train\nYamlLog: log/log.yaml\n---\n{}\n")
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def without_power() -> None:
    """Let the permissions of folders hold for root as well, in the child that calls this."""
    drop_from_bounding_set, override_permissions = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, override_permissions, 0, 0, 0)


def run_in(project: Project, folder: Path, *args: str) -> Outcome:
    command, environment, _ = project.command(*args)
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment, "COOLRUN_PLUGINS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=without_power,
    )
    return Outcome(args, done.returncode, done.stdout, done.stderr, [], [])


def test_a_working_directory_that_is_read_only_is_told(project: Project, sealed: Path) -> None:
    outcome = run_in(project, sealed, "--exp", "good.yaml")
    check(outcome, 3)
    assert f"cannot write in the working directory {str(sealed)!r}" in outcome.err
    assert "start coolrun in a folder of yours" in outcome.err


def test_a_log_in_a_folder_that_is_read_only_is_told(project: Project, sealed: Path) -> None:
    outcome = run_in(project, sealed, "--exp", "log.yaml")
    check(outcome, 4)
    assert "log.yaml:2:10: experiment 0 'log', key 'YamlLog'" in outcome.err
    assert "it cannot be written: Permission denied" in outcome.err
    assert {f.name for f in sealed.iterdir()} == {"mod.py", "good.yaml", "log.yaml"}


def test_init_in_a_folder_that_is_read_only_is_told(project: Project, sealed: Path) -> None:
    outcome = run_in(project, sealed, "init", "mine")
    check(outcome, 4)
    assert "cannot write in" in outcome.err


def test_a_dry_run_works_where_nothing_can_be_written(project: Project, sealed: Path) -> None:
    outcome = run_in(project, sealed, "--exp", "good.yaml", "--dry")
    assert outcome.code == 0
    assert "1 experiment: 1 to run" in outcome.out


# The command line


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--pick", "7"], ["--pick 7: there is no experiment 7", "numbered 0 to 0"]),
        (["--pick", "-2"], ["there is no experiment -2"]),
        (["--pick", "nobody"], ["--pick 'nobody': no experiment has this name"]),
        (["--pick"], ["--pick", "expected one argument"]),
        (["--exp"], ["--exp", "expected one argument"]),
        (["+a"], ["cannot read '+a'", "write +key=value"]),
        (["++a"], ["cannot read '++a'"]),
        (["+"], ["cannot read '+'"]),
        (["+=1"], ["cannot read '+=1'"]),
        (["+a..b=1"], ["cannot read '+a..b=1'"]),
        (["+++a=1"], ["cannot read '+++a=1'"]),
        (["+a=[1"], ["cannot read '+a=[1'", "close it with ]"]),
        (["+__a=1"], ["'+__a=1'", "may not begin or end with '__'"]),
        (["+Global=1"], ["'+Global=1' would replace all settings"]),
        (["+Global.repeat=x"], ["key 'Global.repeat': invalid setting 'x'"]),
        (["-p", "nothere"], ["plugin 'nothere' cannot be loaded", "`coolrun plugins` lists"]),
        (["-p"], ["-p needs the name of a plugin"]),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line(folder: Project, args: list[str], words: list[str]) -> None:
    message = refused(folder, "--exp", "good.yaml", *args)
    for word in words:
        assert word in message


def test_a_word_too_many_for_a_command(folder: Project) -> None:
    message = refused(folder, "plugins", "--jsno")
    assert "unrecognized arguments: --jsno" in message
    assert "see `coolrun plugins --help`" in message


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("repeat: x", "expected a whole number"),
        ("repeat: true", "expected a whole number"),
        ("repeat: -1", "must not be negative"),
        ("max_experiments: 0", "expected a positive whole number"),
        ("merge: depe", "expected 'replace' or 'deep'"),
        ("order: 3", "expected 'file' or 'free'"),
        ("queue: 3", "expected a path or null"),
        ("isolate: thread", "expected fork or spawn"),
        ("preload: 3", "expected a list of names of modules"),
        ("repeat: parse 1 + 1", "settings are not computed"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(folder: Project, setting: str, reason: str) -> None:
    name = setting.partition(":")[0]
    message = wrong(folder, f"Global:\n  {setting}\nModule: mod:train\n---\n{{}}\n")
    column = 3 + len(name) + 2
    assert f"a.yaml:2:{column}: key 'Global.{name}': invalid setting" in message
    assert reason in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Repeat: -1", "3:9: an experiment 'a', key 'Repeat': invalid Repeat -1"),
        ("Repeat: parse 2", "3:9: an experiment 'a', key 'Repeat': Repeat has to be a number"),
        ("Repeat: 1.5", "3:9: an experiment 'a', key 'Repeat': invalid Repeat 1.5"),
        ("REP: 3", "3:6: an experiment 'a', key 'REP': REP is counted by coolrun"),
        ("Global: {}", "3:9: key 'Global': Global belongs to the first document only"),
    ],
)
def test_a_wrong_key_is_told_with_its_place(folder: Project, text: str, words: str) -> None:
    assert f"a.yaml:{words}" in wrong(folder, f"Module: mod:train\n---\n{text}\n")
