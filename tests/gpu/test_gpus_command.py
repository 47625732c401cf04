"""`coolrun gpus`: which GPUs there are, who holds them, and why one is not free."""

from __future__ import annotations

import getpass
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from coolrun.journal import read_journal
from coolrun.testing import Outcome, Project
from coolrun.testing.waiting import wait_for
from coolrun_plugins.gpu.locks import Locks

if TYPE_CHECKING:
    from tests.gpu.conftest import Nvml

GIB = 1 << 30
NO_PERMISSION, NOT_LOADED, LOST = 4, 9, 15
WIDTHS = (60, 80, 160)


def gpus(project: Project, nvml: Nvml, *args: str, **more: str) -> Outcome:
    outcome = project.run("gpus", *args, env={**nvml.environment, **more})
    assert "Traceback" not in outcome.err
    return outcome


def listed(project: Project, nvml: Nvml, **more: str) -> list[dict[str, Any]]:
    outcome = gpus(project, nvml, "--json", **more)
    assert outcome.code == 0, outcome
    found: list[dict[str, Any]] = json.loads(outcome.out)
    return found


# What there is


def test_free_gpus_are_a_line_each(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu(name="H100", total=80 * GIB), nvml.gpu(name="H100", utilisation=3))
    outcome = gpus(project, nvml)
    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.splitlines() == [
        "#  GPU           memory  busy  state  uuid",
        "0  H100  0.0 / 80.0 GiB   0 %  free   GPU-00000000-0000-4000-8000-000000000000",
        "1  H100  0.0 / 16.0 GiB   3 %  free   GPU-00000001-0000-4000-8000-000000000000",
    ]


def test_programs_are_told_everything(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu(name="H100", used=GIB, utilisation=None, processes={os.getpid(): None}))
    assert listed(project, nvml) == [
        {
            "index": 0,
            "uuid": "GPU-00000000-0000-4000-8000-000000000000",
            "name": "H100",
            "part_of": None,
            "memory": 16 * GIB,
            "used": GIB,
            "utilisation": None,
            "state": "free",
            "reason": None,
            "lease": None,
            "runs": [],
            "processes": [
                {
                    "pid": os.getpid(),
                    "memory": None,
                    "user": getpass.getuser(),
                    "command": " ".join(sys.orig_argv),
                    "run_id": None,
                    "name": None,
                }
            ],
        }
    ]


def test_without_a_driver_there_are_none(project: Project, nvml: Nvml) -> None:
    blocked = project.run("-p", "no:gpu.nvidia", "gpus", env=nvml.environment)
    assert (blocked.code, blocked.out, blocked.err) == (0, "no GPUs: no driver was found\n", "")
    blocked = project.run("-p", "no:gpu.nvidia", "gpus", "--json", env=nvml.environment)
    assert (blocked.code, blocked.out) == (0, "[]\n")


def test_a_driver_may_know_of_none(project: Project, nvml: Nvml) -> None:
    outcome = gpus(project, nvml)
    assert (outcome.code, outcome.out) == (0, "no GPUs: the driver knows of none\n")
    assert listed(project, nvml) == []


def test_a_driver_that_is_broken_is_an_error(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu(), init=NOT_LOADED)
    outcome = gpus(project, nvml)
    assert outcome.code == 3
    assert outcome.out == ""
    assert outcome.err.startswith("error: the NVIDIA driver is not loaded\n")


def test_the_driver_is_let_go(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu())
    gpus(project, nvml)
    assert nvml.calls() == ["init", "shutdown"]


def test_gpus_of_another_maker_are_another_plugin(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu())
    project(
        {
            "rocm.py": """
            from coolrun import hookimpl
            from coolrun_plugins.gpu.devices import Gpu

            class Inventory:
                def look(self):
                    return [Gpu(0, "GPU-amd", "MI300X", memory=192 << 30)]

                def close(self):
                    print("closed")

            @hookimpl
            def coolrun_gpu_inventory(config):
                return Inventory()
            """
        }
    )
    outcome = gpus(project, nvml, COOLRUN_PLUGINS="rocm", PYTHONPATH=str(project.path))
    assert outcome.code == 0, outcome
    assert "0  MI300X  0.0 / 192.0 GiB        free   GPU-amd" in outcome.out
    assert outcome.out.startswith("closed\n")
    assert nvml.calls() == []


# Why one is not free


def test_what_others_use_is_taken_and_named(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu(processes={os.getpid(): 5 * GIB}), nvml.gpu(processes={os.getpid(): 1}))
    outcome = gpus(project, nvml)
    _, first, holder, second, small = outcome.out.splitlines()
    assert "5.0 / 16.0 GiB" in first
    assert "taken" in first
    assert holder.startswith(f"   process {os.getpid()} of {getpass.getuser()}, 5 GiB: ")
    assert Path(sys.executable).name in holder
    assert "free" in second
    assert f"process {os.getpid()}" in small


def test_memory_that_no_visible_process_holds_is_taken_by_others(
    project: Project, nvml: Nvml
) -> None:
    nvml.write(nvml.gpu(used=8 * GIB))
    assert "   others take 8 GiB of it" in gpus(project, nvml).out.splitlines()


def test_a_process_that_has_gone_is_a_number(project: Project, nvml: Nvml) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    nvml.write(nvml.gpu(processes={gone.pid: 2 * GIB}))
    assert f"   process {gone.pid}, 2 GiB" in gpus(project, nvml).out.splitlines()


def test_a_gpu_in_trouble_says_which(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu(name="H100"), nvml.gpu(error=LOST), nvml.gpu(error=NO_PERMISSION))
    assert [line.rstrip() for line in gpus(project, nvml).out.splitlines()[1:]] == [
        "0  H100     0.0 / 16.0 GiB   0 %  free    GPU-00000000-0000-4000-8000-000000000000",
        "1  unknown                        broken",
        "   it is lost: it has fallen off the bus",
        "-  unknown                        broken",
        "   no permission to use it",
    ]
    states = [(one["index"], one["uuid"], one["state"]) for one in listed(project, nvml)[1:]]
    assert states == [(1, None, "broken"), (None, None, "broken")]


def test_what_a_confined_runner_may_not_use_is_hidden(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu(), nvml.gpu())
    outcome = gpus(project, nvml, CUDA_VISIBLE_DEVICES="1")
    assert "   CUDA_VISIBLE_DEVICES leaves it to others" in outcome.out.splitlines()
    states = [one["state"] for one in listed(project, nvml, CUDA_VISIBLE_DEVICES="1")]
    assert states == ["hidden", "free"]


def test_numbers_that_only_cuda_understands_are_noted_beside_the_uuids(
    project: Project, nvml: Nvml
) -> None:
    nvml.write(nvml.gpu(name="T4"), nvml.gpu(name="H100"))
    outcome = gpus(project, nvml, CUDA_VISIBLE_DEVICES="1")
    assert outcome.code == 0
    assert "counts from the fastest GPU" in outcome.err
    assert outcome.out.count("GPU-0000000") == 2


def test_a_gpu_that_is_leased_and_not_used_yet_is_taken(project: Project, nvml: Nvml) -> None:
    nvml.write(nvml.gpu(), nvml.gpu())
    folder = nvml.environment["COOLRUN_GPU_LOCKS"]
    os.mkdir(folder)
    locked = Locks(folder).take("GPU-00000000-0000-4000-8000-000000000000", "session x of anna")
    assert locked is not None
    try:
        assert "   leased to session x of anna" in gpus(project, nvml).out.splitlines()
        assert [one["state"] for one in listed(project, nvml)] == ["taken", "free"]
        assert listed(project, nvml)[0]["lease"] == "session x of anna"
    finally:
        os.close(locked)
    assert [one["state"] for one in listed(project, nvml)] == ["free", "free"]


def test_a_lock_that_cannot_be_used_is_told_as_the_trouble_of_its_gpu(
    project: Project, nvml: Nvml
) -> None:
    nvml.write(nvml.gpu(), nvml.gpu())
    folder = Path(nvml.environment["COOLRUN_GPU_LOCKS"])
    folder.mkdir()
    lock = Path(Locks(str(folder)).path("GPU-00000000-0000-4000-8000-000000000000"))
    lock.symlink_to("/etc/passwd")
    first, second = listed(project, nvml)
    assert (first["state"], second["state"]) == ("broken", "free")
    assert str(lock) in first["reason"]


# Runs

MODULE = """
import os, subprocess, time

def main(exp):
    hold(os.getpid())

def starts_another(exp):
    with subprocess.Popen(["sleep", "60"], env={}) as child:
        hold(child.pid)
        child.kill()

def hold(pid):
    with open("pids.new", "w") as file:
        file.write(str(pid))
    os.rename("pids.new", "pids")
    deadline = time.monotonic() + 60
    while not os.path.exists("go") and time.monotonic() < deadline:
        time.sleep(0.01)
"""
PROGRAM = "sh -c 'echo $$ > pids.new; mv pids.new pids; while [ ! -e go ]; do sleep 0.02; done'"


@contextmanager
def running(project: Project, definition: str, nvml: Nvml, *, ends: int = 0) -> Iterator[int]:
    """A session with one run; the number of the process that is to hold the GPU."""
    project({"mod.py": MODULE, "experiment.yaml": definition})
    command, environment, _ = project.command(env=nvml.environment)
    pids = project.path / "pids"
    with subprocess.Popen(
        command, cwd=project.path, env=environment, stdout=subprocess.DEVNULL
    ) as runner:
        try:
            wait_for(lambda: pids.exists() or runner.poll() is not None)
            yield int(pids.read_text())
        finally:
            (project.path / "go").touch()
            assert runner.wait(60) == ends


RUNS = {
    "a function": "Module: mod\n---\nName: big\n",
    "a function in an interpreter of its own": (
        "Global: {isolate: spawn}\nModule: mod\n---\nName: big\n"
    ),
    "a program": f"Command: {json.dumps(PROGRAM)}\n---\nName: big\n",
    "what a function starts": "Module: mod:starts_another\n---\nName: big\n",
    "a run with a folder of its own": "Module: mod\nOutput: elsewhere\n---\nName: big\n",
}


@pytest.mark.parametrize("definition", RUNS.values(), ids=RUNS)
def test_runs_that_hold_a_gpu_are_named(project: Project, nvml: Nvml, definition: str) -> None:
    with running(project, definition, nvml) as pid:
        nvml.write(nvml.gpu(processes={pid: 3 * GIB}))
        outcome = gpus(project, nvml)
        (process,) = listed(project, nvml)[0]["processes"]
        elsewhere = project.path.parent
        away = subprocess.run(
            [sys.executable, "-m", "coolrun", "gpus", "--json"],
            cwd=elsewhere,
            env={**os.environ, **nvml.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    (session,) = (project.path / ".coolrun" / "sessions").iterdir()
    assert (process["run_id"], process["name"]) == (f"{session.name}.0.1", "big")
    assert f"   run {session.name}.0.1 big (process {pid}, 3 GiB)" in outcome.out.splitlines()
    if "elsewhere" not in definition:
        (process,) = json.loads(away.stdout)[0]["processes"]
        assert (process["run_id"], process["name"]) == (f"{session.name}.0.1", None)


def test_a_lease_names_the_run_that_has_it_before_it_uses_the_gpu(
    project: Project, nvml: Nvml
) -> None:
    nvml.write(nvml.gpu(), nvml.gpu())
    with running(project, "Global: {gpus: 1}\nModule: mod\n---\nName: big\n", nvml) as pid:
        told = gpus(project, nvml).out.splitlines()
        idle, leased = listed(project, nvml)
        nvml.change(1, processes={pid: 3 * GIB})
        used = gpus(project, nvml).out.splitlines()
    (session,) = (project.path / ".coolrun" / "sessions").iterdir()
    run = f"run {session.name}.0.1 big"
    assert (idle["state"], idle["runs"]) == ("free", [])
    assert (leased["state"], leased["processes"]) == ("taken", [])
    assert leased["runs"] == [{"run_id": f"{session.name}.0.1", "name": "big"}]
    assert told[3:] == [
        f"   leased to session {session.name} of {getpass.getuser()}",
        f"   {run} (it has the lease, and no process there)",
    ]
    assert used[4:] == [f"   {run} (process {pid}, 3 GiB)"]
    assert [one["state"] for one in listed(project, nvml)] == ["free", "taken"]
    nvml.change(1, processes={})
    assert [one["state"] for one in listed(project, nvml)] == ["free", "free"]


def test_a_run_that_outlives_its_killed_runner_keeps_its_gpu_and_its_name(
    project: Project, nvml: Nvml
) -> None:
    nvml.write(nvml.gpu())
    definition = "Global: {gpus: auto}\nModule: mod\n---\nName: big\n"
    with running(project, definition, nvml, ends=-signal.SIGKILL) as pid:
        (session,) = (project.path / ".coolrun" / "sessions").iterdir()
        os.kill(read_journal(session / "journal.jsonl").pid, signal.SIGKILL)
        nvml.change(0, processes={pid: 3 * GIB})
        told = gpus(project, nvml).out.splitlines()
    assert told[2:] == [
        f"   leased to session {session.name} of {getpass.getuser()}",
        f"   run {session.name}.0.1 big (process {pid}, 3 GiB)",
    ]
    nvml.change(0, processes={})
    wait_for(lambda: listed(project, nvml)[0]["state"] == "free")
    assert listed(project, nvml)[0]["runs"] == []


def test_a_session_that_asks_for_no_gpu_does_not_look_at_them(project: Project, nvml: Nvml) -> None:
    project({"mod.py": "def main(exp):\n    pass\n", "experiment.yaml": "Module: mod\n---\n{}\n"})
    assert project.run(env=nvml.environment)
    assert nvml.calls() == []


def test_a_session_that_was_killed_while_it_began_hides_nothing(
    project: Project, nvml: Nvml
) -> None:
    (project.path / ".coolrun" / "sessions" / "20200101-000000-aaaaaaa").mkdir(parents=True)
    nvml.write(nvml.gpu(processes={os.getpid(): GIB}))
    assert gpus(project, nvml).code == 0


# How it looks


@pytest.fixture
def all_sorts(nvml: Nvml) -> Nvml:
    name = "NVIDIA H100 80GB HBM3"
    slices = [
        nvml.gpu(name=f"{name} MIG 1g.10gb", total=10 * GIB, utilisation=None),
        nvml.gpu(name=f"{name} MIG 3g.40gb", total=40 * GIB, processes={os.getpid(): 20 * GIB}),
    ]
    nvml.write(
        nvml.gpu(name=name, total=80 * GIB, utilisation=100, processes={os.getpid(): 79 * GIB}),
        nvml.gpu(name=f"{name} \x1b[31mred", total=80 * GIB),
        nvml.gpu(error=LOST),
        nvml.gpu(slices=slices),
        nvml.gpu(error=NO_PERMISSION),
    )
    return nvml


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_fits_the_width(project: Project, all_sorts: Nvml, width: int) -> None:
    outcome = gpus(project, all_sorts, COLUMNS=str(width))
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= width
    assert "\x1b" not in outcome.out
    assert lines[0].split()[:5] == ["#", "GPU", "memory", "busy", "state"]
    assert [line.split()[0] for line in lines if line[0] != " "] == [*"#0123", "3", "-"]
    states = {"taken", "free", "broken"}
    assert [
        word for line in lines if line[0] != " " for word in line.split() if word in states
    ] == [
        "taken",
        "free",
        "broken",
        "free",
        "taken",
        "broken",
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_slice_is_shown_with_the_name_by_which_it_is_asked_for(
    project: Project, all_sorts: Nvml, width: int
) -> None:
    outcome = gpus(project, all_sorts, COLUMNS=str(width))
    for number in range(2):
        assert outcome.out.count(f"MIG-00000004-0000-4000-8000-{number:012}") == 1
