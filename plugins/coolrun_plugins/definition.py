"""Reads definition files: the first document is the default config, each later one an experiment.

`Global:` in the first document holds the runner's settings; `+key=value` on the command line
changes the default config, `++key=value` every experiment as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from coolrun import (
    Config,
    Definition,
    DefinitionError,
    Experiment,
    Marked,
    Parser,
    Place,
    Plan,
    Source,
    UsageError,
    hookimpl,
)
from coolrun.run import RECORD_KEYS

PACKAGE = "coolrun_plugins"
SETTINGS = "Global"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key("Name", type="text", help="what the experiment is called (default: the file's)")
    parser.add_key(SETTINGS, type="mapping", help="settings of the runner; first document only")
    parser.add_setting(
        "merge",
        type=_merge_kind,
        default="replace",
        help="`deep`: an experiment's mappings are merged into the default's",
    )


@hookimpl(trylast=True)
def coolrun_read(path: Path, config: Config) -> Definition:
    source = Source(str(path), _bytes(config.cwd / path, path))
    documents = _documents(source, config)
    defaults = dict(documents[0][1])
    settings = _settings(defaults, source)
    assignments = [_assignment(text, config) for text in config.overrides]
    new = _warn_about_new([defaults, *(value for _, value in documents[1:])], config)
    forced = _override(defaults, settings, assignments)
    defaults.setdefault("Name", path.stem)
    _check_settings(settings, source, config)
    deep = settings.get("merge") == "deep"
    experiments = [
        _experiment(number, value, defaults, forced, source, deep=deep)
        for number, value in documents[1:]
    ]
    _check_keys(defaults, experiments, new, config)
    _check_words(experiments, config)
    return Definition(source, experiments, settings)


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """A value whose plugin is blocked would silently mean nothing."""
    for special in _blocked(config).values:
        for experiment in plan.experiments:
            if experiment.get(special.key, _NOTHING) == special.value:
                error = DefinitionError(
                    f"the value {special.value!r} belongs to the plugin {special.plugin!r}, "
                    "which is blocked",
                    cure=f"do without `-p no:{special.plugin}`",
                )
                raise experiment.blame(error, (special.key,))


def _merge_kind(value: object) -> object:
    if value not in {"replace", "deep"}:
        raise ValueError("expected 'replace' or 'deep'")
    return value


# Reading


def _bytes(full: Path, path: Path) -> bytes:
    try:
        return full.read_bytes()
    except OSError as error:
        raise DefinitionError(f"cannot read {str(path)!r}: {error.strerror}") from error


def _documents(source: Source, config: Config) -> list[tuple[int, dict[str, Any]]]:
    from coolrun.yamlio import read

    def warn(message: str, place: Place) -> None:
        config.warn(f"{place}: {message}")

    found: list[tuple[int, dict[str, Any]]] = []
    words = (*config.parser.words, *_blocked(config).words)
    documents = read(source.data, path=source.path, words=words, definition=True, warn=warn)
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


def _experiment(
    number: int,
    document: dict[str, Any],
    defaults: dict[str, Any],
    forced: dict[str, Any],
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
    for key, value in forced.items():
        own[key] = _laid_over(own.get(key), value)
    rest = {k: v for k, v in defaults.items() if k not in own and k not in removed}
    return Experiment(own=own, defaults=rest, document=number, source=source)


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


# Overrides from the command line


def _override(
    defaults: dict[str, Any],
    settings: dict[str, Any],
    assignments: Sequence[tuple[list[str], Any, bool]],
) -> dict[str, Any]:
    """Apply `+key=value` to the defaults; return what `++key=value` forces on experiments."""
    forced: dict[str, Any] = {}
    for keys, value, forces in assignments:
        if keys[0] == SETTINGS:
            _put(settings, keys[1:], value)
            continue
        _put(defaults, keys, value)
        if forces:
            _put(forced, keys, value)
    return forced


def _assignment(text: str, config: Config) -> tuple[list[str], Any, bool]:
    equals, written = text.partition("=")[1:]
    plus = len(text) - len(text.lstrip("+"))
    keys = _keys(text)
    if not equals or plus > 2 or not all(keys):
        raise UsageError(f"cannot read {text!r}", cure="write +key=value, or +key.sub=value")
    if keys == [SETTINGS]:
        raise UsageError(f"{text!r} would replace all settings", cure="+Global.name=value")
    for key in keys:
        if key.startswith("__") or key.endswith("__"):
            raise UsageError(f"{text!r}: a key may not begin or end with '__'")
    return keys, _value(written, text, config), plus == 2


def _value(written: str, text: str, config: Config) -> Any:
    from coolrun.yamlio import read

    words = tuple(config.parser.words)
    try:
        documents = list(read(written.encode(), path="command line", words=words))
    except DefinitionError as error:
        raise UsageError(f"cannot read {text!r}: {error.message}", cure=error.cure) from error
    except UnicodeEncodeError as error:
        raise UsageError(f"cannot read {text!r}: it is not UTF-8") from error
    if len(documents) > 1:
        raise UsageError(f"cannot read {text!r}: `---` has no meaning here")
    return documents[0].value if documents else None


def _put(mapping: dict[Any, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = mapping.get(key)
        mapping[key] = dict(inner) if isinstance(inner, dict) else {}
        mapping = mapping[key]
    mapping[keys[-1]] = value


def _laid_over(below: Any, value: Any) -> Any:
    """A forced value; a mapping made by a dotted path changes only what it names."""
    if not isinstance(value, dict) or not isinstance(below, dict):
        return value
    return {**below, **{key: _laid_over(below.get(key), item) for key, item in value.items()}}


# Names that are nearly right


def _check_settings(settings: Mapping[str, Any], source: Source, config: Config) -> None:
    given = {_keys(text)[1] for text in config.overrides if _keys(text)[0] == SETTINGS}
    for name, value in settings.items():
        place = None if name in given else source.place(0, (SETTINGS, name))
        if config.declares_setting(name):
            try:
                _check_setting(name, value, config)
            except DefinitionError as error:
                raise error.at(place=place, key=f"{SETTINGS}.{name}") from error
            continue
        owner = _blocked(config).settings.get(name)
        if owner is not None:
            raise DefinitionError(
                f"{SETTINGS}.{name} belongs to the plugin {owner.plugin!r}, which is blocked",
                cure=f"remove the setting, or do without `-p no:{owner.plugin}`",
                place=place,
            )
        near = _near(name, config.parser.settings, cutoff=0.5)
        config.warn(f"{SETTINGS}.{name} is no setting of coolrun{near}")
        _name_failed(f"{SETTINGS}.{name}", config)


def _check_setting(name: str, value: Any, config: Config) -> None:
    if isinstance(value, Marked):
        raise DefinitionError(
            f"invalid setting {str(value)!r} (settings are not computed)",
            cure="write the value itself",
        )
    try:
        config.parser.settings[name].type(value)
    except (ValueError, TypeError) as error:
        raise DefinitionError(f"invalid setting {value!r} ({error})") from error


def _check_keys(
    defaults: Mapping[str, Any], experiments: list[Experiment], new: set[str], config: Config
) -> None:
    written = {key for experiment in experiments for key in experiment.own} | set(defaults)
    for key in sorted(written & set(RECORD_KEYS)):
        config.warn(f"key {key!r} is written by coolrun into every record; yours is left out")
    strange = [k for k in sorted(written) if _is_ours(k) and not config.declares_key(k)]
    if strange:
        _judge(strange, new, experiments, config)


def _check_words(experiments: list[Experiment], config: Config) -> None:
    """A word whose plugin is blocked would silently be text."""
    blocked = _blocked(config).words
    for experiment in experiments if blocked else ():
        for key, value in experiment.items():
            for marked in _marked(value):
                if marked.word in blocked:
                    error = DefinitionError(
                        f"{marked.word!r} belongs to a plugin that is blocked",
                        cure=f"do without `-p no:{blocked[marked.word].plugin}`",
                    )
                    raise experiment.blame(error, (key,))


def _marked(value: Any) -> Iterator[Marked]:
    if isinstance(value, Marked):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _marked(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _marked(item)


def _is_ours(key: str) -> bool:
    return key[:1].isupper() and not key.isupper()


def _judge(
    strange: list[str], new: set[str], experiments: list[Experiment], config: Config
) -> None:
    blocked = _blocked(config)
    for key in strange:
        if key in blocked.keys:
            owner = blocked.keys[key].plugin
            error = DefinitionError(
                f"the key {key!r} belongs to the plugin {owner!r}, which is blocked",
                cure=f"remove the key, or do without `-p no:{owner}`",
            )
            for experiment in experiments:
                if key in experiment:
                    raise experiment.blame(error, (key,))
            raise error
        near = _near(key, config.parser.keys)
        if near and key not in new:
            config.warn(f"key {key!r} is unknown to coolrun{near}")
        _name_failed(f"key {key!r}", config)


def _name_failed(what: str, config: Config) -> None:
    for info in config.pluginmanager.infos.values():
        if info.state == "failed":
            config.warn(f"{what} may belong to plugin {info.label}, which was not loaded")


def _blocked(config: Config) -> Parser:
    return config.pluginmanager.declared_by_blocked(PACKAGE)


def _near(name: str, known: Collection[str], *, cutoff: float = 0.75) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def _warn_about_new(documents: Sequence[dict[str, Any]], config: Config) -> set[str]:
    """Tell of overrides that make new keys, as typing errors do; return those of the top level."""
    made: set[str] = set()
    for text in config.overrides:
        keys = _keys(text)
        if keys[0] == SETTINGS or (config.declares_key(keys[0]) and len(keys) == 1):
            continue
        levels: list[Any] = [*documents, dict.fromkeys(made)]
        for depth, key in enumerate(keys):
            mappings = [level for level in map(_mapping, levels) if level is not None]
            levels = [mapping[key] for mapping in mappings if key in mapping]
            if not levels:
                known = {name for mapping in mappings for name in mapping if type(name) is str}
                known |= set() if depth else config.parser.keys.keys()
                config.warn(f"{text!r} makes a new key{_near(key, known)}")
                break
        if not depth and not levels:
            made.add(keys[0])
    return made


def _mapping(value: Any) -> Any:
    from coolrun.yamlio import Merge

    value = value.value if isinstance(value, Merge) else value
    return value if isinstance(value, dict) else None


def _keys(text: str) -> list[str]:
    return text.lstrip("+").partition("=")[0].split(".")
