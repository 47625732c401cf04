"""Performing a run: what the hook does becomes results, warnings and an exit."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from coolrun.errors import CoolrunError, DefinitionError
from coolrun.execution import Performance, environment_of, prepare
from coolrun.experiment import Experiment
from coolrun.failure import describe, printed
from coolrun.results import read_results
from coolrun.run import Exit, Run
from coolrun.testing.launchers import make_bench

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Exit]:
    """Performs a function as a run in this process."""
    monkeypatch.chdir(tmp_path)

    def execute(
        work: Callable[[Any], object], values: dict[str, Any] | None = None, **given: Any
    ) -> Exit:
        bench = make_bench(tmp_path, [work])
        experiment = Experiment({"_work": 0, **(values or {})}, given=given, position=0)
        run = Run("session", experiment, 1, "token", tmp_path / "run")
        run.folder.mkdir(exist_ok=True)
        Performance(run, bench.config).perform().close()
        bench.config.close()
        exited = read_results(run.results, "token").exit
        assert exited is not None
        return exited

    return execute


Execute = Callable[..., Exit]


def test_results_and_times_are_written(execute: Execute) -> None:
    def work(exp: Any) -> None:
        exp.ACC = exp.a * 2

    exited = execute(work, {"a": 2})
    assert (exited.failure, exited.results, exited.warnings) == (None, {"ACC": 4}, ())
    assert 0 <= exited.elapsed < 10


def test_the_traceback_begins_with_the_users_code(
    execute: Execute, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(exp: Any) -> None:
        raise ValueError("wrong")

    assert execute(work).failure == "ValueError: wrong"
    shown = capsys.readouterr().err
    assert shown.splitlines()[0] == "Traceback (most recent call last):"
    assert shown.splitlines()[-1] == "ValueError: wrong"
    assert "pluggy" not in shown


def test_an_unread_parameter_is_a_warning_unless_it_is_declared_or_private(
    execute: Execute,
) -> None:
    def work(exp: Any) -> None:
        assert exp.read == 1

    values = {"read": 1, "lr": 1, "deep": 2, "_private": 3, "Module": "m"}
    exited = execute(work, values, REP=0, RND_IDX=1)
    assert exited.warnings == ("parameters never read: 'deep', 'lr'",)


def test_a_failed_run_is_not_told_what_it_did_not_read(execute: Execute) -> None:
    def work(exp: Any) -> None:
        raise ValueError

    exited = execute(work, {"lr": 1})
    assert (exited.failure, exited.warnings) == ("ValueError", ())


def test_a_result_under_a_key_of_the_runner_is_a_warning(execute: Execute) -> None:
    def work(exp: Any) -> None:
        for _ in range(3):
            exp["STATUS"] = "great"

    warnings = execute(work).warnings
    assert warnings == ("result 'STATUS' is not recorded: the runner writes this key itself",)


def test_a_result_that_is_not_plain_is_kept_as_text_with_a_warning(execute: Execute) -> None:
    def work(exp: Any) -> None:
        exp["OBJECT"] = object()

    exited = execute(work)
    assert str(exited.results["OBJECT"]).startswith("<object")
    assert exited.warnings[0].startswith("result 'OBJECT': ")


def test_a_guard_that_fails_is_the_failure_of_the_run(tmp_path: Path) -> None:
    class Guard:
        def __enter__(self) -> None:
            raise KeyboardInterrupt

        def __exit__(self, *failure: object) -> None:
            """Never reached."""

    bench = make_bench(tmp_path, [print])
    run = Run("session", Experiment({"_work": 0}, position=0), 1, "token", tmp_path)
    Performance(run, bench.config).perform(Guard()).close()
    bench.config.close()
    exited = read_results(run.results, "token").exit
    assert exited is not None
    assert exited.failure == "KeyboardInterrupt"


def test_a_process_gets_the_environment_of_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COOLRUN_RUN_ID", "COOLRUN_TOKEN", "LEASE", "TZ"):
        monkeypatch.setenv(name, "before")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(sys, "argv", ["coolrun"])
    bench = make_bench(tmp_path, [], ["--own"])
    run = Run(
        "session",
        Experiment({}, position=3),
        2,
        "token",
        tmp_path,
        {"LEASE": "x", "COOLRUN_TOKEN": "cannot be forged"},
    )
    prepare(run, bench.config)
    bench.config.close()
    assert environment_of(run, bench.config).items() <= os.environ.items()
    assert os.environ["COOLRUN_TOKEN"] == "token"
    assert os.environ["COOLRUN_RUN_ID"] == "session.3.2"
    assert os.environ["COOLRUN_ATTEMPT"] == "2"
    assert sys.argv == ["coolrun", "--own"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\n  b"), "ValueError: a b"),
        (ValueError(), "ValueError"),
        (KeyError("k"), "KeyError: 'k'"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(), None),
        (SystemExit(0), None),
        (SystemExit(False), None),
        (SystemExit(3), "exit code 3"),
        (SystemExit("no data"), "no data"),
        (SystemExit(""), "exit code 1"),
        (DefinitionError("it is wrong", cure="mend it"), "it is wrong mend it"),
        (ValueError("\udcff"), "ValueError: \\udcff"),
    ],
)
def test_a_failure_is_one_line(error: BaseException, line: str | None) -> None:
    assert describe(error) == line


def test_a_long_failure_is_shortened() -> None:
    line = describe(ValueError("x" * 1000))
    assert line is not None
    assert len(line) < 520
    assert line.endswith("...")


def test_an_error_for_people_is_printed_without_a_traceback() -> None:
    assert printed(CoolrunError("it is wrong", cure="mend it")) == "it is wrong\n  mend it\n"


class _Evil(Exception):
    def __init__(self, raised: type[BaseException]) -> None:
        self.raised = raised

    def __str__(self) -> str:
        raise self.raised


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, ValueError])
def test_a_failure_that_cannot_be_shown_is_a_failure(
    execute: Execute, raised: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    def work(exp: Any) -> None:
        exp.A = 1
        raise _Evil(raised)

    exited = execute(work)
    assert exited.failure == f"_Evil: <no text: {raised.__name__} in its __str__>"
    assert exited.results == {"A": 1}
    assert "_Evil" in capsys.readouterr().err


def test_an_exit_code_with_code_of_its_own_is_a_number_all_the_same(execute: Execute) -> None:
    class Code(int):
        __hash__ = int.__hash__

        def __eq__(self, other: object) -> bool:
            raise SystemExit

    def work(exp: Any) -> None:
        raise SystemExit(Code(3))

    assert execute(work).failure == "exit code 3"


def test_a_repr_that_leaves_the_process_costs_no_result(execute: Execute) -> None:
    class Leaves:
        def __repr__(self) -> str:
            raise SystemExit

    def work(exp: Any) -> None:
        exp.A = Leaves()

    exited = execute(work)
    assert exited.failure is None
    assert "repr failed: SystemExit" in exited.results["A"]
