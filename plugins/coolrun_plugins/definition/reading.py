"""From the bytes of a file to experiments over their defaults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun import Definition, DefinitionError, Experiment
from coolrun.experiment import dotted
from coolrun.plain import ATOMS
from coolrun_plugins.definition.names import (
    SETTINGS,
    blocked,
    check_keys,
    check_settings,
    check_words,
    marked_in,
    warn_about_bare,
    warn_about_new,
)
from coolrun_plugins.definition.overrides import Overridden, override, put, read_assignment
from coolrun_plugins.definition.told import Told

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from coolrun import Config, Place, Source


def read(path: Path, config: Config) -> Definition:
    """Read a definition, with what the command line changes in it.

    Raises:
        DefinitionError: the file is wrong.
        UsageError: the command line is.
    """
    source = Overridden(str(path), _bytes(config.cwd / path, path), config.overrides)
    tell = Told(config.warn)
    return _definition(_documents(source, config, tell), source, config, tell)


def definition_of(documents: Sequence[Any], source: Source, config: Config) -> Definition:
    """What documents in another format say, with what the command line changes in it.

    Texts that begin with a word such as `parse` are expressions.

    Args:
        documents: the default config, with the settings below `Global`, and then the experiments.
        source: the file that they were read from.

    Raises:
        DefinitionError: they are wrong.
        UsageError: the command line is.
    """
    for number, document in enumerate(documents):
        if not isinstance(document, dict):
            raise DefinitionError(
                f"document {number} is {document!r:.60}, no mapping of keys to values",
                cure="the first one holds defaults, each later one is an experiment",
                place=source.place(number),
            )
    words = (*config.parser.words, *blocked(config).words)
    named = [(number, _marked(document, words)) for number, document in enumerate(documents)]
    return _definition(named or [(0, {})], source, config, Told(config.warn))


def _marked(value: Any, words: Collection[str], path: tuple[object, ...] = ()) -> Any:
    from coolrun.yamlio.scalars import marked

    if isinstance(value, str):
        return marked(value, words) or value
    if isinstance(value, dict):
        return {key: _marked(item, words, (*path, key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_marked(item, words, (*path, n)) for n, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    if value is None or type(value) in ATOMS:
        return value
    raise DefinitionError(
        f"{value!r:.60} is no plain data ({type(value).__name__})",
        key=dotted(path),
        cure="whoever reads the file has to make text, numbers, lists or mappings of it",
    )


def _definition(
    documents: Sequence[tuple[int, dict[str, Any]]], source: Source, config: Config, tell: Told
) -> Definition:
    defaults = dict(documents[0][1])
    _check_defaults(defaults, source)
    settings = _settings(defaults, source)
    assignments = [read_assignment(text, config) for text in config.overrides]
    values = [defaults, *(value for _, value in documents[1:])]
    new = warn_about_new(values, config)
    warn_about_bare(values, config)
    forced = override(defaults, settings, assignments)
    defaults.setdefault("Name", Path(source.path).stem)
    check_settings(settings, source, config, tell)
    deep = settings.get("merge") == "deep"
    rests: dict[tuple[str, ...], dict[str, Any]] = {}
    experiments = [
        _experiment(number, value, defaults, rests, forced, source, deep=deep)
        for number, value in documents[1:]
    ]
    check_keys(defaults, experiments, new, config, tell)
    tell.close()
    check_words(experiments, config)
    return Definition(source, experiments, settings, config.overrides)


def _bytes(full: Path, path: Path) -> bytes:
    from coolrun.yamlio import DEFINITION

    try:
        # A file may be larger than the memory; the reader refuses what is too large.
        with open(full, "rb") as file:
            return file.read(DEFINITION.size + 1)
    except OSError as error:
        raise DefinitionError(f"cannot read {str(path)!r}: {error.strerror}") from error


def _documents(source: Source, config: Config, tell: Told) -> list[tuple[int, dict[str, Any]]]:
    from coolrun.yamlio import read_all

    def warn(message: str, place: Place) -> None:
        tell(f"{place}: {message}")

    found: list[tuple[int, dict[str, Any]]] = []
    words = (*config.parser.words, *blocked(config).words)
    documents = read_all(source.data, path=source.path, words=words, definition=True, warn=warn)
    for number, document in enumerate(documents):
        if document.value is None and number > 0:
            continue
        found.append((number, document.value or {}))
    if not found:
        raise DefinitionError(
            f"{source.path} is empty",
            cure="the first document holds defaults, each one after `---` is an experiment",
        )
    return found


def _settings(defaults: dict[str, Any], source: Source) -> dict[str, Any]:
    settings = defaults.pop(SETTINGS, None)
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise DefinitionError(
            f"{SETTINGS} is not a mapping",
            key=SETTINGS,
            place=source.place(0, (SETTINGS,)),
            cure=f"write settings below it, such as `{SETTINGS}: {{repeat: 2}}`",
        )
    return dict(settings)


def _check_defaults(defaults: dict[str, Any], source: Source) -> None:
    """There is nothing below the default config that it could be merged into."""
    for path, word in _tags((), defaults):
        raise DefinitionError(
            f"{word} has no meaning in the default config",
            place=source.place(0, path),
            key=dotted(path),
            cure=f"leave {word} out here; experiments use it to change a default",
        )


def _tags(path: tuple[Any, ...], value: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    from coolrun.yamlio import DELETE, Merge

    if value is DELETE:
        yield path, "!delete"
    elif isinstance(value, Merge):
        yield path, "!merge"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _tags((*path, key), item)


def _experiment(
    number: int,
    document: dict[str, Any],
    defaults: dict[str, Any],
    rests: dict[tuple[str, ...], dict[str, Any]],
    forced: Sequence[tuple[list[str], Any]],
    source: Source,
    *,
    deep: bool,
) -> Experiment:
    if SETTINGS in document:
        raise DefinitionError(
            f"{SETTINGS} belongs to the first document only",
            place=source.place(number, (SETTINGS,)),
            key=SETTINGS,
            cure="move it to the top of the file; it holds for all experiments",
        )
    own, removed = {}, set()
    for key, value in document.items():
        merged = _merged(value, defaults.get(key, _NOTHING), deep=deep)
        if merged is _NOTHING:
            removed.add(key)
        else:
            own[key] = merged
    for keys, value in forced:
        if keys[0] in defaults and keys[0] not in {*own, *removed}:
            own[keys[0]] = defaults[keys[0]]
        put(own, keys, value)
    # What is only written on the command line may be read by every expression, as if swept.
    new = {keys[0] for keys, _ in forced} - document.keys()
    first = {key: own[key] for key in own if key in new and not any(marked_in(own[key]))}
    own = {**first, **own}
    left = tuple(key for key in defaults if key not in own and key not in removed)
    if left not in rests:
        rests[left] = {key: defaults[key] for key in left}
    return Experiment(own=own, defaults=rests[left], document=number, source=source)


_NOTHING: Any = object()


def _merged(value: Any, default: Any, *, deep: bool) -> Any:
    """The value an experiment gets for a key; `_NOTHING` where the key is removed."""
    from coolrun.yamlio import DELETE, Merge

    if value is DELETE:
        return _NOTHING
    merges = isinstance(value, Merge)
    written = value.value if isinstance(value, Merge) else value
    if not isinstance(written, dict):
        return written
    base = default if isinstance(default, dict) else {}
    result = dict(base) if merges or deep else {}
    for key, item in written.items():
        inner = _merged(item, base.get(key, _NOTHING), deep=deep)
        if inner is _NOTHING:
            result.pop(key, None)
        else:
            result[key] = inner
    return result
