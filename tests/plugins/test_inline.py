"""Runs in the runner's own process."""

from __future__ import annotations

from coolrun.config import Config
from coolrun.protocols import Launcher
from coolrun.testing.launchers import LauncherSuite
from coolrun_plugins.inline import InlineLauncher


class TestInlineLauncher(LauncherSuite):
    parallel = False

    def make(self, config: Config) -> Launcher:
        return InlineLauncher(config)
