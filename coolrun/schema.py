"""A JSON Schema of definitions, made of what plugins declare; editors complete and check by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coolrun.errors import PluginError

if TYPE_CHECKING:
    from coolrun.declarations import Key, Parser, Setting

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def document_schema(parser: Parser) -> dict[str, Any]:
    """The schema of every document of a definition.

    What no plugin declares is a parameter, about which nothing is known.
    """
    names = "|".join(parser.words)
    expression = {
        "type": "string",
        "pattern": rf"^({names})\s+\S",
        "description": "; ".join(f"{word.name}: {word.help}" for word in parser.words.values()),
    }
    # This is what an editor sees of a tag that stands alone.
    nothing = {"type": "string", "maxLength": 0}
    return {
        "$schema": DRAFT,
        "title": "coolrun definition",
        "description": "the default config, or an experiment",
        "type": ["object", "null"],
        "properties": {key.name: _key(key, parser) for key in parser.keys.values()},
        "additionalProperties": True,
        "$defs": {"nothing": nothing, **({"expression": expression} if names else {})},
    }


def settings_schema(parser: Parser) -> dict[str, Any]:
    """The schema of the settings of the runner; there are no others."""
    return {
        "type": ["object", "null"],
        "properties": {name: _setting(setting) for name, setting in parser.settings.items()},
        "additionalProperties": False,
    }


def _key(key: Key, parser: Parser) -> dict[str, Any]:
    made: dict[str, Any] = {"description": f"{key.help} ({key.type})"}
    if key.default is not None:
        made["default"] = key.default
    known = _written(key)
    special = [
        {"const": value.value, "description": value.help}
        for value in parser.values
        if value.key == key.name
    ]
    if known and key.computed and parser.words:
        special.append({"$ref": "#/$defs/expression"})
    if known:
        special.append({"$ref": "#/$defs/nothing"})
    return {**made, "anyOf": [known, *special]} if special else made


def _setting(setting: Setting) -> dict[str, Any]:
    default = setting.default
    if isinstance(default, tuple):
        default = [*default]
    return {"description": setting.help, "default": default, **_written(setting)}


def _written(declared: Key | Setting) -> dict[str, Any]:
    """The schema that a plugin gives.

    Raises:
        PluginError: it fails to do so.
    """
    schema = declared.schema
    try:
        return dict(schema() if callable(schema) else schema or {})
    except Exception as error:
        raise PluginError(
            f"plugin {declared.plugin!r} gives no schema of {declared.name!r}: "
            f"{type(error).__name__}: {error}",
            cure=f"leave it out: -p no:{declared.plugin}",
        ) from error
