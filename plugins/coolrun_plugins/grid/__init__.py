"""Sweeps: `Grid` and `Zip` make an experiment of every combination of values.

`Sample` draws some of them, `Where` says which make sense. All this comes before copies are made
and before expressions are evaluated.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coolrun import Config, Experiment, Parser

KEYS = ("Grid", "Zip", "Sample", "Where")


_LISTS = {"type": "object", "additionalProperties": {"type": "array", "minItems": 1}}
LISTS = {"anyOf": [_LISTS, {"type": "array", "items": _LISTS, "minItems": 1}, {"type": "null"}]}
COUNT = {"type": ["integer", "null"], "minimum": 0}


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        "Grid",
        type="mapping of lists, or a list of such mappings",
        help="run every combination of these values; the last key varies fastest",
        schema=LISTS,
        computed=False,
    )
    parser.add_key(
        "Zip",
        type="mapping of lists of one length, or a list of such mappings",
        help="run with the first value of each list, then with the second, and so on",
        schema=LISTS,
        computed=False,
    )
    parser.add_key(
        "Sample",
        type="whole number",
        help="run so many combinations, drawn without repetition",
        schema=COUNT,
        computed=False,
    )
    parser.add_key("Seed", type="whole number", help="what Sample draws by; drawn if unset")
    parser.add_key(
        "Where",
        type="expression, or a list of them",
        help="run the combinations that satisfy it",
        schema={"type": ["string", "array", "null"], "items": {"type": "string"}},
        computed=False,
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Expansion(), "grid-expansion")


class Expansion:
    """Expands the sweeps of one definition."""

    def __init__(self) -> None:
        self._seeds: dict[int, int] = {}
        self._unsuitable = count(1)

    @hookimpl
    def coolrun_expand(self, experiment: Experiment, config: Config) -> Iterable[Experiment] | None:
        if not any(key in experiment for key in KEYS):
            return None
        from coolrun_plugins.grid.sweep import Sweep

        return Sweep(experiment, config).experiments(self._seeds, self._unsuitable)
