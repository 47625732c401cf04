"""From a definition to a plan: expand, parse, choose. Nothing is written and nothing launched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coolrun.errors import CoolrunError, DefinitionError, NothingToRun, PluginError, UsageError
from coolrun.experiment import Experiment

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun.config import Config
    from coolrun.definition import Definition
    from coolrun.experiment import Source
    from coolrun.plain import Plain

# So many experiments may become none before anybody wonders.
_BARREN = 100_000


@dataclass
class Plan:
    """Everything a session would do, in order.

    Attributes:
        experiments: all of them, with their final values; those that are skipped too.
        settings: the settings that the definition holds.
        source: the definition as it was read.
        order: the positions in the order in which they are to start; None: as they are numbered.
        turns: how often an experiment was left out or chosen again.
    """

    experiments: list[Experiment]
    settings: Mapping[str, Plain]
    source: Source
    order: Sequence[int] | None = None
    turns: int = 0
    _skipped: dict[int, str] = field(default_factory=dict)

    @property
    def skipped(self) -> Mapping[int, str]:
        """Why experiments will not be launched, by position."""
        return self._skipped

    def skip(self, position: int, reason: str) -> None:
        """Leave an experiment out; the first reason stands."""
        if position not in self._skipped:
            self._skipped[position] = reason
            self.turns += 1
        self.experiments[position].skipped = self._skipped[position]

    def choose_again(self, position: int) -> None:
        """Take back that an experiment is left out."""
        if self._skipped.pop(position, None) is not None:
            self.turns += 1
        self.experiments[position].skipped = None

    def take(self, experiment: Experiment) -> None:
        """Add an experiment that has the next position, or put it in the place of an earlier."""
        if experiment.position < len(self.experiments):
            self.experiments[experiment.position] = experiment
            return
        self.experiments.append(experiment)
        if self.order is not None:
            self.order = [*self.order, experiment.position]

    @property
    def chosen(self) -> list[Experiment]:
        """The experiments that will be launched, in the order in which they are to start."""
        order = range(len(self.experiments)) if self.order is None else self.order
        return [e for e in map(self.experiments.__getitem__, order) if e.skipped is None]


def read_definition(path: Path, config: Config) -> Definition:
    """Read a definition through the hook, and take its settings.

    Raises:
        DefinitionError: the file is wrong.
        UsageError: no plugin knows such files, or the one that does leaves out what the command
            line changes.
    """
    definition: Definition | None = config.pluginmanager.ask(
        "coolrun_read", path=path, config=config
    )
    if definition is None:
        raise UsageError(
            f"no plugin reads {str(path)!r}",
            cure=f"`coolrun plugins` lists what is loaded{config.pluginmanager.left_out()}",
        )
    for text in config.overrides:
        if text not in definition.overrides:
            raise UsageError(
                f"{text!r} would change nothing: the plugin that reads {str(path)!r} leaves it out",
                cure="write it into the file",
            )
    config.take_settings(definition.settings, definition.source)
    return definition


def make_plan(definition: Definition, config: Config) -> Plan:
    """Expand and parse every experiment, then let plugins choose.

    Raises:
        DefinitionError: something is wrong with an experiment; nothing is half done.
    """
    return choose(parsed(definition, config), definition, config)


def parsed(definition: Definition, config: Config) -> Iterator[Experiment]:
    """Every experiment of the plan, as soon as it has its final values.

    Raises:
        DefinitionError: something is wrong with an experiment.
    """
    series: dict[int, list[Experiment]] = {}
    for position, experiment in enumerate(expand(definition.experiments, config)):
        experiment.position = position
        previous = series.setdefault(experiment.series, [])
        _parse(experiment, previous, config)
        previous.append(experiment)
        yield experiment


def choose(experiments: Iterable[Experiment], definition: Definition, config: Config) -> Plan:
    """The plan of parsed experiments, once plugins have skipped some of them."""
    plan = Plan(list(experiments), definition.settings, definition.source)
    config.pluginmanager.ask("coolrun_plan", plan=plan, config=config)
    return plan


def expand(experiments: Iterable[Experiment], config: Config) -> list[Experiment]:
    """All experiments after every plugin has made several out of one where it wants to.

    They are drawn one by one and counted, so that a bomb is refused before it fills the memory.
    """
    most = config.setting("max_experiments")
    stream = _bounded(experiments, most)
    for implementation in reversed(config.hook.coolrun_expand.get_hookimpls()):
        stream = _expanded(stream, implementation, config)
    drawn: list[Experiment] = []
    for experiment in stream:
        drawn.append(experiment)
        if len(drawn) > most:
            raise DefinitionError(
                f"more than {most:,} experiments",
                cure="set max_experiments higher if you mean it",
            ).at(place=experiment.source.place(experiment.document) if experiment.source else None)
    return drawn


def _bounded(experiments: Iterable[Experiment], most: int) -> Iterator[Experiment]:
    """Those that become none at all are counted too: they take their time."""
    for number, experiment in enumerate(experiments):
        if number >= most + _BARREN:
            raise experiment.blame(
                DefinitionError(
                    f"more than {most + _BARREN:,} experiments, with those that give none",
                    cure="give fewer passes over the file",
                )
            )
        yield experiment


def _expanded(
    stream: Iterator[Experiment], implementation: Any, config: Config
) -> Iterator[Experiment]:
    wanted = set(implementation.argnames)
    for experiment in stream:
        arguments = {"experiment": experiment, "config": config}
        try:
            several = implementation.function(**{k: arguments[k] for k in wanted})
            if several is None:
                yield experiment
            else:
                for one in several:
                    if not isinstance(one, Experiment):
                        plugin, words = implementation.plugin_name, "Experiments"
                        raise PluginError.answered(plugin, "coolrun_expand", one, words)
                    yield one
        except CoolrunError as error:
            raise experiment.blame(error) from error
        except (Exception, SystemExit) as error:
            name = implementation.plugin_name
            named = config.pluginmanager.named(error, "coolrun_expand", name)
            raise experiment.blame(named) from error


def _parse(experiment: Experiment, previous: list[Experiment], config: Config) -> None:
    try:
        config.pluginmanager.ask(
            "coolrun_parse", experiment=experiment, previous=previous, config=config
        )
    except CoolrunError as error:
        raise experiment.blame(error) from error


def check_ways(plan: Plan, config: Config) -> None:
    """Every experiment has to say what it runs.

    Raises:
        DefinitionError: one does not.
    """
    for experiment in plan.chosen:
        if config.way_of(experiment) is None:
            ways = [repr(key.name) for key in config.parser.keys.values() if key.runs]
            names = " or ".join(ways) if ways else "a key, but no loaded plugin has one"
            raise experiment.blame(
                DefinitionError(
                    f"nothing says what to run: there is no {names}",
                    cure="name it once in the default config; `coolrun plugins --json` lists the "
                    f"keys{config.pluginmanager.left_out()}",
                )
            )


def nothing_to_run(plan: Plan) -> NothingToRun:
    """Why there is nothing to run, and what to do."""
    if not plan.experiments:
        return NothingToRun(
            f"{plan.source.path}: there is no experiment to run",
            cure="experiments start after a line `---`: "
            "add `---` and `{}` to run the default config once; if some are there, each of them "
            "expands to none",
        )
    reasons = sorted(set(plan.skipped.values()))
    return NothingToRun(
        f"{plan.source.path}: nothing to run: all {len(plan.experiments)} experiments are skipped",
        cure="; ".join(reasons[:3]),
    )
