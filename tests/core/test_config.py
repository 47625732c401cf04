"""What plugins declare, how the command line is told apart, and where values come from."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pytest

from coolrun.arguments import build_parser, split_arguments
from coolrun.config import Config
from coolrun.declarations import Parser
from coolrun.errors import DefinitionError, UsageError
from coolrun.experiment import Source
from coolrun.plugins import PluginManager


def nothing(config: Config) -> int:
    return 0


@pytest.fixture
def parser() -> Parser:
    parser = Parser()
    parser.add_command("run", help="run it", handler=nothing, passes_arguments=True)
    parser.add_command("other", help="do other things", handler=nothing)
    parser.add_option("--exp", help="a file")
    parser.add_option("--dry", action="store_true")
    parser.add_option("--pick", grammar=re.compile(r"-?\d[-\d,]*"))
    parser.add_option("-j", "--jobs", type=int)
    parser.add_option("-x", action="store_true")
    parser.add_option("--two", nargs=2)
    parser.add_option("--some", nargs="*")
    parser.add_option("--maybe", nargs="?", const="yes")
    parser.add_option("--loud", command="other", action="store_true")
    return parser


def config(parser: Parser, *words: str) -> Config:
    made = Config([], Path.cwd(), parser, PluginManager(), command=parser.commands["run"])
    ours, made.module_arguments, made.strange_arguments, made.overrides = split_arguments(
        words, parser, made.command
    )
    made.options = build_parser(parser, made.command).parse_args(ours)
    return made


# Declaring


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda p: p.add_command("other", help="x", handler=nothing), "command 'other'"),
        (lambda p: p.add_option("--dry"), "option '--dry' of 'run'"),
        (lambda p: p.add_setting("size", type=int, default=1, help="x"), "setting 'size'"),
        (lambda p: p.add_key("Size", type="number", help="x"), "key 'Size'"),
        (lambda p: p.add_word("size", help="x"), "word 'size'"),
    ],
)
def test_what_is_declared_twice_names_who_was_first(
    parser: Parser, declare: Any, message: str
) -> None:
    parser.plugin = "first"
    parser.add_setting("size", type=int, default=1, help="x")
    parser.add_key("Size", type="number", help="x")
    parser.add_word("size", help="x")
    with pytest.raises(ValueError, match=f"{message} is already declared by plugin"):
        declare(parser)


def test_one_flag_may_belong_to_several_commands(parser: Parser) -> None:
    parser.add_option("--dry", command="other")
    assert [o.command for o in parser.options if o.flags == ("--dry",)] == ["run", "other"]


def test_everything_declared_since_can_be_taken_back(parser: Parser) -> None:
    options = list(parser.options)
    restore = parser.saved()
    parser.add_command("new", help="x", handler=nothing)
    parser.add_option("--new")
    parser.add_setting("new", type=int, default=1, help="x")
    parser.add_key("New", type="x", help="x")
    parser.add_word("new", help="x")
    parser.add_value("New", "x", help="x")
    restore()
    assert "new" not in {*parser.commands, *parser.settings, *parser.words}
    assert "New" not in parser.keys
    assert parser.options == options
    assert parser.values == []


# Telling arguments apart


@pytest.mark.parametrize(
    ("words", "ours", "theirs", "overrides"),
    [
        ([], [], [], []),
        (["--exp", "a"], ["--exp", "a"], ["--exp", "a"], []),
        (["--exp=a"], ["--exp=a"], ["--exp=a"], []),
        (["--exp", "--dry"], ["--exp", "--dry"], ["--exp", "--dry"], []),
        (["--exp"], ["--exp"], ["--exp"], []),
        (["--dry", "x"], ["--dry"], ["--dry", "x"], []),
        (["--dr"], [], ["--dr"], []),
        (["-print-freq", "10"], [], ["-print-freq", "10"], []),
        (["--exq=3"], [], ["--exq=3"], []),
        (["-j4", "x"], ["-j4"], ["-j4", "x"], []),
        (["-j4x", "-x4"], [], ["-j4x", "-x4"], []),
        (["a=b"], [], ["a=b"], []),
        (["+a=b", "x", "++c=d"], [], ["x"], ["+a=b", "++c=d"]),
        (["--pick", "0", "2", "x"], ["--pick=0,2"], ["--pick", "0", "2", "x"], []),
        (["--pick", "-1", "-2"], ["--pick=-1,-2"], ["--pick", "-1", "-2"], []),
        (["--pick", "name", "0"], ["--pick=name,0"], ["--pick", "name", "0"], []),
        (["--pick", "0", "-1x"], ["--pick=0"], ["--pick", "0", "-1x"], []),
        (["--pick"], ["--pick"], ["--pick"], []),
        (["--two", "a", "b", "c"], ["--two", "a", "b"], ["--two", "a", "b", "c"], []),
        (["--some", "a", "b", "-c"], ["--some", "a", "b"], ["--some", "a", "b", "-c"], []),
        (["--maybe", "a", "b"], ["--maybe", "a"], ["--maybe", "a", "b"], []),
        (["--maybe", "-b"], ["--maybe"], ["--maybe", "-b"], []),
        (["--loud"], [], ["--loud"], []),
        (["--help"], ["--help"], [], []),
        (["--", "--exp", "a", "+b=1"], [], ["--exp", "a", "+b=1"], []),
        (["x", "--", "--", "y"], [], ["x", "--", "y"], []),
        (["", "-"], [], ["", "-"], []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_our_arguments_are_told_from_those_of_the_users_program(
    parser: Parser, words: list[str], ours: list[str], theirs: list[str], overrides: list[str]
) -> None:
    assert split_arguments(words, parser, parser.commands["run"])[:2] == (ours, theirs)
    assert split_arguments(words, parser, parser.commands["run"])[3] == overrides


@pytest.mark.parametrize(
    ("words", "strange"),
    [
        (["--exp", "a", "--maybe", "-b", "--two=x"], ["-b"]),
        (["--dr", "x", "--exp=a", "+b=1", "c=2"], ["--dr", "x", "c=2"]),
        (["--dry", "--", "--exp", "a", "+b=1"], ["--exp", "a", "+b=1"]),
        (["--pick", "0", "--help"], []),
    ],
)
def test_arguments_that_are_not_ours_are_known_by_themselves(
    parser: Parser, words: list[str], strange: list[str]
) -> None:
    assert split_arguments(words, parser, parser.commands["run"])[2] == strange


def test_the_words_are_not_changed(parser: Parser) -> None:
    words = ["--exp", "a", "+b=1", "--", "c"]
    split_arguments(words, parser, parser.commands["run"])
    assert words == ["--exp", "a", "+b=1", "--", "c"]


def test_a_wrong_option_is_an_error_for_people(parser: Parser) -> None:
    with pytest.raises(UsageError, match="--two: expected 2 arguments") as caught:
        config(parser, "--two", "a")
    assert caught.value.cure == "see `coolrun --help`"


def test_no_option_is_abbreviated(parser: Parser) -> None:
    with pytest.raises(UsageError, match="unrecognized arguments: --lou"):
        build_parser(parser, parser.commands["other"]).parse_args(["--lou"])


def test_a_percent_sign_is_an_ordinary_character_elsewhere(parser: Parser) -> None:
    assert config(parser, "--exp", "%a").option("exp") == "%a"


# Settings


def whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError("expected a whole number")
    return value


def test_the_command_line_wins_over_the_definition_and_that_over_the_default(
    parser: Parser,
) -> None:
    parser.add_setting("size", type=whole, default=1, help="x")
    parser.add_option("--size", type=int, setting="size")
    source = Source("a.yaml", b"")
    made = config(parser)
    assert (made.setting("size"), made.origin("size")) == (1, "default")
    with pytest.raises(LookupError, match="no plugin that is loaded declares the setting 'siez'"):
        made.setting("siez")
    made.take_settings({"size": 2}, source)
    assert (made.setting("size"), made.origin("size")) == (2, "a.yaml")
    made = config(parser, "--size", "3")
    made.take_settings({"size": 2}, source)
    assert (made.setting("size"), made.origin("size")) == (3, "command line")


def test_a_setting_that_is_refused_says_what_was_expected(parser: Parser) -> None:
    parser.add_setting("size", type=whole, default=1, help="x")
    with pytest.raises(DefinitionError, match=r"invalid setting size 'x' \(expected a whole"):
        config(parser).take_settings({"size": "x"}, Source("a.yaml", b""))


def test_a_setting_that_nobody_declared_is_left_to_the_reader(parser: Parser) -> None:
    config(parser).take_settings({"nobody": 1}, Source("a.yaml", b""))


def test_an_option_that_the_command_does_not_have_is_the_default(parser: Parser) -> None:
    assert config(parser).option("nothing") is None
    assert config(parser).option("nothing", 3) == 3


# The end


def test_every_cleanup_is_called_last_first_and_the_first_failure_is_raised(
    parser: Parser,
) -> None:
    made, called = config(parser), list[str]()

    def fail(name: str) -> None:
        called.append(name)
        raise OSError(name)

    made.add_cleanup(lambda: called.append("a"))
    made.add_cleanup(lambda: fail("b"))
    made.add_cleanup(lambda: fail("c"))
    made.add_cleanup(lambda: called.append("d"))
    with pytest.raises(OSError, match="c"):
        made.close()
    assert called == ["d", "c", "b", "a"]
    made.close()
    assert called == ["d", "c", "b", "a"]


def test_a_notice_without_listeners_is_kept(parser: Parser) -> None:
    made = config(parser)
    made.warn("look")
    assert made.pluginmanager.notices == ["look"]


def test_the_help_of_a_command_shows_its_examples(parser: Parser) -> None:
    parser.add_command("show", help="show it", handler=nothing, examples=("coolrun show x",))
    text = build_parser(parser, parser.commands["show"]).format_help()
    assert isinstance(build_parser(parser, parser.commands["show"]), argparse.ArgumentParser)
    assert "usage: coolrun show" in text
    assert "Show it." in text
    assert "examples:\n  coolrun show x" in text
