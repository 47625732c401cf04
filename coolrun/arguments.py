"""The command line: which of its words are ours, and what argparse makes of those."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from coolrun.declarations import DEFAULT_COMMAND
from coolrun.errors import UsageError

if TYPE_CHECKING:
    from coolrun.declarations import Command, Option, Parser


def build_parser(parser: Parser, command: Command) -> argparse.ArgumentParser:
    """The argparse parser of one command."""
    text = command.description or f"{command.help[0].upper()}{command.help[1:]}."
    epilog = "\n".join(["examples:", *(f"  {line}" for line in command.examples)])
    built = _ArgumentParser(
        prog="coolrun" if command.name == DEFAULT_COMMAND else f"coolrun {command.name}",
        description=text,
        epilog=epilog if command.examples else None,
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    for option in parser.options:
        if option.command == command.name:
            built.add_argument(*option.flags, **option.arguments)
    return built


def try_options(parser: Parser, plugin: str) -> None:
    """Have argparse look at the options of one plugin: it would fail on them in every command.

    Raises:
        Exception: whatever it dislikes about them.
    """
    for option in parser.options:
        if option.plugin == plugin:
            trial = _ArgumentParser(prog=option.flags[0], formatter_class=_formatter)
            trial.add_argument(*option.flags, **option.arguments)
            trial.format_help()


def split_arguments(
    argv: Sequence[str], parser: Parser, command: Command
) -> tuple[list[str], list[str], list[str], list[str]]:
    """Tell our arguments from those of the user's program.

    Ours are matched as exact words, never by a prefix: `-print-freq` is not `-p`. A number may
    stand close to its letter, as in `-j4`.

    Returns:
        our arguments; what the user's program sees (ours included, as both may use one);
        those of them that are not ours; the `+key=value` overrides.
    """
    ours: list[str] = []
    theirs: list[str] = []
    strange: list[str] = []
    overrides: list[str] = []
    flags = {
        flag: option
        for option in parser.options
        if option.command == command.name
        for flag in option.flags
        if flag.startswith("-")
    }
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            theirs += words
            strange += words
            break
        if word.startswith("+"):
            overrides.append(word)
            continue
        option = flags.get(word) or _with_value(word, flags)
        if word in {"-h", "--help"}:
            ours.append(word)
            continue
        theirs.append(word)
        if option is None:
            strange.append(word)
            continue
        if word not in flags:
            ours.append(word)  # its value is in it
            continue
        values = words[: _count_values(option, words)]
        del words[: len(values)]
        theirs += values
        # Joined, argparse cannot take a value such as `-1,0` for a flag.
        ours += [f"{word}={','.join(values)}"] if option.grammar and values else [word, *values]
    return ours, theirs, strange, overrides


def _with_value(word: str, flags: Mapping[str, Option]) -> Option | None:
    """The option of a word that holds its value as well."""
    if "=" in word:
        return flags.get(word.split("=", 1)[0])
    option = flags.get(word[:2]) if word[2:].isdecimal() else None
    return option if option is not None and "type" in option.arguments else None


def _count_values(option: Option, following: Sequence[str]) -> int:
    if option.arguments.get("action") in {"store_true", "store_false", "count", "help"}:
        return 0
    number = option.arguments.get("nargs")
    if isinstance(number, int):
        return min(number, len(following))
    if number is None and option.grammar is None:
        return min(1, len(following))
    count = 1 if number is None else 0
    for word in following[count:]:
        fits = option.grammar.fullmatch(word) if option.grammar else not word.startswith("-")
        if not fits or (number == "?" and count):
            break
        count += 1
    return min(count, len(following))


class _ArgumentParser(argparse.ArgumentParser):
    """argparse that raises for people instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, cure=f"see `{self.prog} --help`")


def _formatter(prog: str) -> argparse.HelpFormatter:
    """argparse would import shutil, and with it all of compression, to learn the width."""
    try:
        width = os.get_terminal_size().columns
    except (OSError, ValueError):
        width = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=min(width, 100) - 2)
