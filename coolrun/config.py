"""What plugins declare, and what one command is told: each thing once, and where it came from."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from coolrun.clock import Clock
from coolrun.errors import DefinitionError, UsageError

if TYPE_CHECKING:
    import re
    from pathlib import Path

    from coolrun.experiment import Experiment, Source
    from coolrun.plugins import PluginManager
    from coolrun.store import SessionFolder

DEFAULT_COMMAND = "run"

# A JSON Schema (draft 2020-12) of a value, or a function that makes it when somebody asks for it.
Schema = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Option:
    """An option or an argument of a command, as argparse takes it.

    An option with a `grammar` takes a first value and then every word that fits; they reach it
    joined by commas. What fits no more can be an argument of the user's own program.
    """

    flags: tuple[str, ...]
    command: str
    plugin: str
    arguments: Mapping[str, Any]
    setting: str | None = None
    grammar: re.Pattern[str] | None = None


@dataclass(frozen=True, eq=False)
class Command:
    """A subcommand; `handler` takes the config and returns an exit code."""

    name: str
    help: str
    handler: Callable[[Config], int]
    plugin: str
    description: str = ""
    examples: Sequence[str] = ()
    passes_arguments: bool = False
    argument_files: bool = False
    runs: bool = False


@dataclass(frozen=True, eq=False)
class Setting:
    """A setting of the runner.

    Attributes:
        type: turns what was written into a value, or raises ValueError.
        schema: what `type` accepts, in words for editors; None: nothing is known.
    """

    name: str
    type: Callable[[Any], Any]
    default: Any
    help: str
    plugin: str
    schema: Schema | None = None


@dataclass(frozen=True, eq=False)
class Key:
    """A key of an experiment that a plugin reads.

    Attributes:
        type: what its value is, in words for people.
        runs: whether it says what an experiment runs; every experiment needs one such key.
        schema: what its value is, in words for editors; None: nothing is known.
        computed: whether its value may be an expression.
    """

    name: str
    type: str
    help: str
    plugin: str
    default: Any = None
    runs: bool = False
    schema: Schema | None = None
    computed: bool = True


@dataclass(frozen=True, eq=False)
class Word:
    """A word that marks a value as an expression, such as `parse`.

    With `spreads`, an expression that reads such a value before it is known waits as well;
    without, that is an error.
    """

    name: str
    help: str
    plugin: str
    spreads: bool = False


@dataclass(frozen=True, eq=False)
class Value:
    """A value of some key that means something special to a plugin."""

    key: str
    value: Any
    help: str
    plugin: str


@dataclass(frozen=True, eq=False)
class DeclaredLauncher:
    """A launcher that definitions can ask for by its name."""

    name: str
    help: str
    plugin: str


@dataclass
class Parser:
    """Collects what plugins declare. `plugin` is whose turn it is."""

    plugin: str = "core"
    commands: dict[str, Command] = field(default_factory=dict)
    options: list[Option] = field(default_factory=list)
    settings: dict[str, Setting] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    words: dict[str, Word] = field(default_factory=dict)
    launchers: dict[str, DeclaredLauncher] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)

    def add_command(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse's word
        handler: Callable[[Config], int],
        description: str = "",
        examples: Sequence[str] = (),
        passes_arguments: bool = False,
        argument_files: bool = False,
        runs: bool = False,
    ) -> None:
        """Declare a command. `handler(config)` does the work and returns an exit code.

        With `passes_arguments` unknown arguments are the user's program's; with `argument_files`
        `%FILE` stands for the arguments in that file, one per line. One that `runs` opens a
        session, about which people want to be told.
        """
        self._claim("command", name, self.commands)
        self.commands[name] = Command(
            name,
            help,
            handler,
            self.plugin,
            description,
            tuple(examples),
            passes_arguments,
            argument_files,
            runs,
        )

    def add_option(
        self,
        *flags: str,
        command: str = DEFAULT_COMMAND,
        setting: str | None = None,
        grammar: re.Pattern[str] | None = None,
        **arguments: Any,
    ) -> None:
        """Declare an option or argument of a command; `arguments` are those of argparse.

        With `setting` the option overrides the setting of that name.
        """
        for option in self.options:
            taken = set(option.flags) & set(flags)
            if option.command == command and taken:
                message = f"option {taken.pop()!r} of {command!r} is already declared"
                raise ValueError(f"{message} by plugin {option.plugin!r}")
        self.options.append(Option(flags, command, self.plugin, arguments, setting, grammar))

    def add_setting(
        self,
        name: str,
        *,
        type: Callable[[Any], Any],  # noqa: A002 - argparse's word
        default: Any,
        help: str,  # noqa: A002
        schema: Schema | None = None,
    ) -> None:
        """Declare a setting of the runner.

        `type` turns what was written into a value or raises ValueError; `schema` tells editors
        what it accepts.
        """
        self._claim("setting", name, self.settings)
        self.settings[name] = Setting(name, type, default, help, self.plugin, schema)

    def add_key(
        self,
        name: str,
        *,
        type: str,  # noqa: A002 - argparse's words
        help: str,  # noqa: A002
        default: Any = None,
        runs: bool = False,
        schema: Schema | None = None,
        computed: bool = True,
    ) -> None:
        """Declare a key of experiments.

        `type` says in words what its value is, and `schema` says it to editors; with `computed` it
        may be an expression as well. With `runs` the key says what an experiment runs.
        """
        self._claim("key", name, self.keys)
        self.keys[name] = Key(name, type, help, self.plugin, default, runs, schema, computed)

    def add_word(self, name: str, *, help: str, spreads: bool = False) -> None:  # noqa: A002
        """Declare a word that marks a value as an expression."""
        self._claim("word", name, self.words)
        self.words[name] = Word(name, help, self.plugin, spreads)

    def add_launcher(self, name: str, *, help: str) -> None:  # noqa: A002
        """Declare a launcher; `coolrun_launch` gives it where the setting `launcher` names it."""
        self._claim("launcher", name, self.launchers)
        self.launchers[name] = DeclaredLauncher(name, help, self.plugin)

    def add_value(self, key: str, value: Any, *, help: str) -> None:  # noqa: A002
        """Declare what a value of a key means: where the plugin is blocked it is refused."""
        self.values.append(Value(key, value, help, self.plugin))

    def _claim(self, kind: str, name: str, taken: Mapping[str, Any]) -> None:
        if name in taken:
            owner = taken[name].plugin
            raise ValueError(f"{kind} {name!r} is already declared by plugin {owner!r}")

    def forget(self, plugin: str) -> None:
        """Take back everything that a plugin declared."""
        self.options = [option for option in self.options if option.plugin != plugin]
        self.values = [value for value in self.values if value.plugin != plugin]
        for declared in (self.commands, self.settings, self.keys, self.words, self.launchers):
            names = [name for name, thing in declared.items() if thing.plugin == plugin]
            for name in names:
                del declared[name]

    def saved(self) -> Callable[[], None]:
        """A function that takes back everything declared from now on."""
        before = (
            dict(self.commands),
            list(self.options),
            dict(self.settings),
            dict(self.keys),
            dict(self.words),
            dict(self.launchers),
            list(self.values),
        )

        def restore() -> None:
            self.commands, self.options, self.settings, self.keys = before[:4]
            self.words, self.launchers, self.values = before[4:]

        return restore


class _ArgumentParser(argparse.ArgumentParser):
    """argparse that raises for people instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, cure=f"see `{self.prog} --help`")


@dataclass
class Config:
    """Everything one command was told. All state hangs on it; there is no other.

    Attributes:
        argv: the command line as given.
        command: the command to run.
        module_arguments: what the user's own program finds in its `sys.argv`, without the first.
        overrides: the `+key=value` arguments, as given.
        looking: a definition is only looked at: nothing of this machine is told to it.
        ending: nothing is launched: what runs is taken over in order to end it.
        session_folder: the folder of the session, once it has begun.
        sessions: below `.coolrun`, where the folder of a new session is made.
    """

    argv: Sequence[str]
    cwd: Path
    parser: Parser
    pluginmanager: PluginManager
    clock: Clock = field(default_factory=Clock)
    command: Command = None  # type: ignore[assignment]  # set once, by the composition root
    options: argparse.Namespace = field(default_factory=argparse.Namespace)
    module_arguments: Sequence[str] = ()
    overrides: Sequence[str] = ()
    looking: bool = False
    ending: bool = False
    session_folder: SessionFolder | None = None
    sessions: str = "sessions"
    _settings: dict[str, tuple[Any, str]] = field(default_factory=dict)
    _cleanups: list[Callable[[], None]] = field(default_factory=list)

    @property
    def hook(self) -> Any:
        """Call a hook by its name: `config.hook.coolrun_names(config=config)`."""
        return self.pluginmanager.hook

    def option(self, name: str, default: Any = None) -> Any:
        """The value of a command line option; `default` where this command has none."""
        return getattr(self.options, name, default)

    def setting(self, name: str) -> Any:
        """The value of a setting: command line, else definition, else its default."""
        return self._settings[name][0] if name in self._settings else self._declared(name).default

    def origin(self, name: str) -> str:
        """Where the value of a setting came from: a place, `command line` or `default`."""
        return self._settings[name][1] if name in self._settings else "default"

    def declares_key(self, name: str) -> bool:
        """Whether any plugin reads this key of an experiment."""
        return name in self.parser.keys

    def way_of(self, experiment: Experiment) -> str | None:
        """The key that says what this experiment runs; its own one wins over the default's.

        Raises:
            DefinitionError: two are given side by side.
        """
        ways = [key.name for key in self.parser.keys.values() if key.runs]
        for level in (experiment.own, experiment.defaults):
            given = [key for key in ways if key in level and experiment.get(key) is not None]
            if len(given) > 1:
                message = f"{given[0]!r} and {given[1]!r} are both given"
                error = DefinitionError(message, cure="keep one")
                raise experiment.blame(error, (given[1],))
            if given:
                return given[0]
        return None

    def declares_setting(self, name: str) -> bool:
        """Whether any plugin has this setting."""
        return name in self.parser.settings

    def _declared(self, name: str) -> Setting:
        return self.parser.settings[name]

    def take_settings(self, values: Mapping[str, Any], source: Source) -> None:
        """Take the settings that a definition holds, then those of the command line.

        Raises:
            DefinitionError: a value that its setting does not accept.
        """
        for name, value in values.items():
            if not self.declares_setting(name):
                continue  # the reader has told the person already
            try:
                self._settings[name] = (self._declared(name).type(value), source.path)
            except (ValueError, TypeError) as error:
                raise DefinitionError(f"invalid setting {name} {value!r} ({error})") from error
        for name, value in self.given_settings().items():
            self._settings[name] = (value, "command line")

    def given_settings(self) -> dict[str, Any]:
        """The settings that the command line gives, by name."""
        given = {}
        for option in self.parser.options:
            if option.setting and option.command == self.command.name:
                value = self.option(_destination(option))
                if value is not None:
                    given[option.setting] = value
        return given

    def warn(self, message: str) -> None:
        """Tell a person something that is no error."""
        self.pluginmanager.notify("coolrun_notice", message=message, config=self)

    def add_cleanup(self, function: Callable[[], None]) -> None:
        """Have `function` called when the command ends; the last added is called first."""
        self._cleanups.append(function)

    def close(self) -> None:
        """Call the cleanups. Every one is called; the first failure is raised at the end."""
        failure: BaseException | None = None
        while self._cleanups:
            try:
                self._cleanups.pop()()
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure


def _destination(option: Option) -> str:
    if "dest" in option.arguments:
        return str(option.arguments["dest"])
    first = next((f for f in option.flags if f.startswith("--")), option.flags[0])
    return first.lstrip("-").replace("-", "_")


def _formatter(prog: str) -> argparse.HelpFormatter:
    """argparse would import shutil, and with it all of compression, to learn the width."""
    try:
        width = os.get_terminal_size().columns
    except (OSError, ValueError):
        width = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=min(width, 100) - 2)


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


def split_arguments(
    argv: Sequence[str], parser: Parser, command: Command
) -> tuple[list[str], list[str], list[str]]:
    """Tell our arguments from those of the user's program.

    Ours are matched as exact words, never by a prefix: `-print-freq` is not `-p`.

    Returns:
        our arguments; what the user's program sees (ours included, as both may use one);
        the `+key=value` overrides.
    """
    ours: list[str] = []
    theirs: list[str] = []
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
            break
        if word.startswith("+"):
            overrides.append(word)
            continue
        option = flags.get(word) or (flags.get(word.split("=", 1)[0]) if "=" in word else None)
        if word in {"-h", "--help"}:
            ours.append(word)
            continue
        theirs.append(word)
        if option is None:
            continue
        if "=" in word and word not in flags:
            ours.append(word)
            continue
        values = words[: _count_values(option, words)]
        del words[: len(values)]
        theirs += values
        # Joined, argparse cannot take a value such as `-1,0` for a flag.
        ours += [f"{word}={','.join(values)}"] if option.grammar and values else [word, *values]
    return ours, theirs, overrides


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
