"""What is declared is told: in `--help`, in the list of plugins, and in the docs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from coolrun.cli import configure
from coolrun.declarations import Option, Parser
from coolrun.errors import ExitCode
from coolrun.testing import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def declared() -> Parser:
    config = configure([])
    config.close()
    return config.parser


def documents() -> str:
    pages = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def missing(names: list[str], pattern: str = r"(?<![\w.]){}(?!\w)") -> list[str]:
    text = documents()
    return [name for name in names if not re.search(pattern.format(re.escape(name)), text)]


def names_of(option: Option) -> Sequence[str]:
    """What a person reads of it: an argument is shown by its metavar."""
    is_flag = option.flags[0].startswith("-")
    return option.flags if is_flag else [option.arguments.get("metavar", option.flags[0])]


def test_every_option_of_every_command_is_in_its_help(project: Project, declared: Parser) -> None:
    for command in declared.commands:
        text = project.run(command, "--help").out
        for option in declared.options:
            if option.command == command:
                assert all(name in text for name in names_of(option)), (command, option.flags)
                help_text = " ".join(str(option.arguments.get("help", "")).split())
                assert help_text, f"{option.flags} has no help"
                assert help_text.split(" %")[0] in " ".join(text.split())


def test_every_command_is_in_the_help_with_an_example(project: Project, declared: Parser) -> None:
    text = project.run("--help").out
    for command in declared.commands.values():
        assert command.help
        if command.name != "run":
            assert re.search(rf"^  {command.name} +{re.escape(command.help)}$", text, re.MULTILINE)
        assert command.examples, f"{command.name} shows no example"
        assert all(line.startswith("coolrun") for line in command.examples)


def test_help_fits_into_a_hundred_columns(project: Project, declared: Parser) -> None:
    for command in declared.commands:
        assert max(map(len, project.run(command, "--help").out.splitlines())) <= 100


def test_every_declaration_has_a_help_in_lower_case_without_a_full_stop(declared: Parser) -> None:
    things: list[Any] = [
        *declared.keys.values(),
        *declared.settings.values(),
        *declared.words.values(),
        *declared.launchers.values(),
        *declared.values,
        *declared.commands.values(),
    ]
    for thing in things:
        assert thing.help, thing
        first = thing.help.split()[0]
        assert first == first.lower() or not first.isalpha() or first.isupper(), thing.help
        assert not thing.help.endswith("."), thing.help


def test_every_default_is_accepted_by_its_own_setting(declared: Parser) -> None:
    for setting in declared.settings.values():
        assert setting.type(setting.default) == setting.default, setting.name


def test_every_declaration_is_in_the_list_of_plugins(project: Project, declared: Parser) -> None:
    rows = json.loads(project.run("plugins", "--json").out)
    for kind in ("commands", "keys", "settings", "words", "launchers"):
        listed = {name for row in rows for name in row[kind]}
        things = getattr(declared, kind)
        assert {name for name, t in things.items() if t.plugin != "core"} <= listed


def test_every_key_is_in_the_docs(declared: Parser) -> None:
    assert missing(sorted(declared.keys)) == []


def test_every_setting_is_in_the_docs(declared: Parser) -> None:
    assert missing(sorted(declared.settings), r"(?<!\w){}(?!\w)") == []


def test_every_word_is_in_the_docs(declared: Parser) -> None:
    assert missing(sorted(declared.words)) == []


def test_every_option_is_in_the_docs(declared: Parser) -> None:
    flags = sorted({f for o in declared.options for f in o.flags if f.startswith("--")})
    assert missing(flags, r"(?<![\w-]){}(?![\w-])") == []


def test_every_command_is_in_the_docs(declared: Parser) -> None:
    commands = [f"coolrun {name}" for name in sorted(declared.commands) if name != "run"]
    assert missing(commands) == []


@pytest.mark.parametrize("code", list(ExitCode), ids=lambda c: c.name)
def test_every_exit_code_is_in_the_docs(code: ExitCode) -> None:
    assert re.search(rf"^\| `?{int(code)}`? \|", documents(), re.MULTILINE), "a table of exit codes"
