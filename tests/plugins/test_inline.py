"""Runs in the runner's own process."""

from __future__ import annotations

from coolrun.config import Config
from coolrun.protocols import Launcher
from coolrun.testing import Project
from coolrun.testing.launchers import LauncherSuite
from coolrun_plugins.inline import InlineLauncher


class TestInlineLauncher(LauncherSuite):
    parallel = False

    def make(self, config: Config) -> Launcher:
        return InlineLauncher(config)


def test_a_ctrl_c_in_the_work_interrupts_the_run_and_gives_time_for_a_second(
    project: Project,
) -> None:
    project(
        {
            "m.py": """
                import signal

                def main(exp):
                    signal.raise_signal(signal.SIGINT)

                def other(exp):
                    exp.DONE = True
            """,
            "experiment.yaml": "Module: m\n---\n{}\n---\nModule: m:other\n",
        }
    )
    outcome = project.run("--in-process")
    assert [record["STATUS"] for record in outcome.records] == ["interrupted", "done"]
    assert "press Ctrl-C again within 2 seconds" in outcome.err
