"""The queue in memory keeps the contract of every queue."""

from __future__ import annotations

from pathlib import Path

from coolrun.protocols import Queue
from coolrun.testing import Project
from coolrun.testing.queues import QueueSuite
from coolrun_plugins.memoryqueue import MemoryQueue


class TestMemoryQueue(QueueSuite):
    def make(self, folder: Path) -> Queue:
        return MemoryQueue()


def test_it_leaves_no_file(tmp_path: Path) -> None:
    queue = MemoryQueue()
    queue.put([])
    queue.close()
    assert list(tmp_path.iterdir()) == []


def test_null_asks_for_it(project: Project) -> None:
    project({"mod.py": "def main(exp):\n    pass\n"})
    project({"a.yaml": "Global: {queue: null}\nModule: mod\n---\nx: 1\n---\nx: 2\n"})
    outcome = project.run("--exp", "a.yaml")
    assert [record["x"] for record in outcome.records] == [1, 2]
