"""Runs in processes that a keeper forks."""

from __future__ import annotations

from coolrun.config import Config
from coolrun.protocols import Launcher
from coolrun.testing.launchers import LauncherSuite
from coolrun_plugins.local.launcher import LocalLauncher


class TestLocalLauncher(LauncherSuite):
    def make(self, config: Config) -> Launcher:
        return LocalLauncher(config)
