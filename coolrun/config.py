"""What one command is told: each thing once, and where it came from."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coolrun.clock import Clock
from coolrun.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun.declarations import Command, Parser, Setting
    from coolrun.experiment import Experiment, Source
    from coolrun.plugins import PluginManager
    from coolrun.store import SessionFolder


@dataclass
class Config:
    """Everything one command was told. All state hangs on it; there is no other.

    Attributes:
        argv: the command line as given.
        command: the command to run.
        module_arguments: what the user's own program finds in its `sys.argv`, without the first.
        strange_arguments: those of them that no option of this command takes.
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
    strange_arguments: Sequence[str] = ()
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
        """The value of a setting: command line, else definition, else its default.

        Raises:
            LookupError: no plugin that is loaded declares it.
        """
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
        declared = self.parser.keys
        for level in (experiment.own, experiment.defaults):
            named = [key for key in level if key in declared and declared[key].runs]
            given = [key for key in named if experiment.get(key) is not None]
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
        if not self.declares_setting(name):
            raise LookupError(f"no plugin that is loaded declares the setting {name!r}")
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
                value = self.option(option.destination)
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
