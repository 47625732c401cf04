"""Runs in processes that a keeper forks, or that are interpreters of their own."""

from __future__ import annotations

from dataclasses import replace

from coolrun.config import Config
from coolrun.protocols import Launcher
from coolrun.testing.launchers import Bench, LauncherSuite, _wait_for_file
from coolrun_plugins.local.launcher import LocalLauncher


class TestLocalLauncher(LauncherSuite):
    def make(self, config: Config) -> Launcher:
        return LocalLauncher(config)

    def test_an_interrupt_waits_until_the_work_begins(self, bench: Bench) -> None:
        run = bench.run(_wait_for_file, {"path": "never"})
        bench.submit(run)
        bench.launcher.cancel([run.token], grace=30)
        assert bench.wait(run)[0].failure == "KeyboardInterrupt"


class TestLocalLauncherOfFreshInterpreters(LauncherSuite):
    batch = 4

    def make(self, config: Config) -> Launcher:
        declared = config.parser.settings["isolate"]
        config.parser.settings["isolate"] = replace(declared, default="spawn")
        return LocalLauncher(config)
