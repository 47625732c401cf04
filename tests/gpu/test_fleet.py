"""What a session does while the driver says nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from coolrun_plugins.gpu.devices import Gpu
from coolrun_plugins.gpu.fleet import PATIENCE, Fleet
from coolrun_plugins.gpu.settings import Choice
from coolrun_plugins.gpu.silence import Silent


class Driver:
    """An inventory of one GPU, and as much of a Config as a fleet needs."""

    def __init__(self) -> None:
        self.config = self.pluginmanager = self.clock = self
        self.silent: float | None = None
        self.told: list[str] = []
        self.now = 0.0

    def look(self) -> Sequence[Gpu]:
        if self.silent is not None:
            raise Silent("the driver", self.silent)
        return [Gpu(0, "GPU-0", "Fake", 1 << 30)]

    def close(self) -> None: ...

    def ask(self, hook: str, **_: Any) -> Driver:
        return self

    def add_cleanup(self, function: Callable[[], None]) -> None: ...

    def warn(self, message: str) -> None:
        self.told.append(message)

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


def surveyed() -> tuple[Driver, Fleet]:
    driver = Driver()
    fleet = Fleet(driver, Choice())  # type: ignore[arg-type]
    fleet.survey()
    return driver, fleet


def test_a_driver_that_is_silent_for_a_moment_costs_no_gpu_and_is_told_once() -> None:
    driver, fleet = surveyed()
    for driver.silent in (2.0, 3.0, PATIENCE - 1):
        assert fleet.look().keys() == {"GPU-0"}
        assert fleet.silence is not None
    driver.silent = None
    fleet.look()
    assert (fleet.silence, fleet.drained) == (None, {})
    assert driver.told == ["the driver has not answered for 2 s: no run gets a GPU until it does"]


def test_one_that_stays_silent_is_given_up() -> None:
    driver, fleet = surveyed()
    driver.silent = PATIENCE
    fleet.look()
    assert fleet.drained == {"GPU-0": "the driver has not answered for 60 s"}
    assert fleet.memory == {}
    assert driver.told == ["GPU 0 is left out from now on: the driver has not answered for 60 s"]
