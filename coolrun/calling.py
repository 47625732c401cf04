"""Calling hooks: whose failure it was, and whose answer is not what the hook asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pluggy

from coolrun.errors import CoolrunError, PluginError


@dataclass
class PluginInfo:
    """What is known about a plugin, for people: `coolrun plugins` lists these."""

    name: str
    origin: str
    version: str = ""
    state: str = "loaded"
    reason: str = ""
    milliseconds: float = 0.0

    @property
    def label(self) -> str:
        return f"{self.name!r} ({self.origin} {self.version})" if self.version else f"{self.name!r}"


class HookCalls(pluggy.PluginManager):
    """pluggy's manager, with our rules of failure.

    Attributes:
        infos: every plugin that was loaded, blocked or failed, in that order.
        notices: what people should know, told once somebody listens.
    """

    def __init__(self) -> None:
        super().__init__("coolrun")
        self.infos: dict[str, PluginInfo] = {}
        self.notices: list[str] = []
        self._told: set[str] = set()
        self._kinds: dict[str, Any] = {}
        self._callers: dict[str, list[tuple[str, Callable[..., Any]]]] = {}

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Have the hooks of a plugin called from now on; its name, or None if that is blocked."""
        self._callers.clear()
        return super().register(plugin, name)

    def unregister(self, plugin: object = None, name: str | None = None) -> object:
        """Have the hooks of a plugin not called any more; returns the plugin."""
        self._callers.clear()
        return super().unregister(plugin, name)

    def ask(self, hook: str, **arguments: Any) -> Any:
        """Call a deciding hook; a failure, or a wrong answer, names the plugin and the hook."""
        try:
            answer = getattr(self.hook, hook)(**arguments)
        except CoolrunError:
            raise
        except (Exception, SystemExit) as error:
            # Who surrounds others may have failed on a wrong answer of theirs.
            wrong = self._wrong_answer(hook, arguments) if self._surrounding(hook) else None
            raise (wrong or self.named(error, hook)) from error
        if misfits := self._misfits(hook, answer):
            last = next(iter(self._surrounding(hook)), None)
            raise self._wrong_answer(hook, arguments) or self._wrong(last, hook, misfits[0])
        return answer

    def each(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call a deciding hook plugin by plugin: the name of each and its answer.

        A failure, or a wrong answer, names the plugin and the hook.
        """
        for name, caller in self._one_by_one(hook):
            try:
                answers = caller(**arguments)
            except CoolrunError:
                raise
            except (Exception, SystemExit) as error:
                raise self.named(error, hook) from error
            if misfits := self._misfits(hook, answers):
                raise self._wrong(name, hook, misfits[0])
            yield name, answers[0] if answers else None

    def _misfits(self, hook: str, answer: Any) -> list[object]:
        """What of an answer, or of several, is not what the specification of the hook says."""
        specification = getattr(self.hook, hook).spec
        first = specification is not None and specification.opts["firstresult"]
        if specification is None or (first and answer is None):
            return []
        if not first and not isinstance(answer, list):
            return [answer]  # a wrapper has made something else of all answers
        answers = [answer] if first else answer
        if answers and hook not in self._kinds:
            from coolrun.answers import kind_of

            self._kinds[hook] = kind_of(specification.function)
        kind = self._kinds.get(hook)
        return [] if kind is None else [each for each in answers if not kind.fits(each)]

    def _surrounding(self, hook: str) -> list[str]:
        """Who surrounds the others in a hook, and sees their answers."""
        implementations = getattr(self.hook, hook).get_hookimpls()
        return [each.plugin_name for each in implementations if each.wrapper or each.hookwrapper]

    def _wrong_answer(self, hook: str, arguments: dict[str, Any]) -> PluginError | None:
        """Whose answer is not what the specification of the hook says: all are asked again."""
        surrounding = self._surrounding(hook)
        for name, caller in self._one_by_one(hook):
            if name in surrounding:
                continue
            try:
                misfits = self._misfits(hook, caller(**arguments))
            except (Exception, SystemExit):  # noqa: S112 - told by the caller, if it did so then
                continue
            if misfits:
                return self._wrong(name, hook, misfits[0])
        return None

    def _wrong(self, plugin: str | None, hook: str, answer: object) -> PluginError:
        kind, owner = self._kinds.get(hook), self.owner(plugin)
        if kind is None or answer is None:
            return PluginError.answered(owner, hook, answer, "a list of answers")
        return PluginError.answered(owner, hook, answer, kind.words, kind.lacks(answer))

    def owner(self, name: str | None) -> str | None:
        """The plugin that an object belongs to which it has registered under a name of its own."""
        if name is None or name in self.infos:
            return name
        part = self.get_plugin(name)
        module = getattr(part, "__module__", None) or getattr(part, "__name__", "")
        owners = [
            own
            for own in self.infos
            if (plugin := self.get_plugin(own)) is not None
            and f"{module}.".startswith(f"{getattr(plugin, '__name__', None)}.")
        ]
        return max(owners, key=len, default=name)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call an observing hook, one plugin at a time; a failure is told once per plugin."""
        told = 0
        for name, caller in self._one_by_one(hook):
            try:
                caller(**arguments)
                told += 1
            except (Exception, SystemExit) as error:
                message = f"{self.named(error, hook).message}; see why with --trace-hooks"
                self._tell_once(name, message, arguments)
        if hook == "coolrun_notice" and not told:
            self.notices.append(arguments["message"])

    def _one_by_one(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """Who implements a hook, in the order of calls, and a caller for each alone."""
        callers = self._callers.get(hook)
        if callers is None:
            caller = getattr(self.hook, hook)
            firstresult = bool(caller.spec and caller.spec.opts["firstresult"])

            def alone(each: pluggy.HookImpl) -> Callable[..., Any]:
                # As `subset_hook_caller`, which goes through all plugins at every call.
                return lambda **given: self._hookexec(hook, [each], given, firstresult)

            callers = self._callers[hook] = [
                (each.plugin_name, alone(each)) for each in reversed(caller.get_hookimpls())
            ]
        return callers

    def tell_failure_of_release(
        self, error: BaseException, plugin: str | None, config: Any
    ) -> None:
        """Tell once per plugin that it failed in the end of a lease, which stops nothing."""
        from coolrun.owners import owner_of

        plugin = plugin or owner_of(error, self)
        who = f"plugin {plugin!r}" if plugin else "a plugin"
        message = f"{who} failed in the release of a lease: {type(error).__name__}: {error}"
        self._tell_once(str(plugin), message, {"config": config})

    def _tell_once(self, plugin: str, message: str, arguments: dict[str, Any]) -> None:
        if plugin not in self._told:
            self._told.add(plugin)
            self._tell(message, arguments)

    def _tell(self, message: str, arguments: dict[str, Any]) -> None:
        config = arguments.get("config") or getattr(arguments.get("session"), "config", None)
        if config is None or "message" in arguments:
            self.notices.append(message)
        else:
            config.warn(message)

    def named(self, error: BaseException, hook: str, plugin: str | None = None) -> PluginError:
        """The error with the name of the plugin whose hook function raised it.

        `plugin`: whose it is if no function of a plugin raised it, but its answer did.
        """
        owners: dict[object, str] = {}
        for implementation in getattr(self.hook, hook).get_hookimpls():
            function = implementation.function
            owners[getattr(function, "__code__", None)] = implementation.plugin_name
            # What it returned may fail later: then the function itself is not running any more.
            owners.setdefault(getattr(function, "__module__", None), implementation.plugin_name)
        owner, trace = None, error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            owner = owners.get(frame.f_code) or owner or owners.get(frame.f_globals.get("__name__"))
            trace = trace.tb_next
        owner = self.owner(owner or plugin)
        who = f"plugin {owner!r}" if owner else "a plugin"
        message = f"{who} failed in {hook}: {type(error).__name__}: {error}"
        leave = f", or leave it out: -p no:{owner}" if owner else ""
        return PluginError(message, cure=f"see why with --trace-hooks{leave}")
