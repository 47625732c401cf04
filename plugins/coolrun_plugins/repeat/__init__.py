"""Copies: `Global.repeat` passes over the whole file, and `Repeat` copies of one experiment.

Copies of one experiment share `RND_IDX` and differ in `REP`; each pass draws anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser


COUNT = {"type": "integer", "minimum": 0, "maximum": 10**12}


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        "Repeat",
        type="whole number",
        default=1,
        help="how many copies to run",
        schema=COUNT,
        computed=False,
    )
    parser.add_key("RND_IDX", type="whole number", help="identifies an experiment; drawn if unset")
    parser.add_setting(
        "repeat",
        type=count,
        default=1,
        help="how often the whole list is run (1 2 1 2)",
        schema=COUNT,
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    from coolrun_plugins.repeat.copies import Copier

    config.pluginmanager.register(Copier(), "repeat-copier")


def count(value: object) -> int:
    """A number of copies; raises ValueError for what is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("expected a whole number")
    if value < 0:
        raise ValueError("must not be negative")
    if value > 10**12:
        raise ValueError("is more than any session can run")
    return value
