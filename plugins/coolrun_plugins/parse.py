"""`parse`: values that are computed from other values and from the experiments before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coolrun import Config, Experiment, ExpressionError, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun.expression import Earlier, Evaluator


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_word("parse", help="computed when the definition is read")
    parser.add_setting(
        "order",
        type=_order,
        default="file",
        help="`free`: expressions are resolved by need instead of from top to bottom",
    )


def _order(value: object) -> object:
    if value not in {"file", "free"}:
        raise ValueError("expected 'file' or 'free'")
    return value


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Resolver(), "parse-resolver")


class Resolver:
    """Resolves the experiments of one definition, series by series."""

    def __init__(self) -> None:
        self._evaluator: Evaluator | None = None
        self._earlier: dict[int, Earlier] = {}

    @hookimpl
    def coolrun_parse(
        self, experiment: Experiment, previous: Sequence[Experiment], config: Config
    ) -> None:
        from coolrun.expression import Earlier, resolve

        if self._evaluator is None:
            self._evaluator = _evaluator(config)
        earlier = self._earlier.get(experiment.series)
        if earlier is None:
            earlier = self._earlier[experiment.series] = Earlier(previous)
        try:
            resolution = resolve(
                experiment.own,
                experiment.defaults,
                experiment.given,
                earlier,
                self._evaluator,
                word="parse",
                later=_later(config),
                free_order=config.setting("order") == "free",
            )
        except ExpressionError as error:
            raise experiment.blame(error, getattr(error, "path", ())) from error
        experiment.settle(resolution.values)
        experiment.pending = resolution.pending
        experiment.after = frozenset(previous[index].position for index in resolution.reads)


def _later(config: Config) -> dict[str, bool]:
    """The words that are computed later; True: whoever reads one has to wait as well."""
    return {name: word.spreads for name, word in config.parser.words.items() if name != "parse"}


def _evaluator(config: Config) -> Evaluator:
    from coolrun.expression import Evaluator

    functions: dict[str, Any] = {}
    for names in config.pluginmanager.ask("coolrun_names", config=config):
        functions.update(names or {})
    return Evaluator(functions, experiments=config.setting("max_experiments"))
