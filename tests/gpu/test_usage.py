"""Who uses a GPU, what runs take of it, and what they leave."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coolrun.testing.waiting import wait_for
from coolrun_plugins.gpu.aftermath import PATIENCE, Aftermath
from coolrun_plugins.gpu.devices import Gpu, Holder
from coolrun_plugins.gpu.measuring import Peaks
from coolrun_plugins.gpu.slots import Card, Tenant
from coolrun_plugins.gpu.usage import Owners, card_of, process

GIB = 1 << 30
STRANGER = Holder(1, 3 * GIB)
TOKEN = "token-of-a-run"


def gpu(*holders: Holder, used: int | None = None, busy: float = 0.0) -> Gpu:
    used = sum(h.memory or 0 for h in holders) if used is None else used
    return Gpu(0, "GPU-0", "Fake", 16 * GIB, used, busy, holders)


def card(gpu: Gpu, *, ours: bool = False, just_left: bool = False, tolerance: float = 0.1) -> Card:
    foreign = [holder for holder in gpu.holders if holder is STRANGER]
    return card_of(gpu, foreign, ours=ours, just_left=just_left, tolerance=tolerance)


@contextmanager
def carrying() -> Iterator[int]:
    """A process that carries the token of a run."""
    with subprocess.Popen(["sleep", "1000"], env={"COOLRUN_TOKEN": TOKEN}) as running:
        # What it is called and what it carries is seen a moment after it was started.
        wait_for(lambda: process(running.pid).endswith("(sleep)"))
        wait_for(lambda: OWNERS.token_of(running.pid))
        yield running.pid
        running.kill()


@pytest.fixture
def child() -> Iterator[int]:
    with carrying() as pid:
        yield pid


OWNERS = Owners({TOKEN: "/nowhere"})


@pytest.mark.parametrize("pid", [0, 1 << 31, (1 << 32) - 1])
def test_numbers_that_no_process_has_belong_to_no_run(pid: int) -> None:
    owners = Owners({TOKEN: "/nowhere"})
    assert owners.token_of(pid) is None
    assert process(pid) == f"process {pid}"
    assert owners.foreign(gpu(Holder(pid, GIB))) == [Holder(pid, GIB)]


def test_a_gpu_is_free_as_long_as_others_use_little_of_it() -> None:
    assert card(gpu()).obstacle is None
    assert card(gpu(used=GIB)).obstacle is None
    assert card(gpu(busy=9)).obstacle is None


def test_a_gpu_that_others_use_is_not() -> None:
    assert card(gpu(STRANGER)).obstacle == f"{process(1)} takes 3 GiB of it"
    assert card(gpu(used=2 * GIB)).obstacle == "others take 2 GiB of it"
    assert card(gpu(busy=50)).obstacle == "others compute on it (50 % of the time)"
    assert card(gpu(STRANGER), tolerance=0.5).obstacle is None
    assert card(gpu(busy=100, used=16 * GIB), tolerance=1).obstacle is None


def test_what_our_runs_use_keeps_none_of_ours_away() -> None:
    busy = gpu(used=12 * GIB, busy=100)
    assert card(busy, ours=True).obstacle is None
    assert card(busy, ours=True).foreign == 0
    assert card(gpu(STRANGER, busy=100), ours=True).obstacle is not None


def test_what_our_last_run_computed_is_still_measured_for_a_moment() -> None:
    assert card(gpu(busy=100), just_left=True).obstacle is None


def test_more_use_is_more_load() -> None:
    loads = [card(g).load for g in (gpu(), gpu(busy=5), gpu(used=GIB), gpu(used=2 * GIB))]
    assert loads == sorted(loads)
    assert len(set(loads)) == 4


def test_a_process_belongs_to_the_run_whose_token_it_carries(child: int) -> None:
    assert OWNERS.token_of(child) == TOKEN
    assert Owners().token_of(child) is None
    assert OWNERS.foreign(gpu(Holder(child), STRANGER)) == [STRANGER]


def test_what_the_runner_itself_takes_is_not_foreign() -> None:
    assert OWNERS.foreign(gpu(Holder(os.getpid(), GIB))) == []


def test_a_process_is_named_as_far_as_it_is_known(child: int) -> None:
    assert process(child) == f"process {child} (sleep)"
    assert process(1 << 30) == f"process {1 << 30}"


def test_numbers_that_mean_nothing_here_may_be_those_of_our_runs() -> None:
    stranger = Holder(1 << 30, 3 * GIB)
    shared = gpu(stranger)
    told = [
        card_of(shared, [stranger], ours=ours, just_left=False, tolerance=0.1).obstacle
        for ours in (True, False)
    ]
    assert told == [None, f"process {1 << 30} takes 3 GiB of it"]


# Measuring


def tenants(*tokens: str) -> dict[str, Tenant]:
    return {token: Tenant((("GPU-0",),)) for token in tokens}


def test_the_most_that_a_run_was_seen_to_take_is_kept(child: int) -> None:
    peaks = Peaks()
    peaks.begin(TOKEN, {"GPU-0": gpu()})
    for amount in (GIB, 5 * GIB, 2 * GIB):
        peaks.take({"GPU-0": gpu(Holder(child, amount), STRANGER)}, tenants(TOKEN), OWNERS)
    assert peaks.end(TOKEN) == 5 * GIB
    assert peaks.end(TOKEN) is None


def test_several_processes_of_a_run_count_together(child: int) -> None:
    peaks = Peaks()
    with carrying() as other:
        both = gpu(Holder(child, GIB), Holder(other, GIB))
        peaks.take({"GPU-0": both}, tenants(TOKEN), OWNERS)
    assert peaks.end(TOKEN) == 2 * GIB


def test_where_processes_are_hidden_it_is_what_a_gpu_has_more_than_before() -> None:
    peaks = Peaks()
    peaks.begin(TOKEN, {"GPU-0": gpu(used=GIB)})
    peaks.take({"GPU-0": gpu(used=4 * GIB)}, tenants(TOKEN), OWNERS)
    peaks.take({"GPU-0": gpu(Holder(1 << 30, GIB), used=3 * GIB)}, tenants(TOKEN), OWNERS)
    assert peaks.end(TOKEN) == 3 * GIB


def test_what_cannot_be_told_apart_is_not_told() -> None:
    peaks = Peaks()
    peaks.begin(TOKEN, {"GPU-0": gpu()})
    peaks.take({"GPU-0": gpu(used=4 * GIB)}, tenants(TOKEN, "other"), OWNERS)
    assert peaks.end(TOKEN) is None


# Afterwards


def aftermath(used: int = 0) -> Aftermath:
    made = Aftermath()
    made.begin({"GPU-0": gpu(used=used)})
    made.ended(Owners({TOKEN: "/nowhere"}), ["GPU-0"], 100.0)
    return made


def test_a_gpu_that_is_free_again_is_forgotten() -> None:
    after = aftermath()
    after.clear({"GPU-0": gpu(STRANGER)}, ())
    assert after.suspects == {}


def test_what_a_run_has_left_is_named_once_and_after_some_time(child: int) -> None:
    after = aftermath()
    left = {"GPU-0": gpu(Holder(child, 3 * GIB))}
    after.clear(left, ())
    assert list(after.overdue(left, (), 100.0 + PATIENCE / 2)) == []
    told = [("GPU-0", f"process {child} (sleep) still holds 3 GiB of it")]
    assert list(after.overdue(left, (), 100.0 + PATIENCE)) == told
    assert list(after.overdue(left, (), 200.0)) == []
    after.clear({"GPU-0": gpu()}, ())
    assert after.suspects == {}


def test_a_process_that_cannot_end_is_still_known_to_be_the_runs() -> None:
    owners = Owners({TOKEN: "/nowhere"})
    with carrying() as pid:
        assert owners.token_of(pid) == TOKEN
    made = Aftermath()
    made.ended(owners.take(TOKEN), ["GPU-0"], 100.0)
    assert owners == Owners()
    (told,) = made.overdue({"GPU-0": gpu(Holder(pid))}, (), 200.0)
    assert told == ("GPU-0", f"process {pid} still holds it")


def test_memory_that_nobody_has_is_told_of_too() -> None:
    after = aftermath(used=GIB)
    left = {"GPU-0": gpu(used=3 * GIB)}
    (told,) = after.overdue(left, (), 200.0)
    assert told[1] == "2 GiB of it are still taken, the driver does not say by whom"
    after.clear(left, {"GPU-0"})
    assert after.suspects == {}, "a run of ours is on it by now"
