"""What control groups leave to a process: version 2, version 1, and none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from coolrun.cgroups import kills_for_memory, usable_cpus

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def groups(folder: Path, membership: str, files: Mapping[str, str]) -> tuple[str, str]:
    (folder / "membership").write_text(membership)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder), str(folder / "membership")


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n"}, ALL),
        ("0::/a/b\n", {"a/b/cpu.max": "100000 100000\n"}, 1),
        ("0::/a/b\n", {"a/b/cpu.max": "50000 100000\n"}, 1),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1),
        ("0::/a/b\n", {"a/b/cpu.max": f"{(ALL + 1) * 1000} 1000\n"}, ALL),
        ("0::/\n", {"cpu.max": "1000 1000\n"}, 1),
        ("0::/../..\n", {"cpu.max": "1000 1000\n"}, 1),
        ("0::/a\n", {}, ALL),
        ("", {}, ALL),
        (
            "3:cpuset:/\n2:cpu,cpuacct:/a\n0::/\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "1\n", "cpu,cpuacct/a/cpu.cfs_period_us": "1\n"},
            1,
        ),
        ("2:cpu:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "1\n"}, ALL),
        # Docker with version 1: the path is the host's, the container's files are at the root.
        ("2:cpu:/x/1\n", {"cpu/cpu.cfs_quota_us": "1\n", "cpu/cpu.cfs_period_us": "1\n"}, 1),
        ("0::/a\n", {"a/cpu.max": "odd 0\n"}, ALL),
        ("0::/a\n", {"a/cpu.max": "1 0\n"}, ALL),
    ],
)
def test_the_smallest_quota_and_the_affinity_count(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int
) -> None:
    assert usable_cpus(*groups(tmp_path, membership, files)) == expected


def test_there_is_always_a_cpu(tmp_path: Path) -> None:
    assert usable_cpus(*groups(tmp_path, "0::/a\n", {"a/cpu.max": "0 1000\n"})) == 1
    assert usable_cpus() >= 1


EVENTS = "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n"


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/a\n", {"a/memory.events": EVENTS, "vmstat": "oom_kill 7\n"}, 2),
        ("0::/\n", {"vmstat": "pgfault 1\noom_kill 7\n"}, 7),
        (
            "4:memory:/a\n0::/\n",
            {"memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"},
            5,
        ),
        ("0::/a\n", {"vmstat": "pgfault 1\n"}, None),
        ("", {}, None),
    ],
)
def test_kills_are_those_of_the_group_or_else_of_the_machine(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int | None
) -> None:
    root, member = groups(tmp_path, membership, files)
    assert kills_for_memory(root, member, str(tmp_path / "vmstat")) == expected


def test_this_machine_can_be_asked() -> None:
    kills = kills_for_memory()
    assert kills is None or kills >= 0
