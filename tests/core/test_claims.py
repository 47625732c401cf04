"""An attempt is done by one process, whoever starts it and however often."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from coolrun.machine import boot, since_boot, was_there
from coolrun.results import (
    Claimed,
    ResultsWriter,
    append_exit,
    append_pid,
    claim,
    forbid,
    read_results,
    token_of,
)

STARTED = "2026-01-02T03:04:05+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


def test_an_attempt_that_has_begun_is_not_begun_again(path: Path) -> None:
    ResultsWriter(path, "token", STARTED).close()
    before = path.read_bytes()
    for take in (ResultsWriter, claim):
        with pytest.raises(Claimed):
            take(path, "token", STARTED)
    assert path.read_bytes() == before


def test_an_attempt_that_is_forbidden_never_begins(path: Path) -> None:
    assert forbid(path, "token")
    with pytest.raises(Claimed):
        ResultsWriter(path, "token", STARTED)
    written = read_results(path, "token")
    assert (written.believed, written.pid, written.exit) == (True, 0, None)


def test_an_attempt_that_has_begun_cannot_be_forbidden(path: Path) -> None:
    ResultsWriter(path, "token", STARTED).close()
    assert not forbid(path, "token")
    assert read_results(path, "token").pid == os.getpid()


def test_a_file_without_its_first_line_is_claimed_by_somebody(path: Path) -> None:
    path.touch()
    with pytest.raises(Claimed):
        ResultsWriter(path, "token", STARTED)
    assert not forbid(path, "token")
    assert token_of(path) is None


def test_the_file_of_another_attempt_is_no_claim(path: Path) -> None:
    ResultsWriter(path, "other", STARTED).close()
    ResultsWriter(path, "token", STARTED).close()
    assert token_of(path) == "token"


def test_of_many_that_claim_at_once_one_wins(tmp_path: Path) -> None:
    def attempt(path: Path) -> bool:
        try:
            os.close(claim(path, "token", STARTED))
        except Claimed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        for number in range(50):
            wins = list(pool.map(attempt, [tmp_path / f"{number}"] * 8))
            assert wins.count(True) == 1


def test_the_process_of_a_claim_can_be_told_later(path: Path) -> None:
    descriptor = claim(path, "token", STARTED)
    append_pid(descriptor, 42)
    os.close(descriptor)
    assert read_results(path, "token").pid == 42


def test_a_process_told_without_its_moment_is_read_as_well(path: Path) -> None:
    os.close(claim(path, "token", STARTED))
    with path.open("a", encoding="utf-8") as file:
        file.write('["pid",42]\n')
    assert read_results(path, "token").pid == 42


def test_a_claim_that_cannot_be_written_leaves_no_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            ResultsWriter(path, "token", STARTED)
    assert not path.exists()


def test_only_the_exit_of_the_process_that_did_the_work_is_added(path: Path) -> None:
    ResultsWriter(path, "token", STARTED).close()
    append_exit(path, "token", "of another", STARTED, 0.0, pid=os.getpid() + 1)
    assert read_results(path, "token").exit is None
    append_exit(path, "token", "its own", STARTED, 0.0, pid=os.getpid())
    exited = read_results(path, "token").exit
    assert exited is not None
    assert exited.failure == "its own"


def test_a_process_is_known_by_its_start_and_the_start_of_the_machine(path: Path) -> None:
    ResultsWriter(path, "token", STARTED).close()
    assert read_results(path, "token").is_there
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        assert was_there(child.pid, since_boot(), boot())
        assert not was_there(child.pid, since_boot() - 60, boot()), "a younger process"
        assert not was_there(child.pid, since_boot(), "another boot")
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not was_there(child.pid, since_boot(), boot()), "a zombie"
    finally:
        child.communicate()
    assert not was_there(child.pid, since_boot(), boot())
    assert not was_there(0, since_boot(), boot())
