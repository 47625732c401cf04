"""`coolrun queue ls`: what tells entries apart, and what fits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coolrun import Config
from coolrun.cli import configure
from coolrun.display import cells
from coolrun_plugins.diskqueue.listing import LOOKED_AT, Listed, lines

ID = "20260102-030405-0001234"


@pytest.fixture
def config() -> Iterator[Config]:
    made = configure([])
    yield made
    made.close()


def entry(number: int, body: str, *, state: str = "waits", **given: Any) -> Listed:
    id_ = f"{ID}.{number + 7}.1"
    text = f"---\nRUN_ID: {id_}\nName: walk\nModule: train\nepochs: 3\n{body}"
    return Listed(number, id_, "walk", state, text, {"given": given} if given else {})


def grid(count: int) -> list[Listed]:
    return [
        entry(n, f"lr: {n % 3 / 10}\noptimizer:\n  norm: {'new' if n % 2 else 'batch'}\n", REP=n)
        for n in range(count)
    ]


def test_entries_are_told_apart_by_their_parameters(config: Config) -> None:
    assert list(lines(grid(2), config, 100, whole=False)) == [
        "#  Name  lr   optimizer.norm  REP  RUN_ID",
        "-  ----  ---  --------------  ---  ---------------------------",
        f"0  walk  0.0  batch           0    {ID}.7.1",
        f"1  walk  0.1  new             1    {ID}.8.1",
    ]


def test_a_state_is_shown_where_there_is_one_to_tell(config: Config) -> None:
    entries = [*grid(2), entry(2, "lr: 0.3\n", state="held"), entry(3, "", state="new")]
    head, _, *rows = lines(entries, config, 100, whole=False)
    assert head.split() == ["#", "Name", "lr", "optimizer.norm", "REP", "state", "RUN_ID"]
    assert rows[0].split() == ["0", "walk", "0.0", "batch", "0", f"{ID}.7.1"]
    assert rows[2].split() == ["2", "walk", "0.3", "held", f"{ID}.9.1"]
    assert rows[3].split() == ["3", "walk", "new", f"{ID}.10.1"]


def test_a_single_entry_shows_what_is_its_own(config: Config) -> None:
    own = entry(0, "lr: 1\n")._replace(meta={"own": ["Name", "lr"]})
    assert next(lines([own], config, 100, whole=False)).split() == ["#", "Name", "lr", "RUN_ID"]
    fresh = own._replace(id="", text="Name: walk\nlr: 1\n", meta={}, state="new")
    assert list(lines([fresh], config, 18, whole=False)) == [
        "#  Name  lr  state",
        "-  ----  --  -----",
        "0  walk  1   new",
    ]


def test_the_run_id_goes_before_the_parameters_go_where_people_look(config: Config) -> None:
    def shown(width: int, *, whole: bool = False) -> tuple[list[str], str]:
        head, *_, last = lines(grid(12), config, width, whole=whole)
        return head.split(), last

    said = "(left out to fit the width: {})".format
    assert shown(70)[0] == ["#", "Name", "lr", "optimizer.norm", "REP", "RUN_ID"]
    assert shown(60) == (["#", "Name", "lr", "optimizer.norm", "RUN_ID"], said("REP"))
    assert shown(50) == (["#", "Name", "lr", "optimizer.norm", "REP"], said("RUN_ID"))
    assert shown(20)[0] == ["#", "Name", "lr"]
    assert shown(50, whole=True)[0] == ["#", "Name", "lr", "RUN_ID"]


@pytest.mark.parametrize("width", [12, 40, 80, 200])
def test_no_line_is_wider_than_the_screen(config: Config, width: int) -> None:
    entries = [entry(n, f"日本: {'日本' * 20}{n}\n{'k' * 99}: {n}\n") for n in range(3)]
    assert max(cells(line) for line in lines(entries, config, width, whole=False)) <= width


def test_what_is_broken_or_would_be_obeyed_by_a_terminal_is_shown_all_the_same(
    config: Config,
) -> None:
    entries = [entry(0, "lr: [\n"), entry(1, 'lr: "\\e[2J"\n')._replace(name="\x1b[2J")]
    told = "\n".join(lines(entries, config, 100, whole=True))
    assert "\x1b" not in told
    assert "\\x1b[2J" in told
    assert told.splitlines()[2].startswith("0  walk")


def test_the_parameters_of_a_hundred_thousand_are_not_all_read(config: Config) -> None:
    some = [entry(n, "lr: 1\n") for n in range(LOOKED_AT)]
    unread = [entry(n, "lr: 2\n") for n in range(LOOKED_AT, 100_000)]
    head, _, *rows, last = lines([*some, *unread], config, 100, whole=False)
    assert head.split() == ["#", "Name", "lr", "RUN_ID"]
    assert rows[LOOKED_AT - 1].split()[:3] == [f"{LOOKED_AT - 1}", "walk", "1"]
    assert rows[-1].split() == ["99999", "walk", f"{ID}.100006.1"]
    assert last == "(parameters are shown of the first 5,000 only)"
