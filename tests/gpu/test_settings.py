"""The settings that say which GPUs are handed out."""

from __future__ import annotations

from typing import Any

import pytest

from coolrun import CoolrunError, Source, UsageError
from coolrun.cli import configure
from coolrun_plugins.gpu.devices import Gpu
from coolrun_plugins.gpu.settings import (
    Choice,
    choice_of,
    entries_of,
    read_count,
    read_form,
    read_gpus,
    read_resources,
    read_tolerance,
)
from coolrun_plugins.gpu.slots import Entry

SOURCE = Source("experiment.yaml", b"Global:\n  gpus: 0\n  resources: [0]\n---\n{}\n")
CARDS = [Gpu(number, f"GPU-{number}{number}", "Fake") for number in range(4)]
SLICES = [Gpu(4, f"MIG-4{letter}", "Fake", part_of="GPU-44") for letter in "ab"]
ALL = [*CARDS, *SLICES]


def choice(*argv: str, **settings: Any) -> Choice | None:
    config = configure(argv)
    config.take_settings(settings, SOURCE)
    return choice_of(config, SOURCE)


def entries(wanted: Choice | None, visible: list[Gpu] = ALL) -> dict[tuple[str, ...], int | None]:
    assert wanted is not None
    return {entry.gpus: entry.runs for entry in entries_of(wanted, ALL, visible)}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (0, [0]),
        ("0,1", [0, 1]),
        ("1, 3", [1, 3]),
        ([0, "1"], [0, 1]),
        ("GPU-0a-1,MIG-9", ["GPU-0a-1", "MIG-9"]),
        ("auto", "auto"),
        ("none", "none"),
        ([], "none"),
        (None, None),
    ],
)
def test_gpus_are_named_by_number_or_uuid(written: object, read: object) -> None:
    assert read_gpus(written) == read
    assert read_gpus(read) == read


@pytest.mark.parametrize("written", ["x", -1, True, 1.5, [[0]], "0,,1", "", {"a": 1}, "-1"])
def test_other_names_are_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected numbers as `coolrun gpus` shows them"):
        read_gpus(written)


def test_a_gpu_that_is_named_twice_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ValueError, match="1 is named twice: 'per_gpu: 2' lets two runs share"):
        read_gpus("1,0,1")


def test_resources_are_sets_of_gpus() -> None:
    assert read_resources([0, 1, "2,3"]) == [[0], [1], [2, 3]]
    assert read_resources([[3, 2], 0, 0]) == [[2, 3], [0], [0]]
    assert read_resources(None) is None


@pytest.mark.parametrize("written", [0, "0,1", [], [[]], {}, ["x"], [None]])
def test_other_resources_are_refused(written: object) -> None:
    with pytest.raises(ValueError):
        read_resources(written)


def test_the_other_settings_take_what_makes_sense() -> None:
    assert (read_count(2), read_count(None)) == (2, None)
    assert (read_form("uuid"), read_form("index")) == ("uuid", "index")
    assert (read_tolerance("25%"), read_tolerance(1), read_tolerance(0.5)) == (0.25, 1.0, 0.5)
    for wrong in (0, True, "2", 1.5):
        with pytest.raises(ValueError, match="positive whole number"):
            read_count(wrong)
    with pytest.raises(ValueError, match="'index' or 'uuid'"):
        read_form("number")
    for part in (2, -0.1, "200%", "x", True, None):
        with pytest.raises(ValueError, match="from 0 to 1"):
            read_tolerance(part)


def test_every_gpu_by_itself_is_what_auto_means_and_what_nothing_means() -> None:
    each = {(gpu.uuid,): None for gpu in ALL}
    assert entries(choice(gpus="auto")) == entries(choice()) == entries(choice("--gpus", "auto"))
    assert entries(choice()) == each


def test_so_many_runs_share_each() -> None:
    assert entries(choice("--gpus", "0,2", "--per-gpu", "2")) == {("GPU-00",): 2, ("GPU-22",): 2}
    assert set(entries(choice(per_gpu=3)).values()) == {3}


def test_the_command_line_wins() -> None:
    assert entries(choice("--gpus", "1", gpus="0")) == {("GPU-11",): None}
    assert entries(choice("--gpus", "1", resources=[0, 2])) == {("GPU-11",): None}
    assert choice("--gpus", "none", gpus="auto") is None


def test_an_entry_that_is_named_twice_is_shared() -> None:
    found = entries(choice(resources=[0, 1, "3,2", 0, "2,3"]))
    assert found == {("GPU-00",): 2, ("GPU-11",): 1, ("GPU-22", "GPU-33"): 2}


def test_settings_that_contradict_each_other_are_refused_where_they_stand() -> None:
    with pytest.raises(CoolrunError, match="'gpus' and 'resources' are both given") as error:
        choice(gpus="0", resources=[0])
    assert str(error.value).startswith("experiment.yaml:3:")
    with pytest.raises(CoolrunError, match="'per_gpu' and 'resources' are both given"):
        choice("--per-gpu", "2", resources=[0])


def test_a_uuid_may_be_given_in_part_and_a_divided_card_stands_for_its_slices() -> None:
    assert entries(choice(gpus=["GPU-1"])) == {("GPU-11",): None}
    slices = {("MIG-4a",): None, ("MIG-4b",): None}
    assert entries(choice(gpus=[4])) == slices
    assert entries(choice(gpus=["GPU-44"])) == slices
    assert entries(choice(resources=["0,MIG-4a"])) == {("GPU-00", "MIG-4a"): 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gpus": [9]}, r"there is no GPU 9 \(this machine has 0, 1, 2, 3, 4\)"),
        ({"gpus": ["GPU-x"]}, "there is no GPU GPU-x"),
        ({"resources": ["0,9"]}, "there is no GPU 9"),
        ({"gpus": ["MIG-4"]}, "several GPUs have a uuid that begins with 'MIG-4'"),
        ({"resources": ["0,4"]}, "GPU 4 is divided into 2 slices"),
    ],
)
def test_gpus_that_are_not_there_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        entries(choice(**settings))


def test_a_confined_process_hands_out_nothing_else() -> None:
    visible = [CARDS[2], SLICES[1]]
    assert entries(choice(), visible) == {("GPU-22",): None, ("MIG-4b",): None}
    assert entries(choice(gpus="2,4"), visible) == {("GPU-22",): None, ("MIG-4b",): None}
    with pytest.raises(UsageError, match="GPU 0 is not among those that CUDA_VISIBLE_DEVICES"):
        entries(choice("--gpus", "2,0"), visible)


def test_one_that_may_not_be_used_has_no_number_and_is_passed_over() -> None:
    hidden = Gpu(-1, "GPU-h", "Fake", trouble="no permission to use it")
    assert entries_of(Choice(), [hidden], [hidden]) == []
    assert entries_of(Choice(), ALL[:1], ALL[:1]) == [Entry(("GPU-00",))]
