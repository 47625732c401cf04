"""The plugin manager: loading, blocking and listing plugins."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

import pluggy

from coolrun import hookspecs
from coolrun.arguments import try_options
from coolrun.calling import HookCalls, PluginInfo
from coolrun.declarations import Parser
from coolrun.entry_points import EntryPoint, find_entry_points, import_from_here
from coolrun.errors import CoolrunError, UsageError
from coolrun.hookimpls import is_unmarked, trouble_of

PREFIX = "coolrun_"
_REASON = 300


class PluginManager(HookCalls):
    """Loads plugins in our order, and leaves out those of strangers that are broken."""

    def __init__(self) -> None:
        super().__init__()
        self._all_specified = False
        self.add_hookspecs(hookspecs)

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Have the hooks of a plugin called from now on; its name, or None if that is blocked."""
        registered = super().register(plugin, name)
        if self._all_specified and registered is not None:
            self._tell_of_unknown_hooks(plugin)
        return registered

    def add_hookspecs(self, module_or_class: ModuleType | type) -> None:
        """Take more specifications; a stranger whose functions do not fit them is left out."""
        for hook, specification in vars(module_or_class).items():
            caller = getattr(self.hook, hook, None) if hook.startswith(PREFIX) else None
            for each in [] if caller is None or caller.has_spec() else caller.get_hookimpls():
                code = specification.__code__
                known = code.co_varnames[: code.co_argcount]
                unknown = [name for name in each.argnames if name not in known]
                options = {"wrapper": each.wrapper, "hookwrapper": each.hookwrapper}
                trouble = trouble_of(hook, each.function, options, specification)
                if unknown:
                    trouble = f"{hook} has no argument {unknown[0]!r} (it has: {', '.join(known)})"
                name = self.owner(each.plugin_name)
                info = None if name is None else self.infos.get(name)
                if trouble is not None and info is not None and info.origin != "built-in":
                    self.unregister(each.plugin)
                    error = pluggy.PluginValidationError(each.plugin, trouble)
                    self._fail(info.name, info.origin, info.version, error)
        super().add_hookspecs(module_or_class)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """Look only at names that can be hooks: looking at every name costs a tenth of a start.

        Raises:
            PluginValidationError: calling the function would not run it.
        """
        if not name.startswith(PREFIX):
            return None
        options = super().parse_hookimpl_opts(plugin, name)
        function = getattr(plugin, name)
        spec = getattr(getattr(self.hook, name, None), "spec", None)
        specification = None if spec is None else spec.function
        if options is None:
            if is_unmarked(function, specification):
                text = f"{name} of the module {function.__module__!r} is never called"
                self.notices.append(f"{text}: mark it with @hookimpl")
            return None
        trouble = trouble_of(name, function, options, specification)
        if trouble is not None:
            raise pluggy.PluginValidationError(plugin, trouble)
        return options

    # Loading

    def load_builtins(self, names: Sequence[str], package: str, blocked: Iterable[str]) -> None:
        """Import the built-in plugins. A failure here is ours and is not hidden.

        The last one registered is called first, so they are registered from last to first:
        their hooks are called in the order of `names`, and a stranger's before them.
        """
        blocked = set(blocked)
        self.infos.update({name: PluginInfo(name, "built-in") for name in names})
        for name in reversed(names):
            if name in blocked:
                self._block(name, "built-in")
            else:
                load = partial(import_module, f"{package}.{name}")
                self._load(name, "built-in", "", load)

    def load_named(self, modules: Iterable[str], blocked: Iterable[str]) -> None:
        """Import plugins that a person named: an entry point's name or a module's."""
        modules = list(modules)
        if not modules:
            return  # a look at all that is installed costs as much as ten plugins
        blocked, known = set(blocked), {point.name: point for point in find_entry_points()}
        for name in modules:
            if name in self.infos:
                continue
            if name in blocked:
                point = known.get(name)
                self._block(name, *((point.distribution, point.version) if point else ("-p",)))
                continue
            try:
                if name in known:
                    self._load_entry_point(known[name])
                else:
                    self._load(name, "-p", "", partial(import_from_here, name))
            except (Exception, SystemExit) as error:
                message = f"plugin {name!r} cannot be loaded: {type(error).__name__}: {error}"
                cure = "`coolrun plugins` lists those that are there"
                # One that is there and fails is what was meant.
                within = error.name if isinstance(error, ImportError) else None
                found = within is not None and not name.startswith(within)
                found = found or isinstance(error, pluggy.PluginValidationError)
                near = "" if found else self.near(name, known)
                raise UsageError(message, cure=f"{near}{cure}") from error

    def near(self, name: str, known: Iterable[str] = ()) -> str:
        """`did you mean 'labtools'? ` where a plugin, or a module of this folder, is called so."""
        from difflib import get_close_matches

        if name.endswith(".py"):
            dotted = os.path.normpath(name)[:-3].replace(os.sep, ".")
            return f"did you mean {dotted.lstrip('.')!r}? "
        files = (entry.partition(".") for entry in os.listdir())
        modules = {stem for stem, _, suffix in files if suffix in {"", "py"}}
        names = sorted({*self.infos, *known, *modules} - {name})
        near = get_close_matches(name, names, n=1, cutoff=0.75)
        return f"did you mean {near[0]!r}? " if near else ""

    def load_entry_points(self, blocked: Iterable[str]) -> None:
        """Load what is installed, one by one: a broken one is reported and left out."""
        blocked = set(blocked)
        for point in find_entry_points():
            if point.name in self.infos:
                self._tell_of_namesake(point)
                continue
            if point.name in blocked:
                self._block(point.name, point.distribution, point.version)
                continue
            try:
                self._load_entry_point(point)
            except (Exception, SystemExit) as error:
                self._fail(point.name, point.distribution, point.version, error)

    def _load_entry_point(self, point: EntryPoint) -> None:
        self._load(point.name, point.distribution, point.version, point.load)

    def _load(self, name: str, origin: str, version: str, load: Callable[[], object]) -> None:
        begun = time.perf_counter()
        # What a stranger's module prints is not to stand in what a program reads.
        with redirect_stdout(sys.stderr):
            plugin = load()
        try:
            self.register(plugin, name)
        except pluggy.PluginValidationError:
            if self.get_name(plugin) is not None:  # older pluggy: some hooks are in place already
                self.unregister(plugin)
            raise
        spent = (time.perf_counter() - begun) * 1000
        self.infos[name] = PluginInfo(name, origin, version, milliseconds=spent)

    def _block(self, name: str, origin: str, version: str = "") -> None:
        self.set_blocked(name)
        self.infos[name] = PluginInfo(name, origin, version, "blocked", "by -p no:" + name)

    def _tell_of_namesake(self, point: EntryPoint) -> None:
        first = self.infos[point.name]
        if first.origin != point.distribution:
            info = PluginInfo(point.name, point.distribution, point.version)
            text = f"plugin {info.label} was not loaded: another one ({first.origin}) has its name"
            self.notices.append(text)

    def _fail(self, name: str, origin: str, version: str, error: BaseException) -> None:
        # pluggy's own errors show every plugin that there is.
        from coolrun.display import shortened

        reason = shortened(f"{type(error).__name__}: {error}", _REASON)
        info = PluginInfo(name, origin, version, "failed", reason)
        self.infos[name] = info
        text = f"plugin {info.label} was not loaded: {reason}; disable it with -p no:{name}"
        self.notices.append(text)

    # Declaring and preparing

    def add_options(self, parser: Parser) -> None:
        """Let each plugin declare what it has, each in a transaction of its own."""
        for name, info in list(self.infos.items()):
            if info.state == "loaded":
                self.add_options_of(name, parser)
        self._all_specified = True
        self._tell_of_unknown_hooks()

    def _tell_of_unknown_hooks(self, plugin: object = None) -> None:
        """A hook whose name is misspelt would never be called: of one plugin, or of all."""
        for name, caller in vars(self.hook).items():
            for implementation in () if caller.has_spec() else caller.get_hookimpls():
                meant = plugin is None or implementation.plugin is plugin
                if meant and not implementation.optionalhook:
                    from difflib import get_close_matches

                    known = [n for n, c in vars(self.hook).items() if c.has_spec()]
                    rests = [n.removeprefix(PREFIX) for n in known]
                    near = get_close_matches(name.removeprefix(PREFIX), rests, n=1)
                    text = f"plugin {implementation.plugin_name!r} has a hook {name!r} that nobody"
                    guess = f"; did you mean {PREFIX + near[0]!r}?" if near else self.left_out()
                    self.notices.append(f"{text} calls{guess}")

    def add_options_of(self, name: str, parser: Parser) -> None:
        """Let one plugin declare what it has."""
        info, plugin = self.infos[name], self.get_plugin(name)
        declare = getattr(plugin, "coolrun_addoption", None)
        if declare is None:
            return
        restore, parser.plugin = parser.saved(), name
        others = [p for p in self.get_plugins() if p is not plugin]
        try:
            self.subset_hook_caller("coolrun_addoption", others)(parser=parser, pluginmanager=self)
            if info.origin != "built-in":
                try_options(parser, name)
        except (Exception, SystemExit) as error:
            restore()
            if info.origin == "built-in":
                raise self.named(error, "coolrun_addoption") from error
            self.unregister(plugin)
            self._fail(name, info.origin, info.version, error)
        finally:
            parser.plugin = "core"

    def configure(self, config: Any) -> None:
        """Let each plugin prepare for the command; a stranger that cannot is left out."""
        for name, info in list(self.infos.items()):
            plugin = self.get_plugin(name)
            if info.state != "loaded" or getattr(plugin, "coolrun_configure", None) is None:
                continue
            before = self.get_plugins()
            others = [p for p in before if p is not plugin]
            try:
                self.subset_hook_caller("coolrun_configure", others)(config=config)
            except CoolrunError:
                raise
            except (Exception, SystemExit) as error:
                if info.origin in {"built-in", "-p"} or config.command.plugin == name:
                    raise self.named(error, "coolrun_configure") from error
                for part in {plugin, *self.get_plugins()} - set(others):
                    self.unregister(part)
                config.parser.forget(name)
                self._fail(name, info.origin, info.version, error)

    # Listing

    def left_out(self) -> str:
        """The end of a cure: the plugins that are not there and might have helped."""
        states = {"blocked": list[str](), "failed": list[str]()}
        for info in self.infos.values():
            states.get(info.state, []).append(info.label)
        return "".join(f"; {state}: {', '.join(names)}" for state, names in states.items() if names)

    def declared_by_blocked(self, package: str) -> Parser:
        """What the blocked built-ins would declare, so that a message can name them."""
        scratch = Parser()
        for name, info in self.infos.items():
            if info.state == "blocked" and info.origin == "built-in":
                scratch.plugin = name
                alone = pluggy.PluginManager("coolrun")
                alone.add_hookspecs(hookspecs)
                alone.register(import_module(f"{package}.{name}"))
                alone.hook.coolrun_addoption(parser=scratch, pluginmanager=alone)
        return scratch

    def hooks_of(self, name: str) -> list[str]:
        """The names of the hooks that a plugin and its parts (`name-part`) implement, sorted."""
        parts = [
            plugin
            for own, plugin in self.list_name_plugin()
            if plugin is not None
            and (own == name or (own.startswith(f"{name}-") and own not in self.infos))
        ]
        return sorted({c.name for part in parts for c in self.get_hookcallers(part) or []})
