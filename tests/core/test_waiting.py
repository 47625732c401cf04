"""Who may start next."""

from __future__ import annotations

from collections.abc import Iterable

from coolrun.experiment import Experiment
from coolrun.waiting import Waiting


def experiment(position: int, after: Iterable[int] = ()) -> Experiment:
    return Experiment({}, position=position, after=frozenset(after))


def filled(*experiments: Experiment, unended: Iterable[int] = ()) -> Waiting:
    waiting = Waiting()
    waiting.fill(experiments, unended)
    return waiting


def free(waiting: Waiting) -> list[int]:
    return [e.position for e in waiting.free()]


def test_those_that_wait_for_nobody_are_free_in_the_order_of_the_queue() -> None:
    waiting = filled(experiment(4), experiment(2), experiment(3, [2]))
    assert free(waiting) == [4, 2]
    assert free(waiting) == [4, 2], "looking takes nothing away"


def test_who_waits_is_free_when_all_it_waits_for_have_ended() -> None:
    waiting = filled(experiment(0), experiment(1), experiment(2, [0, 1]))
    for position in (0, 1):
        waiting.remove(position)
    waiting.ended(0)
    assert free(waiting) == []
    waiting.ended(1)
    assert free(waiting) == [2]


def test_what_is_neither_waiting_nor_running_counts_as_ended() -> None:
    assert free(filled(experiment(1, [0]))) == [1]
    assert free(filled(experiment(1, [0]), unended=[0])) == []


def test_one_that_is_tried_again_comes_first_and_others_still_wait_for_it() -> None:
    waiting = filled(experiment(0), experiment(1, [0]), experiment(2))
    waiting.remove(0)
    waiting.put_first(experiment(0))
    assert free(waiting) == [0, 2]
    waiting.remove(0)
    waiting.ended(0)
    assert free(waiting) == [1, 2]


def test_the_last_that_was_put_first_is_the_first() -> None:
    waiting = filled(experiment(5))
    waiting.put_first(experiment(1))
    waiting.put_first(experiment(0))
    assert free(waiting) == [0, 1, 5]
    assert len(waiting) == 3


def test_it_tells_who_waits_for_whom() -> None:
    waiting = filled(experiment(0), experiment(1, [0]), experiment(2, [0, 1]))
    assert waiting.reasons() == {1: frozenset({0}), 2: frozenset({0, 1})}
