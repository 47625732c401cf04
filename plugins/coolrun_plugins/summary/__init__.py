"""The list at the end of a session: what ran, with which results, and what one would type next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option(
        "--all",
        action="store_true",
        help="list all runs at the end, not only the last 20",
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    if config.command.runs and not config.option("dry"):
        from coolrun_plugins.summary.closing import Summary

        config.pluginmanager.register(Summary(config), "summary-rows")
