"""`+key=value` and `++key=value` from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, Place, Source, UsageError
from coolrun_plugins.definition.names import SETTINGS, blocked, keys_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coolrun import Config

DEPTH = 50


class Overridden(Source):
    """A definition; what the command line changes in it was written there."""

    def __init__(self, path: str, data: bytes, overrides: Sequence[str]) -> None:
        super().__init__(path, data)
        written = {(tuple(keys_of(text)), text.startswith("++")): text for text in overrides}
        object.__setattr__(self, "_overrides", written)

    def place(self, document: int, path: tuple[object, ...] = ()) -> Place:
        for (keys, forces), text in self._overrides.items():  # type: ignore[attr-defined]
            if path[: len(keys)] == keys and (forces or document == 0):
                return Place(text if len(text) <= 60 else f"{text[:57]}...")
        return super().place(document, path)


def override(
    defaults: dict[str, Any],
    settings: dict[str, Any],
    assignments: Sequence[tuple[list[str], Any, bool]],
) -> list[tuple[list[str], Any]]:
    """Apply `+key=value` to the defaults; return what `++key=value` forces on experiments."""
    forced: list[tuple[list[str], Any]] = []
    for keys, value, forces in assignments:
        if keys[0] == SETTINGS:
            put(settings, keys[1:], value)
            continue
        put(defaults, keys, value)
        if forces:
            forced.append((keys, value))
    return forced


def read_assignment(text: str, config: Config) -> tuple[list[str], Any, bool]:
    """The keys, the value and whether it is forced, of one `+key=value`."""
    equals, written = text.partition("=")[1:]
    plus = len(text) - len(text.lstrip("+"))
    keys = keys_of(text)
    if not equals or plus > 2 or not all(keys):
        raise UsageError(f"cannot read {text!r}", cure="write +key=value, or +key.sub=value")
    if keys == [SETTINGS]:
        raise UsageError(f"{text!r} would replace all settings", cure="+Global.name=value")
    if len(keys) > DEPTH:
        raise UsageError(f"{text[:60]!r} reaches more than {DEPTH} levels deep")
    for key in keys:
        if key.startswith("__") or key.endswith("__"):
            raise UsageError(f"{text!r}: a key may not begin or end with '__'")
    return keys, _value(written, text, config), plus == 2


def _value(written: str, text: str, config: Config) -> Any:
    from coolrun.yamlio import read

    words = (*config.parser.words, *blocked(config).words)
    try:
        documents = list(read(written.encode(), path="command line", words=words))
    except DefinitionError as error:
        raise UsageError(f"cannot read {text!r}: {error.message}", cure=error.cure) from error
    except UnicodeEncodeError as error:
        raise UsageError(f"cannot read {text!r}: it is not UTF-8") from error
    if len(documents) > 1:
        raise UsageError(f"cannot read {text!r}: `---` has no meaning here")
    return documents[0].value if documents else None


def put(mapping: dict[Any, Any], keys: Sequence[str], value: Any) -> None:
    """Set what a dotted path names, and nothing beside it; mappings on the way are copied."""
    for key in keys[:-1]:
        inner = mapping.get(key)
        mapping[key] = dict(inner) if isinstance(inner, dict) else {}
        mapping = mapping[key]
    mapping[keys[-1]] = value
