"""`await`: values that need the results of earlier runs, computed just before a launch."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from coolrun import (
    Blocked,
    Config,
    DefinitionError,
    Experiment,
    ExpressionError,
    Marked,
    Parser,
    Plan,
    Status,
    UsageError,
    hookimpl,
)
from coolrun.experiment import dotted

if TYPE_CHECKING:
    from coolrun import Session
    from coolrun.expression import Earlier, Evaluator
    from coolrun.plain import Plain

WORD = "await"
WORDS = ("parse", WORD)
# Who wants these wants them long before the launch.
EARLY = ("Name", "Repeat", "Grid", "After", "YamlLog")
MOST = 5_000_000  # pairs of experiments of which one awaits the other


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
        if not experiment.pending and "parse" in self._config.parser.words:
            return
        expressions = _expressions(experiment)
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

        earlier = self._earlier.get(experiment.series)
        if earlier is None:
            earlier = self._earlier[experiment.series] = Earlier(previous)
        indices: set[int] = set()
        for path, marked in expressions.items():
            try:
                indices |= _read(marked, earlier)
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
        expressions = _expressions(experiment)
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
        return resolve(
            experiment.own,
            experiment.defaults,
            {**self._mappings, **experiment.given},
            Earlier(Results(session, self._series[experiment.series], experiment.position)),
            self._evaluator,
            word=WORDS,
            later={name: word.spreads for name, word in words.items() if name not in WORDS},
            free_order=config.declares_setting("order") and config.setting("order") == "free",
        ).values


class Results(Sequence[Mapping[str, "Plain"]]):
    """The experiments before one, each as its record says when it has ended."""

    def __init__(self, session: Session, series: Sequence[int], position: int) -> None:
        self._session = session
        self._series = series
        self._length = bisect_left(series, position)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Plain]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Mapping[str, Plain]]: ...
    def __getitem__(
        self, index: int | slice
    ) -> Mapping[str, Plain] | Sequence[Mapping[str, Plain]]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._length))]
        return Result(self._session, self._series[range(self._length)[index]])


class Result(Mapping[str, "Plain"]):
    """An experiment with its results; its files are read when one of them is asked for."""

    def __init__(self, session: Session, position: int) -> None:
        self._session = session
        self._position = position
        self._values: Mapping[str, Plain] | None = None

    def _read(self) -> Mapping[str, Plain]:
        if self._values is None:
            record = self._session.record_of(self._position)
            planned = self._session.plan.experiments[self._position]
            self._values = planned if record is None else record
        return self._values

    def __getitem__(self, key: str) -> Plain:
        if key == "Name":  # asked of many, to find one
            return self._session.plan.experiments[self._position][key]
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def _expressions(experiment: Experiment) -> dict[tuple[object, ...], Marked]:
    """What is to be computed at launch, if something in it awaits results: text by path."""
    own: dict[str, Plain] = {**experiment.defaults, **experiment.own}
    levels = (experiment.values_by_key, own) if experiment.pending else (experiment.values_by_key,)
    for level in levels:
        found = dict(_walk((), level))
        if any(marked.word == WORD for marked in found.values()):
            return found
    return {}


def _walk(path: tuple[object, ...], value: Plain) -> Iterator[tuple[tuple[object, ...], Marked]]:
    if isinstance(value, Marked):
        if value.word in WORDS:
            yield path, value
    elif isinstance(value, Mapping):
        for key in value:
            yield from _walk((*path, key), value[key])
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _walk((*path, number), item)


def _read(marked: Marked, earlier: Earlier) -> set[int]:
    """The places in `E` that an expression reads.

    Raises:
        ExpressionError: it is no expression, or there is no such experiment.
    """
    from coolrun.expression import ALL, dependencies

    read = dependencies(marked.expression)
    if not isinstance(read, frozenset):
        assert read is ALL
        return set(range(len(earlier)))
    indices = set()
    for key in read:
        if isinstance(key, str):
            index = earlier.position(key)
        else:
            index = key % len(earlier) if -len(earlier) <= key < len(earlier) else None
        if index is None:
            raise ExpressionError(
                f"there is no experiment E[{key!r}] before this one, in '{marked}'",
                cure="E holds the experiments above this one, and `--dry` numbers them",
            )
        indices.add(index)
    return indices


def _not_done(position: int, session: Session) -> str | None:
    """Why an experiment gives no results; None when it has, or gives its planned values."""
    if session.plan.experiments[position].skipped is not None:
        return None
    status = session.ended.get(position)
    if status is Status.DONE:
        return None
    if status is None:
        return "it was not run"
    failure = session.settled[position].failure
    return f"{status}: {failure}" if failure else str(status)
