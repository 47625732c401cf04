"""Which session or run is meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from coolrun.errors import UsageError
from coolrun.experiment import Experiment
from coolrun.finding import find_run, find_running, find_session
from coolrun.run import Status
from coolrun.store import SessionFolder
from coolrun.testing.sessions import write_session


def session(cwd: Path, hour: int, *names: str) -> SessionFolder:
    experiments = [Experiment({"Name": name}) for name in names or ("a", "b", "b", "with.dot")]
    started = datetime(2026, 1, 2, hour, 0, 0, tzinfo=timezone.utc)
    ends = {0: (Status.DONE, None, 1.0)}
    return write_session(cwd, experiments, ends=ends, started=started)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[SessionFolder]]:
    folders = [session(tmp_path, 1), session(tmp_path, 2)]
    yield folders
    for folder in folders:
        folder.unlock()


def test_the_newest_is_meant_where_nothing_is_said(
    tmp_path: Path, two: list[SessionFolder]
) -> None:
    assert find_session(tmp_path).name == two[1].name


def test_a_part_of_the_name_is_enough(tmp_path: Path, two: list[SessionFolder]) -> None:
    assert find_session(tmp_path, "-010000").name == two[0].name
    assert find_session(tmp_path, two[1].name).name == two[1].name


def test_what_fits_several_or_none_is_an_error_that_lists_them(
    tmp_path: Path, two: list[SessionFolder]
) -> None:
    with pytest.raises(UsageError, match="2 sessions have '2026' in their names") as caught:
        find_session(tmp_path, "2026")
    assert all(folder.name in str(caught.value) for folder in two)
    with pytest.raises(UsageError, match="no session has 'x' in its name") as caught:
        find_session(tmp_path, "x")
    assert two[0].name in str(caught.value)


def test_where_there_is_no_session_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no session in"):
        find_session(tmp_path)
    with pytest.raises(UsageError, match="no session runs in"):
        find_running(tmp_path)


def test_the_only_one_that_runs_is_meant(tmp_path: Path, two: list[SessionFolder]) -> None:
    with pytest.raises(UsageError, match="no session runs"):
        find_running(tmp_path)
    two[0].lock()
    assert find_running(tmp_path).name == two[0].name
    two[1].lock()
    with pytest.raises(UsageError, match="2 sessions run: ") as caught:
        find_running(tmp_path)
    assert all(folder.name in str(caught.value) for folder in two)
    assert find_running(tmp_path, "-020000").name == two[1].name


def test_one_that_does_not_run_is_refused_where_it_has_to(
    tmp_path: Path, two: list[SessionFolder]
) -> None:
    with pytest.raises(UsageError, match=f"session {two[0].name} does not run"):
        find_running(tmp_path, two[0].name)


def test_looking_at_a_lock_takes_it_from_nobody(tmp_path: Path, two: list[SessionFolder]) -> None:
    assert two[0].lock()
    assert SessionFolder(two[0].path).is_held()
    two[0].unlock()
    assert not two[0].is_held()
    assert two[0].lock()


@pytest.mark.parametrize(
    ("which", "hour", "position", "number"),
    [
        ("2", 2, 2, None),
        ("a", 2, 0, None),
        ("with.dot", 2, 3, None),
        ("-010000.3", 1, 3, None),
        ("-010000.0.1", 1, 0, 1),
    ],
)
def test_a_run_is_named_in_several_ways(
    tmp_path: Path,
    two: list[SessionFolder],
    which: str,
    hour: int,
    position: int,
    number: int | None,
) -> None:
    meant = find_run(tmp_path, which)
    assert meant.folder.name == two[hour - 1].name
    assert (meant.position, meant.number) == (position, number)


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("4", "has no run 4\n  its positions are 0 to 3"),
        ("b", "2 runs of session .* are called 'b'\n  name one by its position: 1-2"),
        ("nobody", "has no run 'nobody'"),
        ("2026.1", "2 sessions have '2026'"),
        ("-010000.9", "has no run 9"),
        ("-010000.0.2", "there is no attempt .*.0.2"),
        ("zzz.1", "has no run 'zzz.1'"),
    ],
)
def test_a_run_that_cannot_be_told_is_an_error(
    tmp_path: Path, two: list[SessionFolder], which: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        find_run(tmp_path, which)
