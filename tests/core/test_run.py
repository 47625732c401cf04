"""Runs, how they end, and what is written about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coolrun.experiment import Experiment
from coolrun.run import RECORD_KEYS, Blocked, Exit, Record, Retry, Run, Status


def run(attempt: int = 1, own: dict[str, Any] | None = None, **extra: Any) -> Run:
    experiment = Experiment(
        own=own or {"Name": "a", "lr": 1},
        given={"RND_IDX": 5, "REP": 0},
        position=3,
    )
    return Run("s", experiment, attempt, "token", Path("/runs/0003"), extra=extra)


def record(attempt: int = 1, failure: str | None = None, **results: Any) -> dict[str, Any]:
    exited = Exit("token", failure, "2026-01-02T03:04:05", 1.23456789, results)
    status = Status.DONE if failure is None else Status.FAILED
    return Record(run(attempt), exited, status, host="box").document()


@pytest.mark.parametrize("status", list(Status))
def test_only_what_ended_by_itself_or_by_a_person_is_final(status: Status) -> None:
    assert status.final == (status.value in {"done", "failed", "timeout", "interrupted"})
    assert str(status) == status.value


def test_a_run_is_known_by_session_position_and_attempt() -> None:
    assert run().id == "s.3.1"
    assert run(attempt=2).id == "s.3.2"


def test_attempts_share_a_folder_and_no_file() -> None:
    assert (run().output.name, run(2).output.name) == ("output.log", "output.2.log")
    assert (run().results.name, run(2).results.name) == ("results.jsonl", "results.2.jsonl")


def test_a_record_holds_parameters_then_results_then_what_the_runner_knows() -> None:
    assert list(record(ACC=0.5).items()) == [
        ("Name", "a"),
        ("lr", 1),
        ("ACC", 0.5),
        ("RND_IDX", 5),
        ("REP", 0),
        ("HOST", "box"),
        ("RUN_ID", "s.3.1"),
        ("STARTED", "2026-01-02T03:04:05"),
        ("TIME_ELAPSED", 1.234568),
        ("STATUS", "done"),
    ]


def test_failure_and_attempt_are_written_where_they_apply() -> None:
    assert "FAILURE" not in record()
    assert "ATTEMPT" not in record()
    assert record(failure="ValueError: x")["FAILURE"] == "ValueError: x"
    assert record(failure="ValueError: x")["STATUS"] == "failed"
    assert record(attempt=2)["ATTEMPT"] == 2


@pytest.mark.parametrize("key", [*RECORD_KEYS, "RND_IDX", "REP"])
def test_the_runners_keys_win_over_results(key: str) -> None:
    mine: dict[str, Any] = {key: "mine"}
    assert record(**mine).get(key) == record().get(key)


def test_a_number_that_a_person_set_stays_among_the_parameters() -> None:
    exited = Exit("token", None, "", 0.0)
    made = run(own={"RND_IDX": 9, "lr": 1, "HOST": "mine"})
    document = Record(made, exited, Status.DONE, host="box").document()
    assert list(document)[:2] == ["RND_IDX", "lr"]
    assert (document["RND_IDX"], document["HOST"]) == (9, "box")


def test_what_a_lease_adds_is_in_the_record() -> None:
    exited = Exit("token", None, "", 0.0)
    document = Record(run(GPUS=[0, 1]), exited, Status.DONE).document()
    assert document["GPUS"] == [0, 1]


def test_an_exit_is_good_when_there_is_no_reason() -> None:
    good = Exit("token", None, "", 0.0, {"ACC": 1})
    assert good.ok
    assert not good.because("too late").ok
    assert good.because("too late").results == {"ACC": 1}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Retry("x"), "the experiment of a Retry is 'x', not an Experiment"),  # type: ignore[arg-type]
        (
            lambda: Retry(Experiment({}), delay="1"),  # type: ignore[arg-type]
            "the delay of a Retry is '1', not a number of seconds",
        ),
        (lambda: Blocked(5), "the reason of a Blocked is 5, not text"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_would_fail_later_cannot_be_made(
    make: Callable[[], object], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        make()
