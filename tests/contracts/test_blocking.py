"""Every built-in blocked in turn: it works as before, or somebody says what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coolrun.testing import Outcome, Project
from coolrun_plugins import BUILTIN

MODULE = "def main(exp):\n    exp.SEEN = exp.get('lr', 0)\n"
SMALL = "Module: mod\n---\nName: a\nlr: 1\n---\nName: b\nlr: 2\n"

# Without these no session is possible; what the message then says.
NEEDED = {
    "definition": "no plugin reads 'small.yaml'",
    "memoryqueue": "no plugin gives a queue",
    "local": "no plugin launches runs",
    "module": "belongs to the plugin 'module', which is blocked",
}

# What each one adds to definitions and command lines, and what is said while it is blocked.
FEATURES = [
    ("repeat", "Module: mod\n---\nRepeat: 2\n", [], "the key 'Repeat' belongs to the plugin"),
    ("repeat", "Global: {repeat: 2}\nModule: mod\n---\n{}\n", [], "Global.repeat belongs to"),
    ("repeat", "Module: mod\n---\nx: parse REP\n", [], "'REP' is unknown"),
    ("parse", "Module: mod\n---\nx: parse 1 + 1\n", [], "'parse' belongs to a plugin"),
    ("parse", "Module: mod\n---\nx: [{y: parse 1 + 1}]\n", [], "'parse' belongs to a plugin"),
    ("parse", "Global: {order: free}\nModule: mod\n---\n{}\n", [], "Global.order belongs to"),
    (
        "await_",
        "Module: mod\n---\ny: 1\n---\nx: await E[-1].y\n",
        [],
        "'await' belongs to a plugin",
    ),
    ("solve", "Module: mod\n---\nx: solve int()\n", [], "'solve' belongs to a plugin"),
    (
        "skip",
        "Module: mod\n---\nName: skip\n---\n{}\n",
        [],
        "the value 'skip' belongs to the plugin",
    ),
    ("skip", "Module: mod\n---\nName: parse 'skip'\n---\n{}\n", [], "the value 'skip' belongs to"),
    ("skip", "Module: mod\n---\nName:\n---\n{}\n", [], "the value None belongs to the plugin"),
    ("pick", SMALL, ["--pick", "0"], "'--pick' belongs to the plugin 'pick'"),
    ("pick", SMALL, ["--cherrypick-experiments=0"], "belongs to the plugin 'pick'"),
    ("diskqueue", "Global: {queue: q}\nModule: mod\n---\n{}\n", [], "Global.queue belongs to"),
    ("parse", "Global: {chain: free}\nModule: mod\n---\n{}\n", [], "Global.chain belongs to"),
    ("after", "Module: mod\n---\nAfter: previous\n", [], "the key 'After' belongs to the plugin"),
    ("jobs", SMALL, ["-j", "2"], "'-j' belongs to the plugin 'jobs'"),
    ("limits", "Module: mod\n---\nTimeout: 2h\n", [], "the key 'Timeout' belongs to"),
    ("retry", "Module: mod\n---\nRetries: 2\n", [], "the key 'Retries' belongs to"),
    ("environment", "Module: mod\n---\nEnv: {A: b}\n", [], "the key 'Env' belongs to"),
    ("folders", "Module: mod\n---\nOutput: x\n", [], "the key 'Output' belongs to"),
    ("comment", SMALL, ["--comment", "x"], "'--comment' belongs to the plugin 'comment'"),
    ("shuffle", SMALL, ["--shuffle"], "'--shuffle' belongs to the plugin 'shuffle'"),
    ("budget", SMALL, ["--max-runs", "1"], "'--max-runs' belongs to the plugin 'budget'"),
    ("breaker", "Global: {pause_after: 1}\nModule: mod\n---\n{}\n", [], "Global.pause_after"),
    ("debug", SMALL, ["--debug"], "'--debug' belongs to the plugin 'debug'"),
    ("inline", SMALL, ["--in-process"], "'--in-process' belongs to the plugin 'inline'"),
    ("local", "Global: {isolate: spawn}\nModule: mod\n---\n{}\n", [], "Global.isolate belongs to"),
    ("yamllog", "Module: mod\nYamlLog: x.yaml\n---\n{}\n", [], "the key 'YamlLog' belongs to"),
    ("notify", "Global: {say: lr}\nModule: mod\n---\n{}\n", [], "Global.say belongs to"),
    ("slack", "Global: {slack: true}\nModule: mod\n---\n{}\n", [], "Global.slack belongs to"),
    ("dryrun", SMALL, ["--dry"], "'--dry' belongs to the plugin 'dryrun'"),
]


@pytest.fixture
def small(project: Project) -> Project:
    return project({"mod.py": MODULE, "small.yaml": SMALL})


def blocked(project: Project, name: str, *args: str) -> Outcome:
    outcome = project.run("-p", f"no:{name}", *args)
    assert "Traceback" not in outcome.err
    assert "Traceback" not in outcome.out
    return outcome


@pytest.mark.parametrize("name", BUILTIN)
def test_a_small_definition_runs_or_the_message_says_what_is_missing(
    small: Project, name: str
) -> None:
    outcome = blocked(small, name, "--exp", "small.yaml")
    if name in NEEDED:
        assert outcome.code in {3, 4}
        assert NEEDED[name] in outcome.err
        assert not outcome.records
    else:
        assert outcome.code == 0
        assert [record["SEEN"] for record in outcome.records] == [1, 2]


@pytest.mark.parametrize(("name", "text", "args", "words"), FEATURES)
def test_what_a_blocked_plugin_would_have_done_is_refused_and_not_passed_over(
    small: Project, name: str, text: str, args: list[str], words: str
) -> None:
    small({"small.yaml": text})
    outcome = blocked(small, name, "--exp", "small.yaml", *args)
    assert outcome.code == 4
    assert words in outcome.err
    assert not outcome.records
    assert not (small.path / ".coolrun").exists()
    free = small.run("--exp", "small.yaml", *args, "--dry")
    assert free.code == 0, "the same is fine without the block"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("init", "init"),
        ("init-plugin", "initplugin"),
        ("schema", "schema"),
        ("plugins", "plugininfo"),
        ("status", "status"),
        ("pause", "steer"),
        ("abort", "abort"),
        ("logs", "logs"),
        ("retry", "failures"),
    ],
)
def test_the_command_of_a_blocked_plugin_is_refused(
    small: Project, command: str, name: str
) -> None:
    outcome = blocked(small, name, command)
    assert outcome.code == 4
    assert f"{command!r} belongs to the plugin {name!r}, which is blocked" in outcome.err


def test_a_flag_of_a_blocked_plugin_reaches_the_module_when_it_is_meant_for_it(
    small: Project,
) -> None:
    small({"mod.py": "import sys\n\ndef main(exp):\n    exp.ARGV = sys.argv[1:]\n"})
    outcome = blocked(small, "pick", "--exp", "small.yaml", "--", "--pick", "0")
    assert outcome.records[0]["ARGV"] == ["--exp", "small.yaml", "--pick", "0"]


def test_values_that_wait_do_not_need_those_that_are_parsed(small: Project) -> None:
    small({"small.yaml": "Module: mod\n---\nlr: 3\n---\nlr: await E[-1].SEEN + 1\n"})
    outcome = blocked(small, "parse", "--exp", "small.yaml")
    assert [record["SEEN"] for record in outcome.records] == [3, 4]


@pytest.mark.parametrize("name", BUILTIN)
def test_help_is_given_whatever_is_blocked(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "coolrun", "-p", f"no:{name}", "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "usage: coolrun" in done.stdout
    assert done.stderr == ""


def test_blocking_what_is_not_there_is_told(small: Project) -> None:
    outcome = blocked(small, "nothing", "--exp", "small.yaml")
    assert outcome.code == 0
    assert "-p no:nothing: there is no plugin of that name" in outcome.err
