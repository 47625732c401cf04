"""`await`: values that need the results of earlier runs, computed just before a launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun import Config, DefinitionError, ExpressionError, Parser, UsageError, hookimpl

if TYPE_CHECKING:
    from coolrun import Blocked, Experiment, Marked, Plan, Session
    from coolrun.expression import Earlier, Evaluator
    from coolrun.plain import Plain

# Who wants these wants them long before the launch.
EARLY = ("Name", "Repeat", "Grid", "After", "YamlLog")
MOST = 5_000_000  # pairs of experiments of which one awaits the other
WORD = "await"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_word(WORD, help="computed at launch, from the results of earlier runs", spreads=True)


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Awaited(config), "await-values")


class Awaited:
    """Finds out who awaits whom, and gives the values when those have ended."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._evaluator: Evaluator | None = None
        self._mappings: dict[str, Any] = {}
        self._earlier: dict[int, Earlier] = {}
        self._needs: dict[int, tuple[int, ...]] = {}
        self._series: dict[int, list[int]] = {}
        self._pairs = 0

    # When the definition is read

    @hookimpl(trylast=True)
    def coolrun_parse(self, experiment: Experiment, previous: Sequence[Experiment]) -> None:
        from coolrun.experiment import dotted
        from coolrun_plugins.await_.expressions import expressions_of

        if not experiment.pending and "parse" in self._config.parser.words:
            return
        expressions = expressions_of(experiment)
        if not expressions:
            return
        for path, marked in expressions.items():
            # Where a definition is only looked at, more is pending than what awaits results.
            if path[0] in EARLY and (marked.word == WORD or not self._config.looking):
                error = DefinitionError(
                    f"{path[0]} cannot wait for the results of other runs",
                    cure="it is needed before the first launch: write the value itself",
                )
                raise experiment.blame(error, path)
        needs = self._find_needs(experiment, expressions, previous)
        experiment.after |= frozenset(needs)
        experiment.pending |= {dotted(path) for path in expressions}
        # What is known by now is not evaluated again: it must not change when results are there.
        values = experiment.values_by_key
        experiment.own = {key: values[key] for key in experiment.own}
        experiment.defaults = {key: values[key] for key in experiment.defaults}

    def _find_needs(
        self,
        experiment: Experiment,
        expressions: Mapping[tuple[object, ...], Marked],
        previous: Sequence[Experiment],
    ) -> tuple[int, ...]:
        """The positions of the experiments before it that an experiment reads."""

        from coolrun.expression import Earlier
        from coolrun_plugins.await_.expressions import indices_read

        earlier = self._earlier.get(experiment.series)
        if earlier is None:
            earlier = self._earlier[experiment.series] = Earlier(previous)
        indices: set[int] = set()
        for path, marked in expressions.items():
            try:
                indices |= indices_read(marked, earlier)
            except ExpressionError as error:
                raise experiment.blame(error, path) from error
        self._pairs += len(indices)
        if self._pairs > MOST:
            many = DefinitionError(
                f"more than {MOST:,} pairs of experiments of which one awaits the other",
                cure="read the experiments that are needed, as in E[-1] or E['name']",
            )
            raise experiment.blame(many, next(iter(expressions)))
        needs = tuple(previous[index].position for index in sorted(indices))
        self._needs[experiment.position] = needs
        return needs

    # Before the first launch

    @hookimpl
    def coolrun_check(self, plan: Plan) -> None:
        before: dict[int, list[Experiment]] = {}
        for experiment in plan.experiments:
            previous = before.setdefault(experiment.series, [])
            if experiment.pending:
                self._check(experiment, previous, plan)
            previous.append(experiment)
        self._series = {
            series: [experiment.position for experiment in experiments]
            for series, experiments in before.items()
        }

    def _check(self, experiment: Experiment, previous: Sequence[Experiment], plan: Plan) -> None:
        """What it awaits has to run, or to be skipped by its own Name."""

        from coolrun_plugins.await_.expressions import expressions_of

        expressions = expressions_of(experiment)
        if expressions and experiment.position not in self._needs:
            self._find_needs(experiment, expressions, previous)  # the plan is an earlier session's
        if experiment.skipped is not None or not expressions:
            return
        for position in self._needs[experiment.position]:
            need = plan.experiments[position]
            if need.skipped is not None and need.get("Name") not in ("skip", None):
                error = UsageError(
                    f"it awaits results of {need.label}, which will not run: {need.skipped}",
                    cure=f"run both: --pick {position},{experiment.position}",
                )
                raise experiment.blame(error, next(iter(expressions)))

    # At launch

    @hookimpl(tryfirst=True)
    def coolrun_ready(self, experiment: Experiment, session: Session) -> Blocked | None:
        from coolrun import Blocked

        needs = self._needs.get(experiment.position)
        if needs is None or not experiment.pending:
            return None
        for position in needs:
            reason = _not_done(position, session)
            if reason is not None:
                return Blocked(f"it awaits {session.plan.experiments[position].label}: {reason}")
        try:
            experiment.complete(self._resolved(experiment, session))
        except ExpressionError as error:
            return Blocked(f"key {error.key!r}: {error.message}")
        return None

    def _resolved(self, experiment: Experiment, session: Session) -> dict[str, Plain]:
        from coolrun.expression import Earlier, Evaluator, resolve
        from coolrun_plugins.await_.expressions import WORDS
        from coolrun_plugins.await_.results import Results

        config = self._config
        if self._evaluator is None:
            names: dict[str, Any] = {}
            for given in config.pluginmanager.ask("coolrun_names", config=config):
                names.update(given or {})
            self._mappings = {k: v for k, v in names.items() if isinstance(v, Mapping)}
            functions = {k: v for k, v in names.items() if k not in self._mappings}
            most = config.setting("max_experiments")
            self._evaluator = Evaluator(functions, experiments=most)
        words = config.parser.words
        series = self._series.get(experiment.series, ())
        return resolve(
            experiment.own,
            experiment.defaults,
            {**self._mappings, **experiment.given},
            Earlier(Results(session, series, experiment.position)),
            self._evaluator,
            word=WORDS,
            later={name: word.spreads for name, word in words.items() if name not in WORDS},
            free_order=config.declares_setting("order") and config.setting("order") == "free",
        ).values


def _not_done(position: int, session: Session) -> str | None:
    """Why an experiment gives no results; None when it has, or gives its planned values."""

    from coolrun import Status

    if session.plan.experiments[position].skipped is not None:
        return None
    status = session.ended.get(position)
    if status is Status.DONE:
        return None
    if status is None:
        return "it was not run"
    failure = session.settled[position].failure
    return f"{status}: {failure}" if failure else str(status)
