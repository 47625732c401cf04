"""Which GPUs there are, asked of a real library that the tests compile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from coolrun import SessionError
from coolrun.testing.waiting import wait_for
from coolrun_plugins.gpu.devices import Gpu, Holder
from coolrun_plugins.gpu.nvidia import coolrun_gpu_inventory
from coolrun_plugins.gpu.nvml import NvidiaInventory
from coolrun_plugins.gpu.silence import Silent

if TYPE_CHECKING:
    from tests.gpu.conftest import Nvml

GIB = 1 << 30
NOT_SUPPORTED, NO_PERMISSION, TOO_SMALL, NOT_LOADED = 3, 4, 7, 9
NO_FUNCTION, LOST, RESET_REQUIRED, MISMATCH, UNKNOWN = 13, 15, 16, 18, 999
HANGS = -1


@pytest.fixture
def inventory(loaded: Nvml) -> Iterator[NvidiaInventory]:
    with closing(NvidiaInventory()) as inventory:
        yield inventory


def uuid(number: int) -> str:
    return f"GPU-{number:08x}-0000-4000-8000-000000000000"


def test_a_gpu_is_told_with_all_that_the_driver_says(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(
        loaded.gpu(
            name="NVIDIA H100 80GB HBM3",
            total=80 * GIB,
            used=5 * GIB,
            utilisation=87,
            processes={7: 3 * GIB, 9: GIB},
        )
    )
    assert inventory.look() == [
        Gpu(
            index=0,
            uuid=uuid(0),
            name="NVIDIA H100 80GB HBM3",
            memory=80 * GIB,
            used=5 * GIB,
            utilisation=87.0,
            holders=(Holder(7, 3 * GIB), Holder(9, GIB)),
        )
    ]
    assert inventory.look()[0].free == 75 * GIB


def test_a_machine_can_have_the_driver_and_no_gpu(inventory: NvidiaInventory) -> None:
    assert inventory.look() == []


def test_every_look_is_a_fresh_one(loaded: Nvml, inventory: NvidiaInventory) -> None:
    loaded.write(loaded.gpu())
    assert inventory.look()[0].holders == ()
    loaded.change(0, processes={5: GIB}, utilisation=50)
    (gpu,) = inventory.look()
    assert (gpu.used, gpu.utilisation, gpu.holders) == (GIB, 50.0, (Holder(5, GIB),))


def test_gpus_are_counted_along_the_bus_however_the_driver_lists_them(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(*(loaded.gpu(name=f"bus {bus}", bus=bus) for bus in (9, 1, 5)))
    assert [(gpu.index, gpu.name, gpu.uuid) for gpu in inventory.look()] == [
        (0, "bus 1", uuid(1)),
        (1, "bus 5", uuid(2)),
        (2, "bus 9", uuid(0)),
    ]


def test_what_a_process_takes_may_be_unknown(loaded: Nvml, inventory: NvidiaInventory) -> None:
    loaded.write(loaded.gpu(used=GIB, processes={7: None}))
    assert inventory.look()[0].holders == (Holder(7, None),)


def test_processes_that_draw_or_share_by_mps_hold_a_gpu_too_and_are_told_once(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    kinds = {8: "G", 9: "M"}
    loaded.write(loaded.gpu(processes={7: 1, 8: 2, 9: 3}, kinds=kinds))
    assert [holder.pid for holder in inventory.look()[0].holders] == [7, 8, 9]


def test_a_name_that_is_no_text_hides_no_gpu(loaded: Nvml, inventory: NvidiaInventory) -> None:
    loaded.write(loaded.gpu(name="Fake"))
    loaded.state.write_bytes(loaded.state.read_bytes().replace(b"Fake", b"Fa\xff"))
    (gpu,) = inventory.look()
    assert (gpu.name, gpu.trouble) == ("unknown", None)


def test_many_processes_hold_one_gpu(loaded: Nvml, inventory: NvidiaInventory) -> None:
    loaded.write(loaded.gpu(processes={pid: pid for pid in range(1, 60)}))
    assert inventory.look()[0].holders == tuple(Holder(pid, pid) for pid in range(1, 60))


@pytest.mark.parametrize("code", [NOT_SUPPORTED, NO_PERMISSION, TOO_SMALL, NO_FUNCTION])
@pytest.mark.parametrize(
    "function",
    [
        "nvmlDeviceGetUtilizationRates",
        "nvmlDeviceGetComputeRunningProcesses_v3",
        "nvmlDeviceGetMPSComputeRunningProcesses_v3",
        "nvmlDeviceGetMigMode",
        "nvmlDeviceGetRemappedRows",
        "nvmlDeviceGetRetiredPagesPendingStatus",
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetMemoryInfo_v2",
    ],
)
def test_what_not_every_gpu_tells_makes_none_unfit(
    loaded: Nvml, inventory: NvidiaInventory, function: str, code: int
) -> None:
    loaded.write(loaded.gpu(used=GIB, fails={function: code}))
    (gpu,) = inventory.look()
    assert (gpu.trouble, gpu.memory, gpu.used) == (None, 16 * GIB, GIB)


def test_memory_that_is_not_told_is_none(loaded: Nvml, inventory: NvidiaInventory) -> None:
    """As where a GPU shares the memory of the machine."""
    names = ("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryInfo_v2")
    loaded.write(loaded.gpu(used=GIB, fails=dict.fromkeys(names, NOT_SUPPORTED)))
    (gpu,) = inventory.look()
    assert (gpu.trouble, gpu.memory, gpu.used, gpu.free) == (None, 0, 0, 0)


def test_a_gpu_that_gets_lost_is_told_with_what_was_known_of_it(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(loaded.gpu(), loaded.gpu(processes={5: GIB}), loaded.gpu())
    sound = inventory.look()
    loaded.change(1, error=LOST)
    first, lost, last = inventory.look()
    assert [first, last] == [sound[0], sound[2]]
    assert (lost.index, lost.uuid, lost.memory) == (1, uuid(1), 16 * GIB)
    assert lost.trouble == "it is lost: it has fallen off the bus"
    assert (lost.used, lost.utilisation, lost.holders) == (0, None, ())
    loaded.change(1, error=0)
    assert inventory.look() == sound


def test_a_gpu_that_was_lost_from_the_start_is_told_as_unknown(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(loaded.gpu(error=LOST), loaded.gpu())
    lost, sound = inventory.look()
    assert (lost.index, lost.uuid, lost.name) == (0, "", "unknown")
    assert "lost" in str(lost.trouble)
    assert (sound.index, sound.trouble) == (1, None)


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (RESET_REQUIRED, "it needs a reset"),
        (UNKNOWN, "the driver says: unknown error"),
        (77, "the driver says: error 77"),
    ],
)
@pytest.mark.parametrize(
    "function", ["nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetMemoryInfo_v2"]
)
def test_a_gpu_that_answers_with_an_error_is_in_trouble_and_hides_no_other(
    loaded: Nvml, inventory: NvidiaInventory, function: str, code: int, trouble: str
) -> None:
    loaded.write(loaded.gpu(fails={function: code}), loaded.gpu())
    assert [gpu.trouble for gpu in inventory.look()] == [trouble, None]


def test_a_gpu_that_may_not_be_opened_is_not_counted(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    """A container that was left one GPU of two: CUDA calls it 0."""
    loaded.write(loaded.gpu(error=NO_PERMISSION), loaded.gpu())
    hidden, ours = inventory.look()
    assert (hidden.index, hidden.trouble) == (-1, "no permission to use it")
    assert (ours.index, ours.uuid) == (0, uuid(1))


@pytest.mark.parametrize(
    ("failing", "words"), [(1, "bad rows cannot be replaced"), (2, "it needs a reset: bad pages")]
)
def test_memory_that_fails_makes_a_gpu_unfit(
    loaded: Nvml, inventory: NvidiaInventory, failing: int, words: str
) -> None:
    loaded.write(loaded.gpu(failing=failing))
    assert words in str(inventory.look()[0].trouble)


# Slices (MIG)


def divided(loaded: Nvml, **changes: Any) -> Any:
    slices = [
        loaded.gpu(name="H100 MIG 1g.10gb", total=10 * GIB, utilisation=None),
        loaded.gpu(name="H100 MIG 3g.40gb", total=40 * GIB, processes={5: GIB}),
    ]
    return loaded.gpu(**{"name": "H100", "slices": slices, **changes})


def test_slices_are_gpus_of_their_own_in_the_place_of_their_card(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(loaded.gpu(), divided(loaded), loaded.gpu(migs=True))
    found = inventory.look()
    assert [(gpu.index, gpu.uuid[:4], gpu.part_of) for gpu in found] == [
        (0, "GPU-", None),
        (1, "MIG-", uuid(1)),
        (1, "MIG-", uuid(1)),
        (2, "GPU-", None),
    ]
    small, large = found[1:3]
    assert (small.name, small.memory, small.utilisation) == ("H100 MIG 1g.10gb", 10 * GIB, None)
    assert (large.memory, large.used, large.holders) == (40 * GIB, GIB, (Holder(5, GIB),))


def test_a_card_that_is_divided_into_nothing_is_no_use(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(divided(loaded, slices=[]))
    (gpu,) = inventory.look()
    assert (gpu.uuid, gpu.trouble) == (
        uuid(0),
        "it is divided (MIG) into no slice that may be used",
    )


def test_a_card_that_gets_lost_takes_its_slices_along(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(divided(loaded))
    known = inventory.look()
    loaded.change(0, error=LOST)
    found = inventory.look()
    assert [gpu.uuid for gpu in found] == [gpu.uuid for gpu in known]
    assert all("lost" in str(gpu.trouble) for gpu in found)


def test_slices_of_a_card_whose_memory_fails_are_unfit(
    loaded: Nvml, inventory: NvidiaInventory
) -> None:
    loaded.write(divided(loaded, failing=1))
    assert all("its memory fails" in str(gpu.trouble) for gpu in inventory.look())


# The driver as a whole


@pytest.mark.parametrize(
    ("code", "message", "cure"),
    [
        (NOT_LOADED, "the NVIDIA driver is not loaded", "nvidia-smi"),
        (MISMATCH, "was replaced while it was loaded", "restart the machine"),
        (UNKNOWN, "the NVIDIA driver does not answer: unknown error", "-p no:gpu.nvidia"),
    ],
)
def test_a_driver_that_does_not_start_is_an_error_with_a_cure(
    loaded: Nvml, code: int, message: str, cure: str
) -> None:
    loaded.write(init=code)
    with pytest.raises(SessionError, match=message) as caught:
        coolrun_gpu_inventory()
    assert cure in str(caught.value.cure)
    assert loaded.calls() == []


def test_a_driver_that_breaks_later_is_an_error(loaded: Nvml, inventory: NvidiaInventory) -> None:
    loaded.write(init=UNKNOWN)
    with pytest.raises(SessionError, match="does not answer"):
        inventory.look()


def test_a_driver_that_hangs_is_told_of_and_heard_when_it_answers_at_last(loaded: Nvml) -> None:
    loaded.write(loaded.gpu())
    with closing(NvidiaInventory(later=0.1)) as inventory:
        loaded.change(0, fails={"nvmlDeviceGetUtilizationRates": HANGS})
        for _ in range(3):
            with pytest.raises(Silent, match="the NVIDIA driver has not answered for 1 s"):
                inventory.look()
        loaded.change(0, fails={}, utilisation=50)
        (gpu,) = wait_for(lambda: _answer(inventory))
        assert gpu.utilisation == 50.0


def _answer(inventory: NvidiaInventory) -> list[Gpu]:
    with suppress(Silent):
        return inventory.look()
    return []


def test_a_driver_that_hangs_at_its_start_is_an_error_that_says_what_to_do(loaded: Nvml) -> None:
    loaded.write(init=HANGS)
    with pytest.raises(Silent, match="the NVIDIA driver has not answered") as caught:
        NvidiaInventory(first=0.1)
    assert "nvidia-smi" in str(caught.value.cure)
    loaded.write()
    wait_for(lambda: not any(t.name == "the NVIDIA driver" for t in threading.enumerate()))


def test_a_driver_that_hangs_is_not_asked_to_let_go(loaded: Nvml) -> None:
    loaded.write(loaded.gpu(fails={"nvmlDeviceGetUUID": HANGS}))
    inventory = NvidiaInventory(later=0.1)
    with pytest.raises(Silent):
        inventory.look()
    inventory.close()
    assert loaded.calls() == ["init"]
    loaded.change(0, fails={})
    wait_for(lambda: _answer(inventory))
    inventory.close()
    assert loaded.calls() == ["init", "shutdown"]


def test_what_the_driver_lent_is_given_back_once(loaded: Nvml) -> None:
    loaded.write(loaded.gpu())
    inventory = coolrun_gpu_inventory()
    assert inventory is not None
    assert len(inventory.look()) == 1
    inventory.close()
    inventory.close()
    assert loaded.calls() == ["init", "shutdown"]


def test_closing_says_nothing_of_a_gpu_that_is_lost(loaded: Nvml) -> None:
    loaded.write(loaded.gpu())
    inventory = NvidiaInventory()
    loaded.change(0, error=LOST)
    inventory.close()
    assert loaded.calls() == ["init", "shutdown"]


# Finding the library

ASK = """
import json, sys
from coolrun import SessionError
from coolrun_plugins.gpu.nvidia import coolrun_gpu_inventory
try:
    inventory = coolrun_gpu_inventory()
    found = None if inventory is None else [gpu.name for gpu in inventory.look()]
except SessionError as error:
    found = error.message
print(json.dumps([found, "pynvml" in sys.modules]))
"""


def ask(environment: dict[str, str]) -> tuple[Any, bool]:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found, imported = json.loads(done.stdout)
    return found, imported


def test_the_library_is_found_by_the_loader(nvml: Nvml) -> None:
    nvml.write(nvml.gpu(name="found"))
    assert ask(nvml.environment) == (["found"], True)


def test_without_a_library_there_is_no_driver_and_nothing_is_imported(nvml: Nvml) -> None:
    if _machine_has_a_driver():
        pytest.skip("this machine has the library of a real driver")
    assert ask({}) == (None, False)


def test_a_library_that_cannot_be_loaded_is_an_error(nvml: Nvml) -> None:
    folder = nvml.state.parent / "broken"
    folder.mkdir()
    (folder / nvml.library.name).write_text("no library at all, just text" * 100)
    found, imported = ask({"LD_LIBRARY_PATH": str(folder)})
    assert found.startswith("the library of the NVIDIA driver cannot be loaded: ")
    assert not imported


def _machine_has_a_driver() -> bool:
    ask = "import ctypes; ctypes.CDLL('libnvidia-ml.so.1')"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.gpu
def test_a_real_driver_tells_of_sound_gpus() -> None:
    """In a process of its own: in this one the made-up library may be loaded."""
    if not _machine_has_a_driver():
        pytest.skip("this machine has no NVIDIA driver")
    script = (
        "import json; from dataclasses import asdict; from coolrun_plugins.gpu import nvidia;"
        "inventory = nvidia.coolrun_gpu_inventory();"
        "print(json.dumps([[asdict(gpu) for gpu in inventory.look()] for _ in range(3)]));"
        "inventory.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    looks = json.loads(done.stdout)
    assert looks[0]
    for gpu in looks[-1]:
        assert gpu["uuid"].startswith(("GPU-", "MIG-"))
        assert gpu["trouble"] is not None or gpu["name"]
        assert 0 <= gpu["used"] <= gpu["memory"]
    assert [gpu["uuid"] for gpu in looks[0]] == [gpu["uuid"] for gpu in looks[-1]]
