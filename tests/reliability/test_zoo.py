"""Runs that behave badly: each is recorded as it was, and none hurts the runner or the next run."""

from __future__ import annotations

import atexit
import errno
import faulthandler
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from coolrun.run import Exit, Run
from coolrun.testing.launchers import Bench, Work, make_bench, output_of
from coolrun.testing.waiting import wait_for
from coolrun_plugins.local.launcher import LocalLauncher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs subreapers")

ZOO: list[Work] = []


def animal(work: Work) -> Work:
    """A function that runs can name; all have to be known before the keeper is forked."""
    ZOO.append(work)
    return work


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs"
    folder.mkdir()
    bench = make_bench(folder, ZOO)
    bench.launcher = LocalLauncher(bench.config)
    yield bench
    assert bench.do(behave).results == {"FINE": True}, "the next run was hurt"
    bench.launcher.close()
    bench.config.close()


@animal
def behave(exp: Any) -> None:
    """What comes after every animal."""
    handlers = [signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP]
    assert [signal.getsignal(number) for number in handlers] == [signal.SIG_DFL] * 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert sys.stdin.read() == ""
    assert os.getpgid(0) == os.getsid(0) == os.getpid()
    opened = {os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")}
    names = sorted(os.path.basename(path) for path in opened if os.path.exists(path))
    assert names == ["null", "output.log", "results.jsonl"]
    exp["FINE"] = True


def ended(bench: Bench, run: Run) -> Exit:
    return bench.wait(run)[0]


# Ways to end


@animal
def leave(exp: Any) -> None:
    exp["SET"] = 1
    print("leaving", end="")
    os._exit(exp["code"])


@pytest.mark.parametrize(("code", "failure"), [(0, None), (3, "exit code 3")])
def test_leaving_by_os_exit_is_judged_by_the_code(
    bench: Bench, code: int, failure: str | None
) -> None:
    exited = bench.do(leave, {"code": code})
    assert (exited.failure, exited.results) == (failure, {"SET": 1})
    assert exited.started
    assert exited.elapsed > 0


@animal
def leave_in_words(exp: Any) -> None:
    how: Any = {"text": "no data\nin here", "object": ["a", "list"], "true": True}[exp["how"]]
    sys.exit(how)


@pytest.mark.parametrize(
    ("how", "failure", "output"),
    [
        ("text", "no data in here", "no data\nin here\n"),
        ("object", "['a', 'list']", "['a', 'list']\n"),
        ("true", "exit code 1", ""),
    ],
)
def test_sys_exit_with_anything_fails_with_that(
    bench: Bench, how: str, failure: str, output: str
) -> None:
    run = bench.run(leave_in_words, {"how": how})
    bench.submit(run)
    assert ended(bench, run).failure == failure
    assert output_of(run) == output


@animal
def leave_with_the_number_of_a_full_disk(exp: Any) -> None:
    exp.A = 1
    os._exit(errno.ENOSPC)


def test_a_number_alone_is_no_full_disk(bench: Bench) -> None:
    exited = bench.do(leave_with_the_number_of_a_full_disk)
    assert (exited.failure, exited.trouble, exited.lost) == ("exit code 28", None, False)


@animal
def fill_its_own_file(exp: Any) -> None:
    exp.A = 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))
    exp.B = "y" * 1000


def test_results_that_cannot_be_completed_are_a_failure_that_says_so(bench: Bench) -> None:
    exited = bench.do(fill_its_own_file)
    assert exited.failure is not None
    assert exited.failure.startswith("cannot write in ")
    assert exited.failure.endswith("File too large")
    assert exited.results["A"] == 1


@animal
def abort(exp: Any) -> None:
    exp["SET"] = [1]
    os.abort()


def test_an_abort_is_told_as_its_signal_and_shows_where_it_was(bench: Bench) -> None:
    run = bench.run(abort)
    bench.submit(run)
    exited = ended(bench, run)
    assert (exited.failure, exited.results) == ("killed by signal 6 (SIGABRT)", {"SET": [1]})
    assert "in abort" in output_of(run)


@animal
def crash(exp: Any) -> None:
    faulthandler._sigsegv()  # type: ignore[attr-defined]


def test_a_segmentation_fault_is_told_as_its_signal(bench: Bench) -> None:
    assert bench.do(crash).failure == "killed by signal 11 (SIGSEGV)"


@animal
def kill_itself(exp: Any) -> None:
    exp["SET"] = "before"
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_loses_nothing_that_was_set(bench: Bench) -> None:
    exited = bench.do(kill_itself)
    assert (exited.failure, exited.results) == (
        "killed by signal 9 (SIGKILL)",
        {"SET": "before"},
    )


# Ways not to end


@animal
def stop_itself(exp: Any) -> None:
    exp["STOPPED"] = True
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:
        signal.pause()


def has_set(run: Run, key: str) -> bool:
    return run.results.exists() and f'"{key}"' in run.results.read_text()


@pytest.mark.parametrize(
    ("grace", "failure"), [(30, "KeyboardInterrupt"), (0, "killed by signal 9 (SIGKILL)")]
)
def test_a_stopped_run_can_be_cancelled(bench: Bench, grace: float, failure: str) -> None:
    run = bench.run(stop_itself)
    bench.submit(run)
    wait_for(lambda: has_set(run, "STOPPED"))
    bench.launcher.cancel([run.token], grace=grace)
    assert ended(bench, run).failure == failure


@animal
def ignore_everything(exp: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    exp["READY"] = True
    while True:
        signal.pause()


def test_what_ignores_int_and_term_is_killed_after_both_graces(bench: Bench) -> None:
    run = bench.run(ignore_everything)
    bench.submit(run)
    wait_for(lambda: has_set(run, "READY"))
    asked = time.monotonic()
    bench.launcher.cancel([run.token], grace=0.1)
    assert ended(bench, run).failure == "killed by signal 9 (SIGKILL)"
    assert time.monotonic() - asked >= 0.2


def test_a_second_cancel_without_grace_kills_at_once(bench: Bench) -> None:
    run = bench.run(ignore_everything)
    bench.submit(run)
    wait_for(lambda: has_set(run, "READY"))
    bench.launcher.cancel([run.token], grace=1000)
    bench.launcher.cancel([run.token], grace=0)
    assert ended(bench, run).failure == "killed by signal 9 (SIGKILL)"


@animal
def clean_up_when_interrupted(exp: Any) -> None:
    exp["READY"] = True
    try:
        signal.pause()
    finally:
        exp["CLEANED"] = True


def test_an_interrupted_run_cleans_up(bench: Bench) -> None:
    run = bench.run(clean_up_when_interrupted)
    bench.submit(run)
    wait_for(lambda: has_set(run, "READY"))
    bench.launcher.cancel([run.token], grace=30)
    exited = ended(bench, run)
    assert exited.failure == "KeyboardInterrupt"
    assert exited.results["CLEANED"] is True


# What is left behind


@animal
def leave_a_child(exp: Any) -> None:
    command = ["sleep", "1000"]
    way = exp["way"]
    if way == "program":
        exp["PID"] = subprocess.Popen(command).pid
    elif way == "program in a session of its own":
        exp["PID"] = subprocess.Popen(command, start_new_session=True).pid
    elif way == "program without environment":
        exp["PID"] = subprocess.Popen(command, start_new_session=True, env={}).pid
    else:
        exp["PID"] = fork_off(way)


def fork_off(way: str) -> int:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        os.read(reader, 1)
        return pid
    if "session" in way:
        os.setsid()
    if "stubborn" in way:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(writer, b".")
    while True:
        signal.pause()


@pytest.mark.parametrize(
    "way",
    [
        "program",
        "program in a session of its own",
        "program without environment",
        "fork",
        "fork in a session of its own",
        "stubborn fork in a session of its own",
    ],
)
def test_a_child_that_outlives_its_run_is_ended_before_the_exit_is_told(
    bench: Bench, way: str
) -> None:
    exited = bench.do(leave_a_child, {"way": way})
    assert exited.failure is None
    assert isinstance(exited.results["PID"], int)
    assert not os.path.exists(f"/proc/{exited.results['PID']}")
    assert "left behind" in exited.warnings[0]


@animal
def wait_for_go(exp: Any) -> None:
    exp["READY"] = True
    wait_for(lambda: os.path.exists(exp["path"]))


def test_children_of_other_runs_are_left_alone(bench: Bench, tmp_path: Path) -> None:
    other = bench.run(leave_a_child_and_wait, {"path": str(tmp_path / "go")})
    bench.submit(other)
    wait_for(lambda: has_set(other, "READY"))
    for way in ("program", "fork in a session of its own"):
        assert bench.do(leave_a_child, {"way": way}).ok
    (tmp_path / "go").touch()
    exited = ended(bench, other)
    assert (exited.failure, exited.results["ALIVE"]) == (None, True)


@animal
def leave_a_child_and_wait(exp: Any) -> None:
    """Its grandchild is an orphan of its own making, and its business."""
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        grandchild = os.fork()
        if grandchild == 0:
            os.setsid()
            os.write(writer, str(os.getpid()).encode())
            while True:
                signal.pause()
        os._exit(0)
    os.waitpid(between, 0)
    grandchild = int(os.read(reader, 20))
    exp["READY"] = True
    wait_for(lambda: os.path.exists(exp["path"]))
    exp["ALIVE"] = os.path.exists(f"/proc/{grandchild}")


def test_what_a_cancelled_run_has_started_is_ended_too(bench: Bench) -> None:
    run = bench.run(leave_children_and_stay)
    bench.submit(run)
    wait_for(lambda: has_set(run, "READY"))
    bench.launcher.cancel([run.token], grace=0)
    exited = ended(bench, run)
    assert exited.failure == "killed by signal 9 (SIGKILL)"
    assert not any(os.path.exists(f"/proc/{pid}") for pid in exited.results["PIDS"])


@animal
def leave_children_and_stay(exp: Any) -> None:
    exp["PIDS"] = [fork_off("stubborn"), fork_off("stubborn session")]
    exp["READY"] = True
    signal.pause()


@animal
def come_back_twice(exp: Any) -> None:
    exp["PARENT"] = True
    if os.fork() == 0:
        exp["CHILD"] = True
        return
    os.wait()


def test_a_fork_that_comes_back_as_well_writes_nothing(bench: Bench) -> None:
    exited = bench.do(come_back_twice)
    assert (exited.failure, exited.results) == (None, {"PARENT": True})


@animal
def leave_threads(exp: Any) -> None:
    def late() -> None:
        wait_for(lambda: not threading.main_thread().is_alive() or has_returned.is_set())
        exp["LATE"] = True
        print("the thread has ended")

    def forever() -> None:
        while True:
            signal.sigwait([signal.SIGUSR1])

    has_returned = threading.Event()
    threading.Thread(target=late).start()
    threading.Thread(target=forever, daemon=True).start()
    threading.Timer(0.05, has_returned.set).start()
    atexit.register(print, "at the exit")


def test_threads_are_waited_for_and_daemons_are_not(bench: Bench) -> None:
    run = bench.run(leave_threads)
    bench.submit(run)
    exited = ended(bench, run)
    assert (exited.failure, exited.results) == (None, {"LATE": True})
    assert output_of(run) == "the thread has ended\nat the exit\n"


# Too much


@animal
def flood(exp: Any) -> None:
    line = "x" * 99 + "\n"
    for _ in range(1000):
        sys.stdout.write(line * 1000)


def test_a_flood_of_output_is_kept(bench: Bench) -> None:
    run = bench.run(flood)
    bench.submit(run)
    assert ended(bench, run).ok
    assert run.output.stat().st_size == 100_000_000
    run.output.unlink()


@animal
def set_very_much(exp: Any) -> None:
    for number in range(exp["count"]):
        exp["same" if exp["same_key"] else f"key {number}"] = number


@pytest.mark.parametrize("same", [True, False])
def test_very_many_results_are_kept(bench: Bench, same: bool) -> None:
    exited = bench.do(set_very_much, {"count": 200_000, "same_key": same})
    assert exited.ok
    assert len(exited.results) == (1 if same else 200_000)
    assert list(exited.results.values())[-1] == 199_999


@animal
def recurse(exp: Any) -> None:
    exp["BEFORE"] = 1
    recurse(exp)


def test_endless_recursion_is_an_ordinary_failure(bench: Bench) -> None:
    run = bench.run(recurse)
    bench.submit(run)
    exited = ended(bench, run)
    assert str(exited.failure).startswith("RecursionError: maximum recursion depth exceeded")
    assert exited.results == {"BEFORE": 1}
    assert len(output_of(run)) < 10_000


@animal
def exhaust_memory(exp: Any) -> None:
    exp["BEFORE"] = 1
    raise MemoryError


def test_a_memory_error_is_an_ordinary_failure(bench: Bench) -> None:
    exited = bench.do(exhaust_memory)
    assert (exited.failure, exited.results) == ("MemoryError", {"BEFORE": 1})


# Results


@animal
def change_in_place(exp: Any) -> None:
    exp["HISTORY"] = history = []
    exp["NESTED"] = {"a": [1]}
    exp["GONE"] = 1
    history.append(0)
    history.append(1)
    exp["NESTED"]["a"].append(2)
    del exp["GONE"]


def test_what_was_changed_in_place_counts(bench: Bench) -> None:
    exited = bench.do(change_in_place)
    assert exited.results == {"HISTORY": [0, 1], "NESTED": {"a": [1, 2]}}


@animal
def set_strange_things(exp: Any) -> None:
    exp["STATUS"] = "mine"
    exp["OBJECT"] = object()
    exp["PARSE"] = "parse 1 + 1"
    exp["TEXT"] = "\u2028\ud800\n\0"
    exp["NAN"] = float("nan")


def test_strange_results_are_kept_with_a_warning(bench: Bench) -> None:
    exited = bench.do(set_strange_things)
    assert exited.results["PARSE"] == "parse 1 + 1"
    assert type(exited.results["PARSE"]) is str
    assert str(exited.results["OBJECT"]).startswith("<object object")
    assert exited.results["NAN"] != exited.results["NAN"]
    told = "\n".join(exited.warnings)
    assert "result 'STATUS' is not recorded" in told
    assert "result 'OBJECT'" in told


@animal
def read_little(exp: Any) -> None:
    assert exp["read"] == 1


def test_parameters_that_were_never_read_are_reported(bench: Bench) -> None:
    exited = bench.do(read_little, {"read": 1, "learning_rate": 2, "_helper": 3, "Name": "n"})
    assert exited.warnings == ("parameter never read: 'learning_rate'",)


# Exceptions


class Unshowable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __reduce__(self) -> NoReturn:
        raise RuntimeError("no pickle")


class NotEvenAnException(BaseException):
    pass


@animal
def raise_unshowable(exp: Any) -> None:
    raise Unshowable


def test_an_exception_that_cannot_be_shown_is_named(bench: Bench) -> None:
    failure = bench.do(raise_unshowable).failure
    assert failure == "Unshowable: <no text: RuntimeError in its __str__>"


@animal
def raise_something(exp: Any) -> None:
    raise NotEvenAnException("a\nb" + "c" * 10_000)


def test_any_exception_becomes_one_line(bench: Bench) -> None:
    failure = bench.do(raise_something).failure
    assert failure is not None
    assert failure.startswith("NotEvenAnException: a bccc")
    assert len(failure) < 600


@animal
def import_what_is_not_there(exp: Any) -> None:
    import no_such_module  # type: ignore[import-not-found]  # noqa: F401


def test_an_import_error_is_an_ordinary_failure(bench: Bench) -> None:
    failure = bench.do(import_what_is_not_there).failure
    assert failure == "ModuleNotFoundError: No module named 'no_such_module'"


# Vandals


@animal
def vandalise(exp: Any) -> None:
    exp["BEFORE"] = [1]
    exp["BEFORE"].append(2)
    _VANDALS[exp["how"]]()
    exp["AFTER"] = True


def _close_streams() -> None:
    os.closerange(0, 3)


def _close_everything() -> None:
    os.closerange(0, 100)


def _close_everything_and_reuse() -> None:
    os.closerange(0, 100)
    for number in range(10):
        os.open(f"mine {number}", os.O_CREAT | os.O_RDWR)


def _replace_streams() -> None:
    sys.stdout = sys.stderr = None


def _break_streams() -> None:
    class Broken:
        def __getattr__(self, name: str) -> NoReturn:
            raise RuntimeError(name)

    sys.stdout = sys.stderr = Broken()


def _change_directory() -> None:
    os.chdir("/")


def _change_handlers() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _delete_folder() -> None:
    shutil.rmtree(os.environ["COOLRUN_RUN_DIR"])


def _clear_environment() -> None:
    os.environ.clear()


def _change_modules() -> None:
    for name in list(sys.modules):
        if name not in {"sys", "os", "builtins"}:
            del sys.modules[name]


_VANDALS = {
    function.__name__: function
    for function in (
        _close_streams,
        _close_everything,
        _close_everything_and_reuse,
        _replace_streams,
        _break_streams,
        _change_directory,
        _change_handlers,
        _delete_folder,
        _clear_environment,
        _change_modules,
    )
}


@pytest.mark.parametrize("how", sorted(_VANDALS))
def test_a_run_that_breaks_its_own_process_is_recorded(
    bench: Bench, how: str, tmp_path: Path
) -> None:
    exited = bench.do(vandalise, {"how": how})
    assert (exited.failure, exited.results) == (None, {"BEFORE": [1, 2], "AFTER": True})
    assert not any(path.stat().st_size for path in tmp_path.glob("mine *"))


@animal
def vandalise_and_fail(exp: Any) -> None:
    _VANDALS[exp["how"]]()
    raise ValueError("after that")


@pytest.mark.parametrize("how", sorted(_VANDALS))
def test_a_run_that_breaks_its_own_process_and_fails_is_recorded(bench: Bench, how: str) -> None:
    assert bench.do(vandalise_and_fail, {"how": how}).failure == "ValueError: after that"


# Output


@animal
def print_strangely(exp: Any) -> None:
    os.write(1, b"\xff\xfe raw\n")
    print("surrogate \udcff")
    print("to the other", file=sys.stderr)
    subprocess.run(["echo", "from a program"], check=True)
    sys.stdout.write("no line break")


def test_everything_printed_is_in_the_output_in_its_order(bench: Bench) -> None:
    run = bench.run(print_strangely)
    bench.submit(run)
    assert ended(bench, run).ok
    assert run.output.read_bytes() == (
        b"\xff\xfe raw\nsurrogate \\udcff\nto the other\nfrom a program\nno line break"
    )


# Randomness


@animal
def draw(exp: Any) -> None:
    exp["NUMBER"] = random.random()


def test_runs_draw_numbers_of_their_own(bench: Bench) -> None:
    runs = [bench.run(draw) for _ in range(5)]
    bench.submit(*runs)
    assert len({exited.results["NUMBER"] for exited in bench.wait(*runs)}) == 5
