"""What plugins declare: commands, options, settings, keys, words, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re

    from coolrun.config import Config

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

    @property
    def destination(self) -> str:
        """The name under which argparse keeps its value."""
        if "dest" in self.arguments:
            return str(self.arguments["dest"])
        first = next((f for f in self.flags if f.startswith("--")), self.flags[0])
        return first.lstrip("-").replace("-", "_")


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
        if not name[:1].isupper():
            raise ValueError(f"key {name!r} does not begin with a capital letter")
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
