"""How a session stands, told by its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coolrun.experiment import Experiment
from coolrun.journal import Journal
from coolrun.results import ResultsWriter
from coolrun.run import Status
from coolrun.standing import Onlooker, Standing
from coolrun.store import SessionFolder
from coolrun.testing.sessions import run_of, write_session

DONE = (Status.DONE, None, 2.0)
FAILED = (Status.FAILED, "no luck", 1.0)
ABORTED = (Status.ABORTED, None, 1.0)


def experiments(count: int) -> list[Experiment]:
    return [Experiment({"Name": f"n{n}", "x": n}) for n in range(count)]


def look(folder: SessionFolder) -> Standing:
    return Onlooker(folder).look()


def test_a_session_that_a_process_runs(tmp_path: Path) -> None:
    folder = write_session(tmp_path, experiments(5), ends={0: DONE, 1: FAILED}, running=[2])
    folder.lock()
    try:
        standing = look(folder)
        assert standing.state == "running"
        assert standing.waiting == [3, 4]
        assert [attempt.position for attempt in standing.under_way] == [2]
        assert standing.ended == {"done": 1, "failed": 1}
        assert standing.unfinished == 3
    finally:
        folder.unlock()
    assert look(folder).state == "ended"


@pytest.mark.parametrize(
    ("hold", "state", "reason"),
    [
        (("paused", "three failed"), "paused", "three failed"),
        (("stopping", "enough"), "stopping", "enough"),
        (("ending", ""), "ending", ""),
        (None, "running", ""),
    ],
)
def test_what_holds_a_session_is_told_while_it_runs(
    tmp_path: Path, hold: tuple[str, str] | None, state: str, reason: str
) -> None:
    folder = write_session(tmp_path, experiments(2))
    journal = Journal(folder.journal)
    journal.held(("paused", "before"))
    journal.held(hold)
    journal.close()
    assert (look(folder).state, look(folder).reason) == ("ended", "")
    folder.lock()
    try:
        assert (look(folder).state, look(folder).reason) == (state, reason)
    finally:
        folder.unlock()


def test_a_session_is_finished_when_all_have_final_records(tmp_path: Path) -> None:
    good = write_session(tmp_path, experiments(2), ends={0: DONE, 1: FAILED}, finished=1)
    assert look(good).state == "finished"
    rest = write_session(tmp_path, experiments(2), ends={0: DONE, 1: ABORTED}, finished=2)
    assert (look(rest).state, look(rest).unfinished) == ("ended", 1)


def test_what_is_skipped_does_not_count(tmp_path: Path) -> None:
    some = experiments(2)
    some[1].skipped = "why"
    assert look(write_session(tmp_path, some, ends={0: DONE}, finished=0)).state == "finished"


def test_what_is_dequeued_neither_waits_nor_lacks(tmp_path: Path) -> None:
    some = experiments(5)
    some[4].after = frozenset({1})
    ends = {0: DONE, 1: FAILED}
    folder = write_session(tmp_path, some, ends=ends)
    journal = Journal(folder.journal)
    journal.again(run_of(folder, some[1]).token)
    journal.dequeued([1, 2, 3], [])
    journal.close()
    standing = look(folder)
    assert (standing.waiting, standing.unfinished, standing.waits()) == ([4], 1, {})
    assert standing.chosen == [0, 4]
    journal = Journal(folder.journal)
    journal.dequeued([4], [2])
    journal.close()
    assert (look(folder).waiting, look(folder).state) == ([2], "ended")
    journal = Journal(folder.journal)
    journal.dequeued([2], [])
    journal.close()
    assert look(folder).state == "finished"


def test_an_experiment_that_is_run_again_waits(tmp_path: Path) -> None:
    some = experiments(2)
    folder = write_session(tmp_path, some, ends={0: FAILED, 1: ABORTED})
    journal = Journal(folder.journal)
    journal.again(run_of(folder, some[0]).token)
    journal.begun("later", 1)
    journal.close()
    assert look(folder).waiting == [0, 1]
    assert look(folder).ended == {}


def test_who_waits_for_whom_is_known(tmp_path: Path) -> None:
    some = experiments(5)
    some[3].after, some[4].after = frozenset({0, 1, 2}), frozenset({0})
    standing = look(write_session(tmp_path, some, ends={0: DONE}, running=[1]))
    assert standing.waits() == {3: [1, 2]}


def test_the_time_left_is_judged_by_what_was_done(tmp_path: Path) -> None:
    ends = {0: DONE, 1: DONE, 2: FAILED}
    standing = look(write_session(tmp_path, experiments(8), ends=ends, running=[3], places=2))
    left = standing.left([1.0])
    assert left is not None
    low, high = left
    # Five of two seconds each, one of which has run for one second, two at a time.
    assert low <= 4.5 <= high
    assert look(write_session(tmp_path, experiments(2), running=[0])).left([1.0]) is None


def test_what_is_not_started_any_more_takes_no_time(tmp_path: Path) -> None:
    folder = write_session(tmp_path, experiments(9), ends={0: DONE, 1: DONE}, running=[2])
    journal = Journal(folder.journal)
    folder.lock()
    try:
        for hold, longest in ((("paused", "why"), 14.0), (("stopping", "why"), 2.0)):
            journal.held(hold)
            left = look(folder).left([0.0])
            assert left is not None
            assert left[1] == longest
    finally:
        journal.close()
        folder.unlock()


def test_a_run_whose_process_lives_is_left_behind_by_a_session_that_has_gone(
    tmp_path: Path,
) -> None:
    some = experiments(2)
    folder = write_session(tmp_path, some, running=[0, 1])
    for experiment in some:
        run_of(folder, experiment).folder.mkdir(parents=True)
    ours, gone = (run_of(folder, experiment) for experiment in some)
    writer = ResultsWriter(ours.results, ours.token, "2026-01-02T03:04:05+00:00")
    ResultsWriter(gone.results, gone.token, "now").close()
    gone.results.write_text(gone.results.read_text().replace(f'"pid":{os.getpid()}', '"pid":1'))
    try:
        standing = look(folder)
        assert [attempt.position for attempt in standing.left_behind][:1] == [0]
        began = standing.started(standing.run(standing.under_way[0]))
        assert began is not None
        assert began.isoformat() == "2026-01-02T03:04:05+00:00"
        folder.lock()
        assert look(folder).left_behind == []
    finally:
        folder.unlock()
        writer.close()


def test_a_run_without_files_has_not_begun(tmp_path: Path) -> None:
    standing = look(write_session(tmp_path, experiments(1), running=[0]))
    assert standing.started(standing.run(standing.under_way[0])) is None


def test_values_that_came_late_and_a_moved_folder_are_those_of_the_run(tmp_path: Path) -> None:
    (experiment,) = some = experiments(1)
    folder = write_session(tmp_path, some)
    experiment.complete({"Name": "n0", "x": "late"})
    moved = tmp_path / "elsewhere"
    run = run_of(folder, experiment)
    journal = Journal(folder.journal)
    journal.started([type(run)(run.session, experiment, 1, "t", moved, moved=True)])
    journal.close()
    standing = look(folder)
    (attempt,) = standing.under_way
    assert standing.run(attempt).experiment["x"] == "late"
    assert standing.run(attempt).output == moved / "output.log"


def test_looking_again_sees_what_has_happened_since(tmp_path: Path) -> None:
    some = experiments(2)
    folder = write_session(tmp_path, some, running=[0])
    onlooker = Onlooker(folder)
    first = onlooker.look()
    assert (len(first.under_way), first.waiting) == (1, [1])
    journal = Journal(folder.journal)
    journal.ended(run_of(folder, some[0]).token, Status.DONE, None, 1.0)
    journal.close()
    folder.extend_plan([Experiment({"x": 9}, position=2)])
    second = onlooker.look()
    assert (second.ended, second.waiting) == ({"done": 1}, [1, 2])
    assert second.outline.experiment(2)["x"] == 9
