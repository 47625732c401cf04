"""What a journal says: all that was written, whatever was torn, and what old ones do not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from coolrun.experiment import Experiment
from coolrun.journal import Journal, read_finish, read_journal
from coolrun.run import Run, Status


def run(folder: Path, position: int, attempt: int = 1) -> Run:
    experiment = Experiment({"x": position}, position=position)
    return Run("s", experiment, attempt, f"token-{position}-{attempt}", folder)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_what_is_written_is_read(path: Path, tmp_path: Path) -> None:
    journal = Journal(path)
    journal.begun("2026-01-02T03:04:05+00:00", 4)
    first, second = run(tmp_path, 0), run(tmp_path, 1)
    journal.started([first, second])
    journal.ended(first.token, Status.FAILED, "ValueError: {no} luck", 1.23456)
    journal.recorded(first.token)
    journal.held(("paused", "from another terminal"))
    journal.close()
    past = read_journal(path)
    one, two = past.attempts.values()
    assert (one.status, one.failure, one.seconds) == ("failed", "ValueError: {no} luck", 1.235)
    assert (one.recorded, one.final) == (True, True)
    assert (two.status, two.seconds, two.final) == (None, None, False)
    assert (past.started, past.places) == ("2026-01-02T03:04:05+00:00", 4)
    assert past.hold == ("paused", "from another terminal")
    assert past.finished is None


def test_going_on_ends_a_hold(path: Path) -> None:
    journal = Journal(path)
    journal.held(("paused", "why"))
    journal.held(None)
    journal.close()
    assert read_journal(path).hold is None


def test_whoever_takes_a_session_up_runs_again_what_was_not_final(
    path: Path, tmp_path: Path
) -> None:
    journal = Journal(path)
    runs = [run(tmp_path, position) for position in range(3)]
    journal.started(runs)
    journal.ended(runs[0].token, Status.ABORTED, None)
    journal.ended(runs[1].token, Status.FAILED, "no luck")
    journal.held(("ending", ""))
    journal.finished(2)
    assert read_finish(path) == read_journal(path).finished == 2
    journal.begun("later", 1)
    journal.close()
    past = read_journal(path)
    assert [attempt.again for attempt in past.attempts.values()] == [True, False, False]
    assert (past.finished, past.hold) == (None, None)
    assert read_finish(path) is None


def test_what_is_dequeued_stays_so_until_it_is_queued_again_or_starts(
    path: Path, tmp_path: Path
) -> None:
    journal = Journal(path)
    journal.begun("then", 1)
    journal.dequeued({5, 3, 4, 7}, ())
    journal.dequeued([8], [4])
    journal.begun("later", 1)
    journal.started([run(tmp_path, 7)])
    journal.close()
    assert read_journal(path).dequeued == {3, 5, 8}


def test_a_journal_of_the_first_version_is_read(path: Path) -> None:
    path.write_text(
        '{"format":1}\n["start",0,1,"a"]\n["end","a","done",null]\n["recorded","a"]\n["finish",0]\n'
    )
    past = read_journal(path)
    (attempt,) = past.attempts.values()
    assert attempt.final
    assert attempt.seconds is None
    assert (past.finished, past.places, past.started) == (0, 1, "")
    assert past.dequeued == set()


def test_torn_lines_say_nothing_wherever_they_are_torn(path: Path, tmp_path: Path) -> None:
    journal = Journal(path)
    first = run(tmp_path, 0)
    journal.started([first])
    journal.ended(first.token, Status.DONE, None, 1.0)
    journal.finished(0)
    journal.close()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        past = read_journal(path)
        assert all(attempt.token == first.token for attempt in past.attempts.values())
        # The line break alone may be missing from what was said.
        assert (read_finish(path) == 0) == (length >= len(whole) - 1)


def test_a_journal_that_was_cut_at_any_byte_is_gone_on_with(path: Path, tmp_path: Path) -> None:
    """It says what its whole lines say, and all that is added later."""
    runs = [run(tmp_path, position) for position in range(3)]
    journal = Journal(path)
    journal.begun("2026-01-02T03:04:05+00:00", 2)
    for one in runs:
        journal.started([one])
        journal.ended(one.token, Status.DONE, None, 1.0)
        journal.recorded(one.token)
    journal.close()
    whole = path.read_bytes()
    last = run(tmp_path, 3)
    for length in range(len(whole) + 1):
        # What lacks nothing but its line break is whole.
        lines = whole[: length + (whole[length : length + 1] == b"\n")].splitlines(keepends=True)
        path.write_bytes(b"".join(line for line in lines if line.endswith(b"\n")))
        before = read_journal(path)
        path.write_bytes(whole[:length])
        assert read_journal(path) == before
        journal = Journal(path)
        journal.started([last])
        journal.ended(last.token, Status.FAILED, "no", 1.0)
        journal.close()
        past = read_journal(path)
        assert past.attempts.pop(last.token).failure == "no"
        before.finished = past.finished
        assert past == before


def test_there_need_not_be_a_journal(path: Path) -> None:
    assert read_journal(path).attempts == {}
    assert read_finish(path) is None
