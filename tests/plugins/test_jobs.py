"""How many runs may go on at once."""

from __future__ import annotations

import os

import pytest

from coolrun.cgroups import allowed_cpus
from coolrun.cli import configure
from coolrun.config import Config
from coolrun.experiment import Source
from coolrun.testing import Project

DEFINITION = """
    Global: {jobs: JOBS}
    Module: work
    ---
    {}
    """


def capacity(config: Config, **settings: object) -> int:
    config.take_settings(settings, Source("experiment.yaml", b""))
    return int(min(config.hook.coolrun_capacity(config=config), default=1))


def test_one_run_goes_on_at_a_time_unless_told_otherwise() -> None:
    assert capacity(configure([])) == 1


def test_the_definition_says_how_many_and_the_command_line_wins() -> None:
    assert capacity(configure([]), jobs=3) == 3
    assert capacity(configure(["-j", "2"]), jobs=3) == 2
    assert capacity(configure(["--jobs=5"])) == 5


def test_auto_is_a_run_for_every_cpu_that_the_process_may_use() -> None:
    assert capacity(configure(["-j", "auto"])) == len(os.sched_getaffinity(0)) == allowed_cpus()
    assert capacity(configure([]), jobs="auto") == allowed_cpus()


def test_in_this_process_one_goes_on_at_a_time_whatever_was_asked_for() -> None:
    assert capacity(configure(["--in-process", "-j", "4"])) == 1


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_number_that_makes_no_sense_is_refused_in_words(project: Project, value: str) -> None:
    done = project({"experiment.yaml": "Module: work\n---\n{}\n"}).run("--dry", f"-j={value}")
    assert done.code == 4
    assert f"invalid jobs value '{value}' (expected a positive whole number or 'auto')" in done.err


@pytest.mark.parametrize("value", ["0", "true", "1.5", "[1]"])
def test_a_setting_that_makes_no_sense_is_refused_where_it_stands(
    project: Project, value: str
) -> None:
    text = DEFINITION.replace("JOBS", value)
    done = project({"experiment.yaml": text}).run("--dry")
    assert done.code == 4
    assert "experiment.yaml:1:" in done.err
    assert "expected a positive whole number or 'auto'" in done.err
