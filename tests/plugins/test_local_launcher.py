"""Runs in processes that a keeper forks, or that are interpreters of their own."""

from __future__ import annotations

from dataclasses import replace

from coolrun.config import Config
from coolrun.protocols import Launcher
from coolrun.testing.launchers import LauncherSuite
from coolrun_plugins.local.launcher import LocalLauncher


class TestLocalLauncher(LauncherSuite):
    def make(self, config: Config) -> Launcher:
        return LocalLauncher(config)


class TestLocalLauncherOfFreshInterpreters(LauncherSuite):
    batch = 4

    def make(self, config: Config) -> Launcher:
        declared = config.parser.settings["isolate"]
        config.parser.settings["isolate"] = replace(declared, default="spawn")
        return LocalLauncher(config)
