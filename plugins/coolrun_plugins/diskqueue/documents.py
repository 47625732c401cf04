"""Experiments as documents of the queue's file, and documents as experiments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun import Config, DefinitionError, Experiment, Place, Source

if TYPE_CHECKING:
    from coolrun.plain import Plain

    from .ledger import Entry
    from .view import Document

ID, HOLD = "RUN_ID", "Hold"

_OWN = re.compile(rf"^([\"']?(?:{ID}|{HOLD})[\"']?:)", re.MULTILINE)
_LINE = re.compile(r"(?<=\(line )\d+|(?<=, begun on line )\d+(?=\)$)")
_HELD = re.compile(rf"^{HOLD}: *true *(#.*)?$", re.MULTILINE)


class QueueSource(Source):
    """The queue's file, for places in messages; its documents count from 1.

    Document 0 is the default config, which stands in the definition.
    """

    def __init__(self, path: str, data: bytes, defaults: Source) -> None:
        super().__init__(path, data)
        object.__setattr__(self, "_defaults", defaults)

    def place(self, document: int, path: tuple[object, ...] = ()) -> Place:
        if document == 0:
            return self._defaults.place(0, path)  # type: ignore[attr-defined, no-any-return]
        return super().place(document - 1, path)


def text_of(id_: str, experiment: Experiment, words: Sequence[str]) -> str:
    """The document of an experiment: all its values, which are data and never computed again."""
    from coolrun.yamlio import dump

    values = {key: value for key, value in experiment.parameters.items() if key != ID}
    body = dump(values, own=True, words=words) if values else ""
    return f"---\n{ID}: {id_}\n{body}"


def meta_of(
    experiment: Experiment, after: Sequence[str], *, hold: bool, pin: bool
) -> dict[str, Plain]:
    """What the document of an experiment does not say; only what there is."""
    own, defaults = experiment.own, experiment.defaults
    meta: dict[str, Plain] = {
        "given": {k: v for k, v in experiment.given.items() if k not in own and k not in defaults},
        "after": list(after),
        "pending": sorted(experiment.pending),
        "swept": list(experiment.swept),
        "own": list(own) if defaults else [],
        "hold": hold,
        "pin": pin,
    }
    return {key: value for key, value in meta.items() if value}


def with_id(text: str, id_: str) -> str:
    """A document as a person wrote it, with the id that it has from now on."""
    text = re.sub(rf"^[\"']?{ID}[\"']?:.*\n", "", text, flags=re.MULTILINE)
    head, _, body = text.partition("\n")
    inner = head.removeprefix("---").strip()
    if inner and not inner.startswith("#"):
        return text  # on one line: it stays without an id, and is known by its text
    return f"{head}\n{ID}: {id_}\n{body}"


def comments_of(text: str) -> str:
    """The lines of a document that are nothing but a comment."""
    return "".join(f"{line}\n" for line in text.split("\n") if line.startswith("#"))


def values_of(data: str, path: str, line: int, config: Config) -> tuple[dict[str, Any], bool]:
    """What a complete document says, and whether it is held.

    Raises:
        DefinitionError: with file and line.
    """
    from coolrun.yamlio import DELETE, Merge, read

    words = tuple(config.parser.words)
    (document,) = read(data.encode(), path=path, words=words, definition=True, first_line=line)
    written = {
        key: value.value if isinstance(value, Merge) else value
        for key, value in (document.value or {}).items()
        if value is not DELETE and key != ID
    }
    held = written.get(HOLD) is True
    if held:
        del written[HOLD]
    return written, held


def is_held(text: str) -> bool:
    """Whether a document says that it is not to be started."""
    return "Hold:" in text and _HELD.search(text) is not None


def experiment_of(
    values: Mapping[str, Plain], meta: Mapping[str, Any], source: Source, document: int
) -> Experiment:
    """An experiment out of a complete document and what was known about it."""
    defaults = set(values) - set(meta["own"]) if "own" in meta else set()
    return Experiment(
        own={k: v for k, v in values.items() if k not in defaults},
        defaults={k: v for k, v in values.items() if k in defaults},
        given=dict(meta.get("given", {})),
        document=document,
        source=source,
        swept=tuple(meta.get("swept", ())),
        pending=frozenset(meta.get("pending", ())),
    )


def restored(entry: Entry, config: Config, source: Source) -> Experiment:
    """The experiment of an entry that was put by another session, as data."""
    values, _ = values_of(entry.text, source.path, 1, config)
    experiment = experiment_of(values, entry.meta, source, 0)
    experiment.settle(dict(values))
    return experiment


class Short:
    """Reads short entries like documents of the definition: with its defaults and its rules."""

    def __init__(self, config: Config, definition: Source) -> None:
        self._config = config
        self._definition = definition

    def read(self, documents: Sequence[Document], source: QueueSource) -> list[list[Experiment]]:
        """The experiments of each document, expanded and not yet computed.

        Raises:
            DefinitionError: with the place in the queue's file.
        """
        from pathlib import Path
        from tempfile import TemporaryDirectory

        from coolrun.planning import expand

        defaults, line = self._defaults()
        pieces, lines = [defaults], []
        for document in documents:
            # The runner's own keys become comments, so that every line keeps its number.
            piece = _OWN.sub(r"# \1", document.text)
            lines.append((line, document.line))
            line += piece.count("\n")
            pieces.append(piece)
        with TemporaryDirectory() as folder:
            path = Path(folder) / (Path(self._definition.path).name or "experiment.yaml")
            path.write_text("".join(pieces), encoding="utf-8")
            try:
                definition = self._config.pluginmanager.ask(
                    "coolrun_read", path=path, config=self._config
                )
                several: list[list[Experiment]] = [[] for _ in documents]
                for experiment in definition.experiments:
                    if experiment.series == 0:
                        several[experiment.document - 1] = expand([experiment], self._config)
            except DefinitionError as error:
                _move(error, lines, source.path, self._definition.path)
                raise
        for document, experiments in zip(documents, several, strict=True):
            if not experiments:
                place = Place(source.path, document.line)
                raise DefinitionError("it is empty, or makes no experiment", place=place)
            for experiment in experiments:
                experiment.source, experiment.document = source, document.number + 1
        return several

    def _defaults(self) -> tuple[str, int]:
        """The text of the default config, and the number of the line after it."""
        from coolrun.yamlio import split

        data = self._definition.data
        start, end = split(data)[0]
        text = data[start:end].decode("utf-8-sig").rstrip() + "\n"
        return text, text.count("\n") + 1


def _move(
    error: DefinitionError, lines: Sequence[tuple[int, int]], path: str, definition: str
) -> None:
    """Let an error tell the lines of the file that a person wrote."""
    place = error.place
    if place is None:
        return
    if not lines or place.line < lines[0][0]:
        error.place = Place(definition, place.line, place.column)
        return
    read, written = max(pair for pair in lines if pair[0] <= place.line)
    error.place = Place(path, place.line - read + written, place.column)
    error.message = _LINE.sub(lambda found: str(int(found[0]) - read + written), error.message)
