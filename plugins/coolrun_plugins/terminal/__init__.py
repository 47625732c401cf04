"""What a person sees while a session runs: lines about runs, their output, and the progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config


@hookimpl
def coolrun_configure(config: Config) -> None:
    if config.command.runs:
        from coolrun_plugins.terminal.reporter import Reporter

        reporter = Reporter(config)
        config.pluginmanager.register(reporter, "terminal-reporter")
        config.add_cleanup(reporter.close)
