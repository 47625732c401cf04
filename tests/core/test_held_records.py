"""Which records a log holds: what is torn at its end is completed, nothing is written twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from coolrun.records.held import HeldRecords

FIRST = b"---\nlr: 1\nRUN_ID: s.0.1\nSTATUS: failed\nFAILURE: 'no'\n"
SECOND = b"---\nlr: 2\nRUN_ID: s.1.1\nSTATUS: done\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.yaml"


def written(log: Path, run: str, document: bytes) -> bytes:
    """The log after a record was added as a plugin does it."""
    held = HeldRecords(log).part_of(run, document)
    data = log.read_bytes() if log.exists() else b""
    gap = b"\n" if data and not held and not data.endswith(b"\n") else b""
    return data + gap + document[held:]


@pytest.mark.parametrize("length", range(len(FIRST) + 1))
def test_a_record_that_was_torn_anywhere_is_completed(log: Path, length: int) -> None:
    log.write_bytes(SECOND + FIRST[:length])
    assert written(log, "s.0.1", FIRST) == SECOND + FIRST
    log.write_bytes(FIRST[:length])
    assert written(log, "s.0.1", FIRST) == FIRST


def test_a_log_that_was_cut_at_any_byte_becomes_whole_again(log: Path) -> None:
    """As a session does it that is taken up: what is followed is there, all else is written."""
    runs = {"s.0.1": FIRST, "s.1.1": SECOND, "s.2.1": SECOND.replace(b"s.1.1", b"s.2.1")}
    whole = b"".join(runs.values())
    for length in range(len(whole) + 1):
        log.write_bytes(whole[:length])
        held = HeldRecords(log)
        missing = [run for run in runs if not held.is_followed(run)]
        for run in missing:
            part = held.part_of(run, runs[run])
            data = log.read_bytes()
            gap = b"\n" if data and not part and not data.endswith(b"\n") else b""
            log.write_bytes(data + gap + runs[run][part:])
        assert log.read_bytes() == whole, length


def test_a_log_that_is_not_there_holds_nothing(log: Path) -> None:
    assert written(log, "s.0.1", FIRST) == FIRST
    assert not HeldRecords(log).is_followed("s.0.1")


def test_a_record_that_is_there_is_not_written_again(log: Path) -> None:
    log.write_bytes(FIRST + SECOND)
    assert written(log, "s.0.1", FIRST) == written(log, "s.1.1", SECOND) == FIRST + SECOND
    other = FIRST.replace(b"lr: 1", b"lr: 3")
    assert written(log, "s.0.1", other) == FIRST + SECOND
    quoted = FIRST.replace(b"s.0.1", b"'s.0.1'")
    log.write_bytes(quoted + SECOND)
    assert written(log, "s.0.1", FIRST) == quoted + SECOND


def test_only_what_is_followed_is_known_to_be_whole(log: Path) -> None:
    log.write_bytes(FIRST + SECOND)
    held = HeldRecords(log)
    assert held.is_followed("s.0.1")
    assert not held.is_followed("s.1.1")
    assert not held.is_followed("s.2.1")


def test_a_record_that_was_torn_before_others_followed_is_written_again(log: Path) -> None:
    torn = FIRST[: FIRST.index(b"FAILURE")]
    log.write_bytes(torn)
    held = HeldRecords(log)
    assert held.part_of("s.1.1", SECOND) == 0
    log.write_bytes(torn + SECOND)
    assert held.part_of("s.0.1", FIRST) == 0
    assert held.part_of("s.1.1", SECOND) == len(SECOND)


def test_a_record_of_another_run_is_not_taken_for_a_torn_one(log: Path) -> None:
    log.write_bytes(SECOND)
    assert written(log, "s.0.1", FIRST) == SECOND + FIRST
