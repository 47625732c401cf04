"""What plugins give to a run: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coolrun.cli import configure
from coolrun.errors import PluginError
from coolrun.experiment import Experiment
from coolrun.hookspecs import hookimpl
from coolrun.leases import Leases
from coolrun.run import Busy, Lease, Run


class Giving:
    def __init__(self, give: Callable[[Run], Any]) -> None:
        self._give = give

    @hookimpl(tryfirst=True)
    def coolrun_pre_launch(self, run: Run) -> Any:
        return self._give(run)


def leases_of(*gives: Callable[[Run], Any]) -> Leases:
    """Leases of these plugins alone, asked in this order."""
    config = configure([])
    for built_in in config.hook.coolrun_pre_launch.get_hookimpls():
        config.pluginmanager.unregister(built_in.plugin)
    for number, give in enumerate(reversed(gives)):
        config.pluginmanager.register(Giving(give), f"giving {number}")
    return Leases(config)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run("s", Experiment({"a": 1}, position=0), 1, "token", tmp_path)


SESSION: Any = None


def test_a_run_gets_what_all_of_them_give_the_later_ones_seeing_the_earlier(run: Run) -> None:
    seen: list[dict[str, str]] = []

    def second(run: Run) -> Lease:
        seen.append(dict(run.environment))
        return Lease({"B": "2"}, folder=Path("/there"), descriptors=(1,), note={"n": 2})

    leases = leases_of(lambda _: Lease({"A": "1"}, record={"R": 1}, descriptors=(2,)), second)
    leases.take(run, SESSION)
    assert seen == [{"A": "1"}]
    given = leases.applied(run, run.experiment)
    assert (given.environment, given.extra) == ({"A": "1", "B": "2"}, {"R": 1})
    assert (given.descriptors, given.note) == ((2, 1), {"n": 2})
    assert (given.folder, given.moved) == (Path("/there"), True)


def test_all_is_given_back_once_the_last_one_first_with_what_was_found(run: Run) -> None:
    told: list[str] = []

    def lease(name: str) -> Lease:
        def release() -> dict[str, Any] | None:
            told.append(name)
            return {name: 1} if name != "b" else None

        return Lease(release=release)

    leases = leases_of(lambda _: lease("a"), lambda _: lease("b"))
    leases.take(run, SESSION)
    leases.add(run.token, lease("c"))
    assert leases.release(run.token) == {"a": 1, "c": 1}
    assert told == ["c", "b", "a"]
    assert leases.release(run.token) == {}


def test_when_one_is_busy_what_was_given_before_is_given_back(run: Run) -> None:
    told: list[str] = []

    def busy(_: Run) -> Lease:
        raise Busy("no licence is free")

    leases = leases_of(lambda _: Lease(release=lambda: told.append("back")), busy)
    with pytest.raises(Busy):
        leases.take(run, SESSION)
    assert told == ["back"]
    assert leases.release(run.token) == {}


def test_what_is_no_lease_is_refused_by_name(run: Run) -> None:
    with pytest.raises(PluginError, match="giving 0"):
        leases_of(lambda _: {"CUDA": "0"}).take(run, SESSION)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"environment": {"N": 1}}, "'N' in the environment of a lease is 1, not text"),
        ({"environment": None}, "environment of a lease is None, not a mapping"),
        ({"environment": {"A=B": "x"}}, "no environment can hold 'A=B'"),
        ({"environment": {"A": "\0"}}, "no environment can hold 'A'"),
        ({"note": "place 3"}, "note of a lease is 'place 3', not a mapping"),
        ({"note": {"a": object()}}, "not plain data: object"),
        ({"record": {"a": object()}}, "not plain data: object"),
        ({"folder": "there"}, "folder of a lease is 'there', not a Path"),
        ({"cwd": "there"}, "cwd of a lease is 'there', not a Path"),
        ({"descriptors": (12345,)}, "Bad file descriptor"),
        ({"release": 5}, "release of a lease is 5, not a function"),
    ],
)
def test_a_lease_that_would_fail_later_fails_in_the_hook_of_its_plugin(
    run: Run, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(PluginError) as caught:
        leases_of(lambda _: Lease(**given)).take(run, SESSION)
    assert "plugin 'giving 0' failed in coolrun_pre_launch" in str(caught.value)
    assert words in str(caught.value)


def test_a_release_that_fails_is_told_once_and_the_others_get_theirs_back(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone() -> None:
        raise OSError("the server has gone")

    leases = leases_of(lambda _: Lease(release=lambda: {"A": 1}), lambda _: Lease(release=gone))
    for _ in range(2):
        leases.take(run, SESSION)
        assert leases.release(run.token) == {"A": 1}
    told = "plugin 'giving 0' failed in the release of a lease: OSError: the server has gone"
    assert capsys.readouterr().err.count(told) == 1


@pytest.mark.parametrize(
    ("found", "words"), [("x", "it returned 'x', not a mapping"), ({"a": object()}, "not plain")]
)
def test_what_a_release_returns_and_no_record_can_hold_is_told(
    run: Run, found: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    leases = leases_of(lambda _: Lease(release=lambda: found))
    leases.take(run, SESSION)
    assert leases.release(run.token) == {}
    assert f"plugin 'giving 0' failed in the release of a lease: TypeError: {words}" in (
        capsys.readouterr().err
    )
