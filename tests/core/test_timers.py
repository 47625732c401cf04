"""What is done every so many seconds."""

from __future__ import annotations

from coolrun.timers import Timers


def test_each_is_called_after_its_own_time_and_then_again() -> None:
    timers, told = Timers(), list[str]()
    assert timers.next() is None
    timers.add(1.0, lambda: told.append("second"), now=10.0)
    timers.add(60.0, lambda: told.append("minute"), now=10.0)
    assert timers.next() == 11.0
    timers.call(10.9)
    assert told == []
    timers.call(11.0)
    timers.call(11.5)
    assert (told, timers.next()) == (["second"], 12.0)


def test_one_that_is_late_is_called_once_only() -> None:
    timers, told = Timers(), list[int]()
    timers.add(1.0, lambda: told.append(1), now=0.0)
    timers.call(100.0)
    assert (told, timers.next()) == ([1], 101.0)


def test_one_that_is_added_by_another_is_not_called_at_once() -> None:
    timers, told = Timers(), list[int]()
    timers.add(1.0, lambda: timers.add(0.5, lambda: told.append(1), now=1.0), now=0.0)
    timers.call(1.0)
    assert told == []
    timers.call(1.5)
    assert told == [1]
