"""A random order of starting that can be repeated."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.testing import Outcome, Project
from coolrun_plugins.shuffle import order

FILES = {
    "work.py": "import sys\ndef main(exp):\n    exp.ARGUMENTS = sys.argv[1:]\n",
    "experiment.yaml": "Module: work\n" + "---\n{}\n" * 12,
}


def started(done: Outcome) -> list[int]:
    return [int(record["RUN_ID"].split(".")[1]) for record in done.records]


def test_the_seed_that_is_printed_repeats_the_order(project: Project) -> None:
    first = project(FILES).run("--shuffle")
    seed = re.search(r"--shuffle (\d+) repeats it", first.err)
    assert seed is not None, first
    again = project(FILES).run("--shuffle", seed[1])
    assert started(again) == started(first)
    assert sorted(started(first)) == list(range(12))


def test_the_order_is_another_one_than_that_of_the_file(project: Project) -> None:
    assert started(project(FILES).run("--shuffle", "7")) == order(7, 12) != list(range(12))


def test_positions_stay_and_who_waits_still_waits(project: Project) -> None:
    text = "Module: work\nAfter: previous\n" + "---\n{}\n" * 6
    done = project({**FILES, "experiment.yaml": text}).run("--shuffle", "3", "-j", "2")
    assert started(done) == list(range(6))


def test_a_definition_may_ask_for_it(project: Project) -> None:
    text = "Module: work\nGlobal: {shuffle: 7}\n" + "---\n{}\n" * 12
    assert started(project({**FILES, "experiment.yaml": text}).run()) == order(7, 12)


def test_what_follows_and_is_no_seed_is_the_programs_own(project: Project) -> None:
    done = project(FILES).run("--shuffle", "--epochs", "3", "--pick", "0")
    assert "--epochs" in done.records[0]["ARGUMENTS"]


def test_a_dry_run_numbers_experiments_as_ever(project: Project) -> None:
    out = project(FILES).run("--dry", "--shuffle", "7").out
    numbers = [int(line.split()[0]) for line in out.splitlines() if line[:3].strip().isdigit()]
    assert numbers[:12] == list(range(12))


@pytest.mark.parametrize("value", ["often", "-1", "1.5"])
def test_what_is_no_seed_is_refused(project: Project, value: str) -> None:
    text = f"Module: work\nGlobal: {{shuffle: {value}}}\n---\n{{}}\n"
    done = project({**FILES, "experiment.yaml": text}).run("--dry")
    assert done.code == 4
    assert "expected true, false or a whole number" in done.err


@given(st.integers(0, 2**40), st.integers(0, 60), st.integers(0, 60))
def test_a_part_of_the_experiments_keeps_its_order(seed: int, fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))
    assert sorted(order(seed, more)) == list(range(more))
    assert [p for p in order(seed, more) if p < fewer] == order(seed, fewer)
