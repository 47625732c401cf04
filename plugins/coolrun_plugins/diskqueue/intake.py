"""Makes experiments of what a person wrote into the queue's file. All of a save, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coolrun import Config, CoolrunError, Experiment, Plan, Session
from coolrun.plain import encode
from coolrun.planning import check_ways

from .documents import QueueSource, Short, experiment_of, values_of
from .merge import Edited, Fresh, Item

if TYPE_CHECKING:
    from .view import Document, Save

SERIES = 1_000_000_000  # no pass over a definition has this number


@dataclass
class Understood:
    """What a save says.

    Attributes:
        edited: the experiment of each edited entry, by id; None where only its text is new.
        fresh: the experiments of each new document, by its number.
        held: the ids and the numbers of documents that are not to be started.
        written: what complete documents say themselves, by their number.
    """

    edited: dict[str, Experiment | None] = field(default_factory=dict)
    fresh: dict[int, list[Experiment]] = field(default_factory=dict)
    held: set[str | int] = field(default_factory=set)
    written: dict[int, str] = field(default_factory=dict)

    def says_all(self, document: Document, experiment: Experiment) -> bool:
        """Whether a document holds all values as they are, so that it can stay as it is."""
        return self.written.get(document.number) == encode(experiment.parameters)


class Intake:
    """Reads documents, computes their values, and lets every plugin check them."""

    def __init__(self, session: Session, path: str) -> None:
        self._session = session
        self._config: Config = session.config
        self._path = path
        self._series = SERIES

    def understand(
        self,
        items: Sequence[Item],
        save: Save,
        known: Callable[[str], Experiment],
        started: Sequence[Experiment],
    ) -> Understood:
        """The experiments behind edited and new documents.

        Args:
            known: the experiment of an id.
            started: what has been started so far; together with the entries above it is `E`.

        Raises:
            CoolrunError: something is wrong; nothing was taken.
        """
        source = QueueSource(self._path, save.data, self._session.plan.source)
        understood = Understood()
        self._read(items, source, known, understood)
        changed = any(e is not None for e in understood.edited.values())
        if understood.fresh or changed:
            new = self._compute(items, understood, known, started)
            self._check(new, source)
        return understood

    # Reading

    def _read(
        self,
        items: Sequence[Item],
        source: QueueSource,
        known: Callable[[str], Experiment],
        understood: Understood,
    ) -> None:
        short: list[Fresh] = []
        for item in items:
            if isinstance(item, Edited):
                self._read_edited(item, source, known(item.entry.id), understood)
            elif isinstance(item, Fresh) and item.document.id is None:
                short.append(item)
            elif isinstance(item, Fresh):
                self._read_copy(item, source, understood)
        if not short:
            return
        several = Short(self._config, self._session.plan.source).read(
            [item.document for item in short], source
        )
        for item, experiments in zip(short, several, strict=True):
            understood.fresh[item.document.number] = experiments
            self._note_hold(item.document.number, item.document.text, understood)

    def _read_edited(
        self, item: Edited, source: QueueSource, before: Experiment, understood: Understood
    ) -> None:
        document, id_ = item.document, item.entry.id
        values, held = values_of(document.text, self._path, document.line, self._config)
        if held:
            understood.held.add(id_)
        understood.edited[id_] = None
        understood.written[document.number] = encode(values)
        if encode(values) != encode(_without_hold(before.parameters)):
            own = [k for k in values if k in before.own or k not in before.defaults]
            meta = {**item.entry.meta, "own": own, "pending": (), "given": before.given}
            understood.edited[id_] = experiment_of(values, meta, source, document.number + 1)

    def _read_copy(self, item: Fresh, source: QueueSource, understood: Understood) -> None:
        from coolrun.planning import expand

        document = item.document
        values, held = values_of(document.text, self._path, document.line, self._config)
        if held:
            understood.held.add(document.number)
        understood.written[document.number] = encode(values)
        meta = {"own": item.model.meta["own"]} if item.model and "own" in item.model.meta else {}
        copy = experiment_of(values, meta, source, document.number + 1)
        # A copy of a run is one run, however many its document makes in a definition.
        understood.fresh[document.number] = expand([copy], self._config)[:1] or [copy]

    def _note_hold(self, number: int, text: str, understood: Understood) -> None:
        from .documents import is_held

        if is_held(text):
            understood.held.add(number)

    # Computing

    def _compute(
        self,
        items: Sequence[Item],
        understood: Understood,
        known: Callable[[str], Experiment],
        started: Sequence[Experiment],
    ) -> list[Experiment]:
        """Give everything new its values and its position; in order, each sees those above."""
        self._series += 1
        earlier = list(started)
        new: list[Experiment] = []
        position = len(self._session.plan.experiments)
        for item in items:
            if isinstance(item, Fresh):
                for experiment in understood.fresh[item.document.number]:
                    experiment.position = position
                    position += 1
                    self._parse(experiment, earlier)
                    earlier.append(experiment)
                    new.append(experiment)
                    if self._is_no_run(experiment):
                        understood.held.add(item.document.number)
                continue
            edited = understood.edited.get(item.entry.id) if isinstance(item, Edited) else None
            before = known(item.entry.id)
            if edited is not None:
                edited.position = before.position
                self._parse(edited, earlier)
                new.append(edited)
                if self._is_no_run(edited):
                    understood.held.add(item.entry.id)
            earlier.append(edited or before)
        return new

    def _parse(self, experiment: Experiment, earlier: list[Experiment]) -> None:
        experiment.series = self._series
        try:
            self._config.pluginmanager.ask(
                "coolrun_parse", experiment=experiment, previous=earlier, config=self._config
            )
        except CoolrunError as error:
            raise experiment.blame(error) from error

    def _is_no_run(self, experiment: Experiment) -> bool:
        """Whether a value says that it is read by later ones only: it stays in the file."""
        values = self._config.parser.values
        return any(v.key in experiment and experiment[v.key] == v.value for v in values)

    def _check(self, new: Sequence[Experiment], source: QueueSource) -> None:
        runs = [e for e in new if not self._is_no_run(e)]
        plan = Plan(runs, self._session.plan.settings, source)
        check_ways(plan, self._config)
        self._config.pluginmanager.ask("coolrun_check", plan=plan, config=self._config)


def _without_hold(values: Any) -> Any:
    return {k: v for k, v in values.items() if not (k == "Hold" and v is True)}
