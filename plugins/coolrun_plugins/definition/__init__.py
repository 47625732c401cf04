"""Reads definition files: the first document is the default config, each later one an experiment.

`Global:` in the first document holds the runner's settings; `+key=value` on the command line
changes the default config, `++key=value` every experiment as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coolrun import hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from coolrun import Config, Definition, Parser, Plan


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key("Name", type="text", help="what the experiment is called (default: the file's)")
    parser.add_key(
        "Global",
        type="mapping",
        help="settings of the runner; first document only",
        schema=lambda: _settings(parser),
        computed=False,
    )
    parser.add_setting(
        "merge",
        type=_merge_kind,
        default="replace",
        help="`deep`: an experiment's mappings are merged into the default's",
        schema={"enum": ["replace", "deep"]},
    )


def _settings(parser: Parser) -> Mapping[str, Any]:
    from coolrun.schema import settings_schema

    return settings_schema(parser)


def _merge_kind(value: object) -> object:
    if value not in ("replace", "deep"):
        raise ValueError("expected 'replace' or 'deep'")
    return value


@hookimpl(trylast=True)
def coolrun_read(path: Path, config: Config) -> Definition:
    from coolrun_plugins.definition.reading import read

    return read(path, config)


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    from coolrun_plugins.definition.names import refuse_blocked_values

    refuse_blocked_values(plan, config)
