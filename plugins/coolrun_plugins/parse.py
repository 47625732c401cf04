"""`parse`: values that are computed from other values and from the experiments before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun import ExpressionError, hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Parser
    from coolrun.expression import Earlier, Evaluator


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_word("parse", help="computed when the definition is read")
    parser.add_setting(
        "order",
        type=_order,
        default="file",
        help="`free`: expressions are resolved by need instead of from top to bottom",
        schema={"enum": ["file", "free"]},
    )
    parser.add_setting(
        "chain",
        type=_chain,
        default="kept",
        help="`free`: an experiment does not wait for those that its parse expressions read",
        schema={"enum": ["kept", "free"]},
    )


def _order(value: object) -> object:
    if value not in {"file", "free"}:
        raise ValueError("expected 'file' or 'free'")
    return value


def _chain(value: object) -> object:
    if value not in {"kept", "free"}:
        raise ValueError("expected 'kept' or 'free'")
    return value


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Resolver(), "parse-resolver")


class Resolver:
    """Resolves the experiments of one definition, series by series."""

    def __init__(self) -> None:
        self._evaluator: Evaluator | None = None
        self._mappings: dict[str, Mapping[str, object]] = {}
        self._earlier: dict[int, Earlier] = {}

    @hookimpl
    def coolrun_parse(
        self, experiment: Experiment, previous: Sequence[Experiment], config: Config
    ) -> None:
        from coolrun.expression import Earlier, resolve

        if self._evaluator is None:
            names = _names(config)
            self._evaluator = _evaluator(names)
            self._mappings = {k: v for k, v in names.items() if isinstance(v, Mapping)}
        self._evaluator.grant()
        earlier = self._earlier.get(experiment.series)
        if earlier is None:
            earlier = self._earlier[experiment.series] = Earlier(previous)
        try:
            resolution = resolve(
                experiment.own,
                experiment.defaults,
                {**self._mappings, **experiment.given},
                earlier,
                self._evaluator,
                word="parse",
                later=_later(config),
                free_order=config.setting("order") == "free",
                looking=config.looking,
            )
        except ExpressionError as error:
            raise experiment.blame(error, getattr(error, "path", ())) from error
        experiment.settle(resolution.values)
        experiment.pending = resolution.pending
        if resolution.reads and config.setting("chain") != "free":
            experiment.after = frozenset(previous[index].position for index in resolution.reads)


def _later(config: Config) -> dict[str, bool]:
    """The words that are computed later; True: whoever reads one has to wait as well."""
    return {name: word.spreads for name, word in config.parser.words.items() if name != "parse"}


def _names(config: Config) -> dict[str, Any]:
    """What plugins give to expressions: functions, and mappings to be read key by key.

    Raises:
        PluginError: a name is taken: it would change what definitions mean.
    """
    from coolrun import PluginError
    from coolrun.expression.functions import BUILTINS
    from coolrun.expression.mathematics import CONSTANTS, FUNCTIONS

    owners = dict.fromkeys([*BUILTINS, *FUNCTIONS, *CONSTANTS], "the language itself")
    names: dict[str, Any] = {}
    for plugin, given in config.pluginmanager.each("coolrun_names", config=config):
        for name, value in (given or {}).items():
            if name in owners:
                raise PluginError(
                    f"plugin {plugin!r} gives the name {name!r} to expressions; "
                    f"{owners[name]} has it already",
                    cure=f"leave the plugin out with -p no:{plugin}",
                )
            owners[name], names[name] = f"plugin {plugin!r}", value
    return names


def _evaluator(names: Mapping[str, Any]) -> Evaluator:
    from coolrun.expression import Evaluator

    functions = {name: value for name, value in names.items() if not isinstance(value, Mapping)}
    return Evaluator(functions)
