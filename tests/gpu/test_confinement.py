"""A runner that was confined to some GPUs sees no others."""

from __future__ import annotations

import pytest

from coolrun import UsageError
from coolrun_plugins.gpu.confinement import confined
from coolrun_plugins.gpu.devices import Gpu

ALIKE = [Gpu(n, f"GPU-{letter}0000000", "H100") for n, letter in enumerate("abcd")]
MIXED = [Gpu(0, "GPU-a", "T4"), Gpu(1, "GPU-b", "H100")]
DIVIDED = [
    Gpu(0, "GPU-a", "H100"),
    Gpu(1, "MIG-a1", "H100 MIG 1g.10gb", part_of="GPU-b"),
    Gpu(1, "MIG-b2", "H100 MIG 1g.10gb", part_of="GPU-b"),
    Gpu(2, "GPU-c", "H100"),
]


def letters(written: str | None, gpus: list[Gpu] = ALIKE, **more: str) -> str:
    environment = more if written is None else {"CUDA_VISIBLE_DEVICES": written, **more}
    return "".join(gpu.uuid[4] for gpu in confined(gpus, environment))


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (None, "abcd"),
        ("", ""),
        ("-1", ""),
        ("none", ""),
        ("NoDevFiles", ""),
        ("0", "a"),
        ("2,1", "cb"),
        (" 1 , 3 ", "bd"),
        ("0,2,-1,1", "ac"),
        ("0,,1", "a"),
        ("0,7,1", "a"),
        ("1x,2", "bc"),
        ("0,0", ""),
        ("GPU-b", "b"),
        ("GPU-c0000000,GPU-a", "ca"),
        ("GPU-", ""),
        ("GPU-a,GPU-nothing,GPU-b", "a"),
        ("GPU-a,1", "a"),
        ("1,GPU-a", "b"),
        ("GPU-a,GPU-a0", ""),
        ("MIG-a", ""),
    ],
)
def test_the_variable_is_read_as_cuda_reads_it(written: str | None, seen: str) -> None:
    assert letters(written) == seen


def test_numbers_that_count_from_the_fastest_gpu_are_refused_where_gpus_differ() -> None:
    with pytest.raises(UsageError, match=r"CUDA_VISIBLE_DEVICES is '1', which counts from the f"):
        letters("1", MIXED)
    with pytest.raises(UsageError, match="set CUDA_DEVICE_ORDER=PCI_BUS_ID"):
        letters("1", MIXED, CUDA_DEVICE_ORDER="FASTEST_FIRST")
    assert letters("1", MIXED, CUDA_DEVICE_ORDER="PCI_BUS_ID") == "b"
    assert letters("GPU-b", MIXED) == "b"
    assert letters("", MIXED) == ""
    assert letters("-1", MIXED) == ""


def test_gpus_of_which_nothing_is_known_make_no_difference() -> None:
    gpus = [Gpu(-1, "", "unknown", trouble="no permission to use it"), *ALIKE]
    assert letters("0", gpus) == "a"
    assert letters("-1", gpus) == ""


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("0,2", ["GPU-a", "GPU-c"]),
        ("1", ["MIG-a1"]),
        ("GPU-b", ["MIG-a1"]),
        ("MIG-b2", ["MIG-b2"]),
        ("MIG-b2,MIG-a1", ["MIG-b2", "MIG-a1"]),
        ("MIG-x", []),
    ],
)
def test_slices_are_named_and_a_card_stands_for_its_first(written: str, seen: list[str]) -> None:
    found = confined(DIVIDED, {"CUDA_VISIBLE_DEVICES": written})
    assert [gpu.uuid for gpu in found] == seen
