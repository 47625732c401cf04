"""Names in a definition that are nearly right, or that belong to a plugin which is not there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, Marked
from coolrun.experiment import RECORD_KEYS

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Parser, Place, Plan, Source
    from coolrun_plugins.definition.told import Told

PACKAGE = "coolrun_plugins"
SETTINGS = "Global"
_ABSENT = object()


def refuse_blocked_values(plan: Plan, config: Config) -> None:
    """A value whose plugin is blocked would silently mean nothing."""
    for special in blocked(config).values:
        for experiment in plan.experiments:
            if experiment.get(special.key, _ABSENT) == special.value:
                error = DefinitionError(
                    f"the value {special.value!r} belongs to the plugin {special.plugin!r}, "
                    "which is blocked",
                    cure=f"do without `-p no:{special.plugin}`",
                )
                raise experiment.blame(error, (special.key,))


def check_settings(settings: Mapping[str, Any], source: Source, config: Config, tell: Told) -> None:
    given = {keys_of(text)[1] for text in config.overrides if keys_of(text)[0] == SETTINGS}

    def place(name: str) -> Place | None:
        return None if name in given else source.place(0, (SETTINGS, name))

    for name, value in settings.items():
        if config.declares_setting(name):
            try:
                _check_setting(name, value, config)
            except DefinitionError as error:
                raise error.at(place=place(name), key=f"{SETTINGS}.{name}") from error
            continue
        owner = blocked(config).settings.get(name)
        if owner is not None:
            raise DefinitionError(
                f"{SETTINGS}.{name} belongs to the plugin {owner.plugin!r}, which is blocked",
                cure=f"remove the setting, or do without `-p no:{owner.plugin}`",
                place=place(name),
            )
        near = "" if tell.enough else _near(name, config.parser.settings, cutoff=0.5)
        tell(f"{SETTINGS}.{name} is no setting of coolrun{near}")
        _name_left_out(f"{SETTINGS}.{name}", config, tell)


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


def check_keys(
    defaults: Mapping[str, Any],
    experiments: list[Experiment],
    new: set[str],
    config: Config,
    tell: Told,
) -> None:
    written = {key for experiment in experiments for key in experiment.own} | set(defaults)
    for key in sorted(written & set(RECORD_KEYS)):
        tell(f"key {key!r} is written by coolrun into every record; yours is left out")
    for key in sorted(key for key in written if "." in key):
        head, _, rest = key.partition(".")
        if any(_mapping(one.get(head)) is not None for one in (defaults, *experiments)):
            inner = f"{{{rest.replace('.', ': {')}: ...{'}' * (rest.count('.') + 1)}"
            tell(
                f"key {key!r} changes nothing in {head!r}: it is a key of its own; "
                f"did you mean {head}: !merge {inner}?"
            )
    strange = [k for k in sorted(written) if _is_ours(k) and not config.declares_key(k)]
    if strange:
        _judge(strange, new, experiments, config, tell)


def check_words(experiments: list[Experiment], config: Config) -> None:
    """A word whose plugin is blocked would silently be text."""
    theirs = blocked(config).words
    for experiment in experiments if theirs else ():
        for key, value in experiment.items():
            for marked in marked_in(value):
                if marked.word in theirs:
                    error = DefinitionError(
                        f"{marked.word!r} belongs to a plugin that is blocked",
                        cure=f"do without `-p no:{theirs[marked.word].plugin}`",
                    )
                    raise experiment.blame(error, (key,))


def marked_in(value: Any) -> Iterator[Marked]:
    """The expressions in a value, at any depth."""
    if isinstance(value, Marked):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from marked_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from marked_in(item)


def _is_ours(key: str) -> bool:
    return key[:1].isupper() and not key.isupper()


def _judge(
    strange: list[str],
    new: set[str],
    experiments: list[Experiment],
    config: Config,
    tell: Told,
) -> None:
    theirs = blocked(config).keys
    for key in strange:
        if key in theirs:
            owner = theirs[key].plugin
            error = DefinitionError(
                f"the key {key!r} belongs to the plugin {owner!r}, which is blocked",
                cure=f"remove the key, or do without `-p no:{owner}`",
            )
            for experiment in experiments:
                if key in experiment:
                    raise experiment.blame(error, (key,))
            raise error
        if tell.enough:
            tell(key)
            return
        near = _near(key, config.parser.keys)
        if near and key not in new:
            tell(f"key {key!r} is unknown to coolrun{near}")
        _name_left_out(f"key {key!r}", config, tell)


def _name_left_out(what: str, config: Config, tell: Told) -> None:
    for info in config.pluginmanager.infos.values():
        if info.state == "failed":
            tell(f"{what} may belong to plugin {info.label}, which was not loaded")
        elif info.state == "blocked" and info.origin != "built-in":
            tell(f"{what} may belong to plugin {info.label}, which is blocked")


def blocked(config: Config) -> Parser:
    return config.pluginmanager.declared_by_blocked(PACKAGE)


def _near(name: str, known: Collection[str], *, cutoff: float = 0.75) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


def warn_about_new(documents: Sequence[dict[str, Any]], config: Config) -> set[str]:
    """Tell of overrides that make new keys, as typing errors do; return those of the top level."""
    made: set[str] = set()
    for text in config.overrides:
        keys = keys_of(text)
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


def warn_about_bare(documents: Sequence[dict[str, Any]], config: Config) -> None:
    """Tell of arguments that would be overrides if a plus sign stood before them."""
    for word in config.strange_arguments:
        key = keys_of(word)[0]
        if "=" not in word or word.startswith("-"):
            continue
        if key == SETTINGS or config.declares_key(key) or any(key in one for one in documents):
            config.warn(f"{word!r} changes no parameter; did you mean +{word}?")


def _mapping(value: Any) -> Any:
    from coolrun.yamlio import Merge

    value = value.value if isinstance(value, Merge) else value
    return value if isinstance(value, dict) else None


def keys_of(text: str) -> list[str]:
    return text.lstrip("+").partition("=")[0].split(".")
