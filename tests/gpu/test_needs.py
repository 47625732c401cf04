"""What experiments ask for, and what is refused."""

from __future__ import annotations

import pytest

from coolrun import DefinitionError, Experiment, Marked
from coolrun_plugins.gpu.needs import Need, in_words, is_pending, need_of, size


def test_an_experiment_that_says_nothing_needs_one_gpu() -> None:
    assert need_of(Experiment({})) == Need(1)
    assert need_of(Experiment({"Gpus": None, "GpuMemory": None})) == Need(1)


def test_it_says_how_many_and_how_much_of_each() -> None:
    assert need_of(Experiment({"Gpus": 0})) == Need(0)
    assert need_of(Experiment({"Gpus": 2, "GpuMemory": "10 GiB"})) == Need(2, 10 << 30)


@pytest.mark.parametrize("value", [-1, 1.5, True, "2", [0]])
def test_a_number_of_gpus_that_makes_no_sense_is_refused(value: object) -> None:
    with pytest.raises(DefinitionError, match="expected a whole number from 0") as error:
        need_of(Experiment({"Name": "a", "Gpus": value}, position=3))
    assert error.value.experiment == "experiment 3 'a'"
    assert error.value.key == "Gpus"


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("10 GiB", 10 << 30),
        ("10GB", 10_000_000_000),
        ("1.5 GiB", 3 << 29),
        ("800 MiB", 800 << 20),
        (" 1tb ", 10**12),
        ("64 KiB", 64 << 10),
    ],
)
def test_sizes_are_read_with_their_unit(written: str, amount: int) -> None:
    assert size(written) == amount


@pytest.mark.parametrize(
    "value", ["10", 10, 10.5, "10 G", "GiB", "-1 GiB", "0 GiB", "1e3 GiB", True, "9999999999 TiB"]
)
def test_a_size_without_unit_or_sense_is_refused(value: object) -> None:
    with pytest.raises(DefinitionError, match="expected a size with its unit") as error:
        need_of(Experiment({"GpuMemory": value}))
    assert error.value.key == "GpuMemory"


@pytest.mark.parametrize(
    ("amount", "words"), [(10 << 30, "10 GiB"), (3 << 29, "1.5 GiB"), (300 << 20, "300 MiB")]
)
def test_sizes_are_told_as_people_say_them(amount: int, words: str) -> None:
    assert in_words(amount) == words


def test_what_is_known_at_launch_only_is_pending() -> None:
    assert is_pending(Experiment({"Gpus": Marked("await", "E[-1].N")}))
    assert not is_pending(Experiment({"Gpus": 2}))
