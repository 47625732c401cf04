"""Runs in the runner's own process."""

from __future__ import annotations

from pathlib import Path

from coolrun.config import Config
from coolrun.protocols import Launcher
from coolrun.testing import Project
from coolrun.testing.launchers import LauncherSuite, make_bench
from coolrun_plugins.inline import InlineLauncher


class TestInlineLauncher(LauncherSuite):
    parallel = False

    def make(self, config: Config) -> Launcher:
        return InlineLauncher(config)


def test_a_run_that_is_cancelled_before_it_begins_is_not_done(tmp_path: Path) -> None:
    done: list[str] = []
    bench = make_bench(tmp_path, [lambda exp: done.append(exp["x"])])
    bench.launcher = InlineLauncher(bench.config)
    first, second = bench.run(0, {"x": "first"}), bench.run(0, {"x": "second"})
    bench.submit(first, second)
    bench.launcher.cancel([first.token], grace=10)
    failures = [exited.failure for exited in bench.wait(first, second)]
    bench.launcher.close()
    bench.config.close()
    assert failures == ["KeyboardInterrupt", None]
    assert done == ["second"]


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


def test_a_run_is_told_before_what_it_prints(project: Project) -> None:
    text = "Module: m\n---\nName: one\n---\nName: two\n"
    project({"m.py": "def main(exp):\n    print(exp.Name, flush=True)\n", "experiment.yaml": text})
    lines = project.run("--in-process").out.splitlines()
    starts = [" ".join(line.split()[:3]) for line in lines]
    assert starts[:6] == [
        "started 0 one",
        "one",
        "done 0 one",
        "started 1 two",
        "two",
        "done 1 two",
    ]
