"""An experiment: ordered plain data, and what the runner knows about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coolrun.plain import Plain

if TYPE_CHECKING:
    from coolrun.errors import CoolrunError, Place

# The keys that the runner writes into every record, in their order.
RECORD_KEYS = ("HOST", "RUN_ID", "STARTED", "TIME_ELAPSED", "STATUS", "FAILURE", "ATTEMPT")


@dataclass(frozen=True)
class Source:
    """The text that a person wrote; kept so that positions are looked up only when needed."""

    path: str
    data: bytes

    def place(self, document: int, path: tuple[object, ...] = ()) -> Place:
        """Where the value at `path` of the n-th document stands (documents count from 0)."""
        from coolrun.yamlio import locate

        return locate(self.data, document, path, file=self.path)  # type: ignore[arg-type]


@dataclass(slots=True)
class Experiment(Mapping[str, Plain]):
    """One experiment of a definition.

    As a mapping it shows its parameters: its own keys first, then the remaining defaults, then
    what the runner gave. Until it is parsed, values may be expressions.

    Attributes:
        own: the keys that the experiment itself writes, in their order.
        defaults: the default config's remaining keys, in theirs. Shared between experiments.
        given: values that the runner gives every expression and record.
        document: which document of the source it came from, counted from 0.
        source: the text it came from, if a person wrote it.
        series: experiments of one series see one another as earlier ones.
        position: its number in the plan, from 0; -1 before there is a plan.
        after: positions of the experiments that have to end before this one may start.
        swept: the keys in which it differs from its siblings by a sweep.
        pending: dotted keys whose values are known only when it is launched.
        skipped: why it will not be launched, or None.
        completed: whether its values were completed when it was launched.
        written: where values stand in the document that do not stand under their own key.
    """

    own: dict[str, Plain]
    defaults: Mapping[str, Plain] = field(default_factory=dict)
    given: dict[str, Plain] = field(default_factory=dict)
    document: int = 0
    source: Source | None = None
    series: int = 0
    position: int = -1
    after: frozenset[int] = frozenset()
    swept: tuple[str, ...] = ()
    pending: frozenset[str] = frozenset()
    skipped: str | None = None
    completed: bool = False
    written: Mapping[tuple[object, ...], tuple[object, ...]] = field(default_factory=dict)
    _values: dict[str, Plain] | None = None

    @property
    def values_by_key(self) -> dict[str, Plain]:
        """All parameters in order; the runner's come last and never replace a written one."""
        if self._values is None:
            self._values = self._merged(
                {**self.own, **{k: v for k, v in self.defaults.items() if k not in self.own}}
            )
        return self._values

    @property
    def parameters(self) -> dict[str, Plain]:
        """What a person defined: everything but the values that the runner gave."""
        return {
            key: value
            for key, value in self.values_by_key.items()
            if key not in self.given or key in self.own or key in self.defaults
        }

    def settle(self, values: dict[str, Plain]) -> None:
        """Take the final values: own keys first, then the remaining defaults."""
        self._values = self._merged(values)

    def complete(self, values: dict[str, Plain]) -> None:
        """Take the values that could not be known before it is launched: none is pending now."""
        self.settle(values)
        self.pending = frozenset()
        self.completed = True

    def derive(self, *, own: Mapping[str, Plain] | None = None, **given: Plain) -> Experiment:
        """A sibling with other own keys or more given values, not yet parsed."""
        return Experiment(
            own=dict(self.own if own is None else own),
            defaults=self.defaults,
            given={**self.given, **given},
            document=self.document,
            source=self.source,
            series=self.series,
            swept=self.swept,
            written=self.written,
        )

    @property
    def name(self) -> str:
        """The name that people call it by; empty when it has none."""
        name = self.get("Name")
        return "" if name is None else str(name)

    @property
    def label(self) -> str:
        """How messages name it."""
        number = f"experiment {self.position}" if self.position >= 0 else "an experiment"
        return f"{number} {self.name!r}" if self.name else number

    def blame(self, error: CoolrunError, path: tuple[object, ...] = ()) -> CoolrunError:
        """Add to the error where this experiment, or its value at `path`, was written."""
        key = dotted(path) or None
        if self.source is None:
            return error.at(experiment=self.label, key=key)
        in_own = not path or path[0] in self.own or path[0] not in self.defaults
        document = self.document if in_own else 0
        return error.at(
            place=error.place or self.source.place(document, self._located(path)),
            experiment=self.label,
            key=key,
        )

    def _located(self, path: tuple[object, ...]) -> tuple[object, ...]:
        """Where the value at `path` was written."""
        for length in range(len(path), 0, -1):
            start = self.written.get(path[:length])
            if start is not None:
                return (*start, *path[length:])
        return path

    def _merged(self, values: dict[str, Plain]) -> dict[str, Plain]:
        for key, value in self.given.items():
            values.setdefault(key, value)
        return values

    def __getitem__(self, key: str) -> Plain:
        return self.values_by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_key)

    def __len__(self) -> int:
        return len(self.values_by_key)

    def __contains__(self, key: object) -> bool:
        return key in self.values_by_key

    def get(self, key: str, default: Plain = None) -> Plain:
        """The value of a key, or `default`."""
        return self.values_by_key.get(key, default)


def dotted(path: tuple[object, ...]) -> str:
    """A path as people write it: `optimizer.lr`, `layers[0].size`."""
    text = ""
    for part in path:
        if isinstance(part, int) and not isinstance(part, bool) and text:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text
