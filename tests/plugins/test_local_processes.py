"""Where runs are forked from: preloading, fresh interpreters, the deaths of keeper and runner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from coolrun.errors import CoolrunError
from coolrun.experiment import Experiment, Source
from coolrun.results import read_results
from coolrun.run import Run
from coolrun.testing import Project
from coolrun.testing.launchers import Bench, make_bench, output_of
from coolrun.testing.waiting import wait_for
from coolrun_plugins.local.launcher import LocalLauncher

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
    import os, random, sys
    AT_IMPORT = os.getpid()
    VERSION = 1

    def main(exp):
        exp.AT_IMPORT = AT_IMPORT
        exp.PID = os.getpid()
        exp.VERSION = VERSION
        exp.NUMBER = random.random()
        exp.FRESH = "--own" in sys.argv and "pytest" not in sys.modules
        exp.THREADS = os.environ.get("OMP_NUM_THREADS")
        exp.ARGUMENTS = sys.argv[1:]
        exp.FIRST = sys.path[0]
        print("printed", exp.a)
"""


def work(exp: Any) -> None:
    exp["PARENT"] = os.getppid()
    if "wait" in exp:
        exp["READY"] = True
        wait_for(lambda: os.path.exists(exp["wait"]))
    if "signal" in exp:
        os.kill(os.getpid(), exp["signal"])
    exp["DONE"] = True


Make = Callable[..., Bench]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a bench in a project with a module `work_of_a_run`; settings as keywords."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "work_of_a_run.py").write_text(textwrap.dedent(MODULE))
    (tmp_path / "runs").mkdir()
    benches: list[Bench] = []

    def make(**settings: Any) -> Bench:
        bench = make_bench(tmp_path / "runs", [work], ["--own", "1"], **settings)
        launcher = bench.launcher = LocalLauncher(bench.config)
        benches.append(bench)
        launcher.coolrun_check()
        return bench

    yield make
    for bench in benches:
        bench.launcher.close()
        bench.config.close()


def module_run(bench: Bench, **changes: Any) -> Run:
    """A run of the project's module, in any interpreter."""
    run = bench.run(0, {"Module": "work_of_a_run", "a": 1}, **changes)
    del run.experiment.own["_work"]
    run.experiment.settle(dict(run.experiment.own))
    return run


def has_set(run: Run, key: str) -> bool:
    return is_written(run.results, key)


def is_written(file: Path, key: str) -> bool:
    return file.exists() and f'"{key}"' in file.read_text()


# Preloading


def test_a_preloaded_module_is_imported_once_for_all_runs(make: Make) -> None:
    bench = make(preload=("work_of_a_run",))
    runs = [module_run(bench) for _ in range(3)]
    bench.submit(*runs)
    exits = bench.wait(*runs)
    assert [exited.failure for exited in exits] == [None] * 3
    assert len({exited.results["AT_IMPORT"] for exited in exits}) == 1
    assert len({exited.results["PID"] for exited in exits}) == 3
    assert len({exited.results["NUMBER"] for exited in exits}) == 3


def test_without_preloading_every_run_imports_for_itself(make: Make) -> None:
    bench = make()
    run = module_run(bench)
    bench.submit(run)
    results = bench.wait(run)[0].results
    assert results["AT_IMPORT"] == results["PID"]


def test_numpy_draws_other_numbers_in_every_run(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    (tmp_path / "work_of_a_run.py").write_text(
        "import numpy\ndef main(exp):\n    exp.NUMBER = float(numpy.random.rand())\n"
    )
    bench = make(preload=("work_of_a_run",))
    runs = [module_run(bench) for _ in range(3)]
    bench.submit(*runs)
    assert len({exited.results["NUMBER"] for exited in bench.wait(*runs)}) == 3


def test_a_preload_that_fails_is_an_error_before_the_first_run(make: Make, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_library\n")
    with pytest.raises(CoolrunError, match=r"cannot preload 'broken': ModuleNotFoundError"):
        make(preload=("work_of_a_run", "broken"))
    assert psutil.Process().children() == []


def test_a_preload_that_ends_the_process_is_an_error(make: Make, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import os\nos._exit(3)\n")
    with pytest.raises(CoolrunError, match=r"gone before it could start any \(exit code 3\)"):
        make(preload=("broken",))


def test_code_that_changed_since_it_was_preloaded_is_not_used(make: Make, tmp_path: Path) -> None:
    bench = make(preload=("work_of_a_run",))
    first = module_run(bench)
    bench.submit(first)
    assert bench.wait(first)[0].results["VERSION"] == 1
    file = tmp_path / "work_of_a_run.py"
    file.write_text(file.read_text().replace("VERSION = 1", "VERSION = 2"))
    second = module_run(bench)
    bench.submit(second)
    exited = bench.wait(second)[0]
    assert (exited.failure, exited.results["VERSION"]) == (None, 2)
    assert "'work_of_a_run.py' has changed since it was preloaded" in exited.warnings[0]


def test_threads_of_a_preloaded_module_make_every_run_start_fresh(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "threaded.py").write_text(
        "import signal, threading\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    bench = make(preload=("threaded",))
    run = module_run(bench)
    bench.submit(run)
    exited = bench.wait(run)[0]
    assert (exited.failure, exited.results["FRESH"]) == (None, True)
    told = capsys.readouterr().err + "".join(bench.config.pluginmanager.notices)
    assert "has started threads" in told


def test_a_run_elsewhere_finds_its_own_code(make: Make, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "work_of_a_run.py").write_text("def main(exp):\n    exp.ELSEWHERE = True\n")
    bench = make(preload=("work_of_a_run",))
    run = module_run(bench, cwd=elsewhere)
    bench.submit(run)
    exited = bench.wait(run)[0]
    assert (exited.failure, exited.results) == (None, {"ELSEWHERE": True})


# Fresh interpreters


def test_spawn_gives_every_run_an_interpreter_of_its_own(make: Make, tmp_path: Path) -> None:
    bench = make(isolate="spawn")
    run = module_run(bench, environment={"LEASE": "x"})
    bench.submit(run)
    exited = bench.wait(run)[0]
    assert exited.failure is None, output_of(run)
    assert exited.results["FRESH"] is True
    assert exited.results["ARGUMENTS"] == ["--own", "1"]
    assert exited.results["FIRST"] == str(tmp_path)
    assert output_of(run) == "printed 1\n"


def test_a_variable_that_comes_too_late_for_a_fork_is_in_time(make: Make) -> None:
    bench = make(preload=("work_of_a_run",))
    run = module_run(bench, environment={"OMP_NUM_THREADS": "3"})
    other = module_run(bench, environment={"UNRELATED": "3"})
    bench.submit(run, other)
    exits = bench.wait(run, other)
    assert [exited.results["FRESH"] for exited in exits] == [True, False]
    assert exits[0].results["THREADS"] == "3"


def test_the_text_of_the_definition_reaches_the_run(make: Make, tmp_path: Path) -> None:
    (tmp_path / "work_of_a_run.py").write_text("def main(exp):\n    pass\n")
    source = Source("experiment.yaml", b"Run: solve 1 +\n")
    for isolate in ("fork", "spawn"):
        bench = make(isolate=isolate)
        bench.folder = tmp_path / isolate
        bench.folder.mkdir()
        run = module_run(bench)
        run.experiment.source = source
        run.experiment.own["Module"] = "work_of_a_run:no_such_function"
        run.experiment.settle(dict(run.experiment.own))
        bench.submit(run)
        assert "experiment.yaml:1" in str(bench.wait(run)[0].failure)
        assert run.experiment.source is source


# Deaths


def keeper_of(bench: Bench) -> int:
    return int(bench.do(0).results["PARENT"])


def test_runs_survive_the_death_of_the_keeper(make: Make, tmp_path: Path) -> None:
    bench = make()
    keeper = keeper_of(bench)
    number = bench.launcher.fileno()
    runs = [bench.run(0, {"wait": str(tmp_path / "go"), **more}) for more in ({}, {"signal": 9})]
    bench.submit(*runs)
    for run in runs:
        wait_for(partial(has_set, run, "READY"))
    os.kill(keeper, signal.SIGKILL)
    assert keeper_of(bench) != keeper
    (tmp_path / "go").touch()
    good, bad = bench.wait(*runs)
    assert (good.failure, good.results["DONE"]) == (None, True)
    assert bad.failure == "it ended while nobody watched over it"
    assert bad.results["READY"] is True
    assert bench.launcher.fileno() == number


def test_what_survived_its_keeper_can_be_cancelled(make: Make, tmp_path: Path) -> None:
    bench = make()
    keeper = keeper_of(bench)
    run = bench.run(0, {"wait": str(tmp_path / "never")})
    bench.submit(run)
    wait_for(partial(has_set, run, "READY"))
    os.kill(keeper, signal.SIGKILL)
    assert keeper_of(bench) != keeper
    bench.launcher.cancel([run.token], grace=30)
    assert bench.wait(run)[0].failure == "KeyboardInterrupt"


def test_an_exit_that_was_written_is_believed_when_the_keeper_has_died(make: Make) -> None:
    bench = make()
    keeper = keeper_of(bench)
    os.kill(keeper, signal.SIGSTOP)
    run = bench.run(0)
    bench.submit(run)
    os.kill(keeper, signal.SIGCONT)
    wait_for(lambda: has_set(run, "exit"))
    os.kill(keeper, signal.SIGKILL)
    assert bench.wait(run)[0].results["DONE"] is True


def test_a_keeper_that_does_not_answer_is_replaced(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coolrun_plugins.local.launcher.PATIENCE", 0.1)
    bench = make()
    keeper = keeper_of(bench)
    os.kill(keeper, signal.SIGSTOP)
    run = bench.run(0, {"text": "x" * 10_000_000})
    bench.submit(run)
    exited = bench.wait(run)[0]
    assert exited.failure is None
    assert exited.results["PARENT"] != keeper


def test_a_run_that_cannot_be_found_when_its_keeper_dies_is_lost(
    make: Make, tmp_path: Path
) -> None:
    bench = make()
    keeper = keeper_of(bench)
    run = bench.run(0, {"wait": str(tmp_path / "never")})
    bench.submit(run)
    wait_for(partial(has_set, run, "READY"))
    (process,) = psutil.Process(keeper).children()
    os.kill(keeper, signal.SIGKILL)
    process.kill()
    exited = bench.wait(run)[0]
    assert exited.failure in {
        "the process that keeps the runs has gone (killed by signal 9 (SIGKILL))",
        "it ended while nobody watched over it",
    }
    assert exited.lost
    assert exited.results["READY"] is True


def test_a_run_that_another_process_does_is_taken_over(make: Make, tmp_path: Path) -> None:
    """A keeper that dies just after a fork: the run is submitted again, and one process does it."""
    bench, other = make(), make()
    run = other.run(0, {"wait": str(tmp_path / "go")})
    other.submit(run)
    wait_for(partial(has_set, run, "READY"))
    later = other.run(0)
    bench.submit(run)
    bench.submit(later)
    bench.wait(later)
    assert run.token not in bench.exits
    (tmp_path / "go").touch()
    for each in (bench, other):
        (exited,) = each.wait(run)
        assert (exited.failure, exited.results["DONE"]) == (None, True)


def test_a_run_that_was_given_up_never_begins(make: Make) -> None:
    bench = make()
    run = bench.run(0)
    assert list(bench.launcher.attach([run])) == []
    bench.submit(run)
    (exited,) = bench.wait(run)
    assert exited.failure is not None
    assert not exited.results


RUNNER = """
    import os, signal, sys
    from pathlib import Path
    from coolrun.testing.launchers import make_bench
    from coolrun.testing.waiting import wait_for
    from coolrun_plugins.local.launcher import LocalLauncher

    def work(exp):
        exp["READY"] = os.getppid()
        wait_for(lambda: os.path.exists(exp["wait"]))
        exp["DONE"] = True
        if "signal" in exp:
            os.kill(os.getpid(), exp["signal"])
        if "code" in exp:
            os._exit(exp["code"])

    bench = make_bench(Path("runs"), [work])
    bench.launcher = LocalLauncher(bench.config)
    runs = [bench.run(0, {"wait": "go", **more}) for more in ({}, {"signal": 9}, {"code": 0})]
    bench.submit(*runs)
    print(*[run.token for run in runs], flush=True)
    signal.pause()
"""


def test_runs_survive_the_death_of_the_runner_and_their_exits_are_kept(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUNNER)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    tokens = process.stdout.readline().split()
    files = [tmp_path / "runs" / f"{n:04}" / "results.jsonl" for n in range(3)]
    for file in files:
        wait_for(partial(is_written, file, "READY"))
    keeper = psutil.Process(read_results(files[0], tokens[0]).results["READY"])
    process.kill()
    process.wait()
    assert process.stdout.read() == ""
    process.stdout.close()
    (tmp_path / "go").touch()
    wait_for(lambda: not keeper.is_running())
    exits = [read_results(*each).exit for each in zip(files, tokens, strict=True)]
    assert [exited and exited.failure for exited in exits] == [
        None,
        "killed by signal 9 (SIGKILL)",
        None,
    ]
    assert all(exited and exited.results["DONE"] for exited in exits)


def test_closing_ends_the_keeper(make: Make, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "runs", [work])
    bench.launcher = LocalLauncher(bench.config)
    keeper = psutil.Process(keeper_of(bench))
    bench.launcher.close()
    bench.config.close()
    assert not keeper.is_running()


def test_the_keeper_holds_nothing_of_the_runner(make: Make, tmp_path: Path) -> None:
    held = (tmp_path / "lock").open("w")
    bench = make()
    keeper = psutil.Process(keeper_of(bench))
    with held:
        assert keeper.open_files() == []
    assert os.getsid(keeper.pid) == keeper.pid
    assert keeper.cwd() == str(tmp_path)


def test_another_runner_takes_over_what_still_runs(make: Make, tmp_path: Path) -> None:
    first, second = make(), make()
    runs = [first.run(0, {"wait": str(tmp_path / "go"), **more}) for more in ({}, {"signal": 9})]
    first.submit(*runs)
    over = first.run(0)
    first.submit(over)
    first.wait(over)
    for run in runs:
        wait_for(partial(has_set, run, "READY"))
    never = first.run(0)
    assert second.launcher.attach([*runs, over, never]) == runs
    (tmp_path / "go").touch()
    good, bad = second.wait(*runs)
    assert (good.failure, good.results["DONE"]) == (None, True)
    assert bad.failure == "killed by signal 9 (SIGKILL)"
    first.wait(*runs)


# What a run cannot do


def test_a_folder_that_cannot_be_written_is_told_in_words(make: Make) -> None:
    bench = make()
    run = bench.run(0)
    run.folder.rmdir()
    run.folder.write_text("a file")
    bench.submit(run)
    assert bench.wait(run)[0].failure == f"cannot write in {str(run.folder)!r}: Not a directory"


def test_a_folder_that_is_not_there_is_made(make: Make) -> None:
    bench = make()
    run = bench.run(0)
    run.folder.rmdir()
    bench.submit(run)
    assert bench.wait(run)[0].ok


def test_a_runner_with_threads_can_replace_its_keeper(make: Make) -> None:
    bench = make()
    keeper = keeper_of(bench)
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    try:
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: bench.launcher.poll() == [] and not psutil.pid_exists(keeper))
        run = module_run(bench)
        bench.submit(run)
        assert bench.wait(run)[0].ok
    finally:
        event.set()
        thread.join()


def test_experiments_stay_as_they_are_when_they_are_submitted(make: Make) -> None:
    bench = make()
    source = Source("a.yaml", b"x: 1\n")
    run = bench.run(0)
    run.experiment.source = source
    before = dict(run.experiment)
    bench.submit(run)
    bench.wait(run)
    assert dict(run.experiment) == before
    assert isinstance(run.experiment, Experiment)
    assert run.experiment.source is source


SLOW_FORK = "import os, time\nos.register_at_fork(before=lambda: time.sleep(1.5))\n"
LONG = """
    import os, time

    def main(exp):
        with open("ran", "a") as file:
            file.write(f"{os.environ['COOLRUN_ATTEMPT']}\\n")
        time.sleep(3)
"""


def test_a_keeper_that_has_not_forked_yet_is_no_run(project: Project) -> None:
    files = {"slowfork.py": SLOW_FORK, "study.py": LONG}
    definition = "Module: study\nYamlLog: log.yaml\nGlobal: {preload: [slowfork]}\n---\n{}\n"
    project({**files, "experiment.yaml": definition})
    command, environment, _ = project.command()
    with subprocess.Popen(
        command, cwd=project.path, env=environment, stdout=subprocess.DEVNULL
    ) as runner:
        journals = project.path / ".coolrun" / "sessions"
        wait_for(lambda: any('"start"' in j.read_text() for j in journals.glob("*/journal.jsonl")))
        runner.kill()
        runner.wait()
    outcome = project.run("--resume")
    assert outcome.code == 0, outcome
    ran = (project.path / "ran").read_text().split()
    assert ran in (["1"], ["2"]), "one process has done it, whichever that was"
