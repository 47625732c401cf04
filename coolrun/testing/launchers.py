"""The contract of a launcher, as tests that every launcher passes.

Inherit it in a test module, and say how to make yours:

    class TestMyLauncher(LauncherSuite):
        def make(self, config):
            return MyLauncher(config)

Its runs are functions of this module, which the plugin `coolrun.testing.works` calls: a launcher
whose runs have interpreters of their own hands them the command line that it was made with.
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from coolrun.cli import configure
from coolrun.experiment import Experiment
from coolrun.hookspecs import hookimpl
from coolrun.run import Exit, Run
from coolrun.testing.waiting import PATIENCE, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun.config import Config
    from coolrun.protocols import Launcher

Work = Callable[[Any], object]
WORKS = "coolrun.testing.works"


class _Works:
    """A plugin that calls Python functions by their number: `_work: 3`."""

    def __init__(self) -> None:
        self.functions: list[Work] = []

    def name_of(self, work: Work | int) -> int | str:
        """By its own name if another interpreter can find it, else by its number."""
        if isinstance(work, int):
            return work
        number = self.functions.index(work)
        return work.__name__ if work.__module__ == __name__ else number

    @hookimpl(tryfirst=True)
    def coolrun_execute(
        self, experiment: Experiment, parameters: Any
    ) -> Callable[[], object] | None:
        work = experiment.get("_work")
        return partial(self.functions[work], parameters) if isinstance(work, int) else None


@dataclass
class Bench:
    """A launcher, runs for it, and their exits.

    Functions that are to run have to be there when the launcher is made: those are `works`.
    """

    config: Config
    folder: Path
    works: _Works
    launcher: Launcher = field(init=False)
    exits: dict[str, Exit] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, work: Work | int, values: Mapping[str, Any] | None = None, **changes: Any) -> Run:
        """A run of a function that the launcher was made with."""
        own = {"_work": self.works.name_of(work), **(values or {})}
        position = next(self._numbers)
        experiment = Experiment(own, position=position)
        folder = self.folder / f"{position:04}"
        folder.mkdir()
        token = secrets.token_hex(8)
        return Run("session", experiment, 1, token, folder, **changes)

    def submit(self, *runs: Run) -> None:
        self.launcher.submit(runs)

    def wait(self, *runs: Run, within: float = PATIENCE) -> list[Exit]:
        """The exits of these runs, once all of them are told."""
        wanted = {run.token for run in runs}

        def told() -> bool:
            return wanted <= self.exits.keys() or self._listen(0.05)

        def missing() -> str:
            outputs = [output_of(run) for run in runs if run.token not in self.exits]
            return f"no exit from {len(outputs)} runs, which printed {outputs}"

        wait_for(lambda: told() and wanted <= self.exits.keys(), within=within, diagnosis=missing)
        return [self.exits[run.token] for run in runs]

    def do(self, work: Work | int, values: Mapping[str, Any] | None = None, **changes: Any) -> Exit:
        """Submit one run and wait for its end."""
        run = self.run(work, values, **changes)
        self.submit(run)
        return self.wait(run)[0]

    def _listen(self, seconds: float) -> bool:
        readable, _, _ = select.select([self.launcher], [], [], seconds)
        if not readable:
            return False
        for exited in self.launcher.poll():
            assert exited.token not in self.exits, f"told twice: {exited}"
            self.exits[exited.token] = exited
        return True


def output_of(run: Run) -> str:
    """What a run printed so far."""
    if not run.output.exists():
        return ""
    return run.output.read_text(encoding="utf-8", errors="backslashreplace")


def make_bench(
    folder: Path, functions: Sequence[Work], argv: Sequence[str] = (), **settings: Any
) -> Bench:
    """A bench in a folder; its `launcher` is still to be made.

    Args:
        folder: an empty folder for runs.
        functions: what runs can do.
        argv: the command line.
        settings: values of settings that differ from their defaults.
    """
    import dataclasses

    config = configure(argv)
    for name, value in settings.items():
        declared = config.parser.settings[name]
        config.parser.settings[name] = dataclasses.replace(declared, default=value)
    works = _Works()
    works.functions = list(functions)
    config.pluginmanager.register(works, "works of the bench")
    return Bench(config, folder, works)


# What the runs of the suite do


def _set_two(exp: Any) -> None:
    exp["A"] = exp["a"] + 1
    exp["B"] = {"nested": [1, 2.5, None]}


def _fail(exp: Any) -> None:
    exp["BEFORE"] = 1
    raise ValueError("this went wrong")


def _exit_with(exp: Any) -> None:
    raise SystemExit(exp["code"])


def _show_surroundings(exp: Any) -> None:
    import sys

    exp["ENVIRONMENT"] = {
        k: v for k, v in os.environ.items() if k.startswith(("COOLRUN_", "LEASE"))
    }
    exp["ARGUMENTS"] = sys.argv[1:]
    exp["CWD"] = os.getcwd()
    exp["FIRST"] = sys.path[0]


def _interrupted(exp: Any) -> None:
    raise KeyboardInterrupt


def _wait_for_file(exp: Any) -> None:
    wait_for(lambda: os.path.exists(exp["path"]))


def _look_for_open_file(exp: Any) -> None:
    wanted = os.stat(exp["path"])
    for number in range(3, 256):
        try:
            if os.path.samestat(os.fstat(number), wanted):
                exp["OPEN"] = True
        except OSError:
            continue  # nothing is open under this number


class LauncherSuite:
    """What `Launcher` promises. Override `make`.

    Attributes:
        parallel: False if runs never overlap.
        takes_over: False if runs do not outlive the launcher that started them.
        inherits: False if runs are on another machine, where no open file can be passed on.
        argv: the command line that runs are to see; `-p` names your plugin if it is not installed.
        settings: values of settings that differ from their defaults.
        batch: how many runs are submitted at once; fewer where each takes long to begin.
    """

    parallel = True
    takes_over = True
    inherits = True
    argv: Sequence[str] = ("--own-argument", "7")
    settings: Mapping[str, Any] = {}
    batch = 30

    def make(self, config: Config) -> Launcher:
        """Make the launcher that is tested."""
        raise NotImplementedError

    @pytest.fixture
    def bench(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
        folder = tmp_path / "runs"
        folder.mkdir()
        monkeypatch.chdir(tmp_path)
        functions = (
            _set_two,
            _fail,
            _exit_with,
            _show_surroundings,
            _interrupted,
            _wait_for_file,
            _look_for_open_file,
        )
        bench = make_bench(folder, functions, ("-p", WORKS, *self.argv), **self.settings)
        bench.launcher = self.make(bench.config)
        yield bench
        bench.launcher.close()
        bench.config.close()

    def test_a_run_gives_its_results(self, bench: Bench) -> None:
        exited = bench.do(_set_two, {"a": 1})
        assert (exited.ok, exited.failure) == (True, None)
        assert exited.results == {"A": 2, "B": {"nested": [1, 2.5, None]}}
        assert exited.elapsed >= 0
        assert exited.started[4] == "-"

    def test_a_failing_run_gives_a_line_of_reason_and_keeps_its_results(self, bench: Bench) -> None:
        exited = bench.do(_fail)
        assert exited.failure == "ValueError: this went wrong"
        assert exited.results == {"BEFORE": 1}

    @pytest.mark.parametrize(
        ("code", "failure"),
        [(None, None), (0, None), (3, "exit code 3"), ("in words", "in words")],
    )
    def test_leaving_early_is_judged_by_the_exit_code(
        self, bench: Bench, code: object, failure: str | None
    ) -> None:
        assert bench.do(_exit_with, {"code": code}).failure == failure

    def test_an_interrupted_run_says_so(self, bench: Bench) -> None:
        assert bench.do(_interrupted).failure == "KeyboardInterrupt"

    def test_a_run_that_no_plugin_takes_fails_in_words(self, bench: Bench) -> None:
        run = bench.run(0)
        del run.experiment.own["_work"]
        run.experiment.own["unknown"] = 1
        run.experiment.settle(dict(run.experiment.own))
        bench.submit(run)
        failure = bench.wait(run)[0].failure
        assert failure is not None
        assert "no plugin knows how to run" in failure

    def test_a_run_finds_its_environment_and_arguments(self, bench: Bench) -> None:
        run = bench.run(_show_surroundings, environment={"LEASE": "x"})
        before = dict(os.environ), os.getcwd()
        bench.submit(run)
        results = bench.wait(run)[0].results
        assert results["ENVIRONMENT"] == {
            "LEASE": "x",
            "COOLRUN_RUN_ID": run.id,
            "COOLRUN_RUN_DIR": str(run.folder),
            "COOLRUN_SESSION": "session",
            "COOLRUN_ATTEMPT": "1",
            "COOLRUN_TOKEN": run.token,
            "COOLRUN_RESUME": "0",
            "COOLRUN_RESULTS": str(run.written),
            "COOLRUN_CWD": str(bench.config.cwd),
        }
        assert results["ARGUMENTS"] == ["--own-argument", "7"]
        assert results["CWD"] == results["FIRST"] == str(bench.config.cwd)
        assert (dict(os.environ), os.getcwd()) == before

    def test_a_run_inherits_the_open_files_of_its_leases_and_no_others(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        if not self.inherits:
            pytest.skip("runs of this launcher inherit nothing")
        (tmp_path / "lock").touch()
        found = []
        with (tmp_path / "lock").open() as lock:
            values = {"path": str(tmp_path / "lock")}
            own = bench.run(_look_for_open_file, values, descriptors=(lock.fileno(),))
            other = bench.run(_look_for_open_file, values)
            bench.submit(own, other)
            found = [exited.results for exited in bench.wait(own, other)]
        assert found[0] == {"OPEN": True}
        if self.parallel:
            assert found[1] == {}

    def test_every_run_of_a_batch_is_told_exactly_once(self, bench: Bench) -> None:
        runs = [bench.run(_set_two, {"a": number}) for number in range(self.batch)]
        bench.submit(*runs)
        exits = bench.wait(*runs)
        assert [exited.results["A"] for exited in exits] == list(range(1, self.batch + 1))
        assert bench.launcher.poll() == []

    def test_poll_never_blocks_and_has_nothing_to_tell_at_first(self, bench: Bench) -> None:
        assert list(bench.launcher.poll()) == []
        assert select.select([bench.launcher], [], [], 0)[0] == []

    def test_unknown_tokens_are_ignored(self, bench: Bench) -> None:
        bench.launcher.cancel(["no such token"], grace=1)
        run = bench.run(_set_two, {"a": 1})
        bench.submit(run)
        bench.wait(run)
        bench.launcher.cancel([run.token], grace=0)
        assert bench.do(_set_two, {"a": 2}).results["A"] == 3

    def test_runs_overlap(self, bench: Bench, tmp_path: Path) -> None:
        if not self.parallel:
            pytest.skip("runs of this launcher never overlap")
        path = tmp_path / "go"
        waiting = bench.run(_wait_for_file, {"path": str(path)})
        other = bench.run(_set_two, {"a": 1})
        bench.submit(waiting, other)
        bench.wait(other)
        path.touch()
        assert bench.wait(waiting)[0].ok

    def test_runs_that_have_ended_or_never_began_are_not_taken_over(self, bench: Bench) -> None:
        ended, never = bench.run(_set_two, {"a": 1}), bench.run(_set_two, {"a": 1})
        bench.submit(ended)
        bench.wait(ended)
        assert list(bench.launcher.attach([ended, never])) == []
        assert list(bench.launcher.poll()) == []

    def test_another_launcher_takes_over_what_runs(self, bench: Bench, tmp_path: Path) -> None:
        if not (self.parallel and self.takes_over):
            pytest.skip("nothing of this launcher runs while another could be asked")
        run = bench.run(_wait_for_file, {"path": str(tmp_path / "go")})
        bench.submit(run)
        wait_for(run.results.exists)
        other = Bench(bench.config, bench.folder, bench.works)
        other.launcher = self.make(bench.config)
        try:
            assert list(other.launcher.attach([run])) == [run]
            (tmp_path / "go").touch()
            assert [exited.failure for exited in other.wait(run)] == [None]
            bench.wait(run)
        finally:
            other.launcher.close()

    @pytest.mark.parametrize(
        # Between the first line of its results and its work nothing says KeyboardInterrupt.
        ("grace", "failure"),
        [(30, "KeyboardInterrupt|SIGINT"), (0, "SIGKILL")],
    )
    def test_a_cancelled_run_ends(
        self, bench: Bench, tmp_path: Path, grace: float, failure: str
    ) -> None:
        if not self.parallel:
            pytest.skip("nothing runs while this launcher could be asked")
        run = bench.run(_wait_for_file, {"path": str(tmp_path / "never")})
        bench.submit(run)
        wait_for(run.results.exists)
        bench.launcher.cancel([run.token], grace=grace)
        assert re.search(failure, str(bench.wait(run)[0].failure))

    @pytest.mark.parametrize("grace", [30, 0])
    def test_a_run_that_is_cancelled_at_once_ends_too(
        self, bench: Bench, tmp_path: Path, grace: float
    ) -> None:
        if not self.parallel:
            pytest.skip("nothing runs while this launcher could be asked")
        run = bench.run(_wait_for_file, {"path": str(tmp_path / "never")})
        bench.submit(run)
        bench.launcher.cancel([run.token], grace=grace)
        assert bench.wait(run)[0].failure is not None
