"""The contract of a queue, as tests that every queue passes.

Inherit it in a test module, and say how to make yours:

    class TestMyQueue(QueueSuite):
        def make(self, folder):
            return MyQueue(folder / "queue.yaml")
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from coolrun.experiment import Experiment

if TYPE_CHECKING:
    from coolrun.protocols import Queue


def waiting(queue: Queue) -> list[int]:
    return [experiment.position for experiment in queue.waiting()]


class QueueSuite:
    """Tests of one kind of queue."""

    def make(self, folder: Path) -> Queue:
        """An empty queue; `folder` is empty and its own."""
        raise NotImplementedError

    @pytest.fixture
    def queue(self, tmp_path: Path) -> Iterator[Queue]:
        queue = self.make(tmp_path)
        yield queue
        queue.close()

    @pytest.fixture
    def experiments(self) -> list[Experiment]:
        return [Experiment({"Name": f"n{i}", "x": i}, position=i) for i in range(4)]

    def test_it_begins_empty(self, queue: Queue, experiments: list[Experiment]) -> None:
        assert waiting(queue) == []
        assert queue.take(experiments[0]) is None

    def test_what_waits_is_in_the_order_in_which_it_was_put(
        self, queue: Queue, experiments: list[Experiment]
    ) -> None:
        queue.put(experiments[:2])
        queue.put(iter(experiments[2:]))
        assert waiting(queue) == [0, 1, 2, 3]

    def test_nothing_may_be_put(self, queue: Queue) -> None:
        queue.put([])
        assert waiting(queue) == []

    def test_what_is_taken_does_not_wait_any_more(
        self, queue: Queue, experiments: list[Experiment]
    ) -> None:
        queue.put(experiments)
        taken = queue.take(experiments[0])
        assert taken is not None
        assert dict(taken) == dict(experiments[0])
        assert waiting(queue) == [1, 2, 3]

    def test_any_of_them_can_be_taken(self, queue: Queue, experiments: list[Experiment]) -> None:
        queue.put(experiments)
        for position in (2, 0, 3, 1):
            taken = queue.take(experiments[position])
            assert taken is not None
            assert taken.position == position
        assert waiting(queue) == []

    def test_nothing_is_taken_twice(self, queue: Queue, experiments: list[Experiment]) -> None:
        queue.put(experiments)
        assert queue.take(experiments[1]) is not None
        assert queue.take(experiments[1]) is None

    def test_what_is_given_back_is_first(self, queue: Queue, experiments: list[Experiment]) -> None:
        queue.put(experiments)
        taken = queue.take(experiments[2])
        assert taken is not None
        queue.give_back(taken)
        assert waiting(queue) == [2, 0, 1, 3]
        assert queue.take(experiments[2]) is not None

    def test_looking_changes_nothing(self, queue: Queue, experiments: list[Experiment]) -> None:
        queue.put(experiments)
        before = list(queue.waiting())
        assert queue.refresh() in {True, False}
        assert queue.refresh() is False, "nobody else has changed anything"
        assert [e.position for e in before] == waiting(queue)

    def test_what_was_seen_before_does_not_change_afterwards(
        self, queue: Queue, experiments: list[Experiment]
    ) -> None:
        queue.put(experiments)
        seen = queue.waiting()
        queue.take(experiments[0])
        assert len(seen) == 4

    def test_taking_does_not_get_slower_with_the_length(self, queue: Queue) -> None:
        many = [Experiment({"x": i}, position=i) for i in range(2_000)]
        queue.put(many)
        for experiment in many:
            assert queue.take(experiment) is not None
        assert waiting(queue) == []
