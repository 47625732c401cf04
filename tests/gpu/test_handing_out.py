"""Runs get GPUs of their own, as many as they ask for and as there are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from coolrun.testing import Outcome, Project

GIB = 1 << 30
SHOW = """
    import os

    def main(exp):
        exp["VISIBLE"] = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        exp["ORDER"] = os.environ.get("CUDA_DEVICE_ORDER", "not set")
"""
# Waits until as many runs go on at once as are expected; more never do.
MEET = """
    import os, pathlib, time

    def main(exp):
        here = pathlib.Path("here")
        here.mkdir(exist_ok=True)
        (here / str(exp.n)).touch()
        deadline = time.monotonic() + 20
        while len(os.listdir(here)) < exp.together and not os.path.exists("met"):
            assert time.monotonic() < deadline, os.listdir(here)
            time.sleep(0.01)
        pathlib.Path("met").touch()
        exp["VISIBLE"] = os.environ["CUDA_VISIBLE_DEVICES"]
"""


@pytest.fixture
def show(project: Project, nvml: Any) -> Any:
    """Run experiments that tell what they see: `show(experiments, *arguments)`."""
    nvml.write(nvml.gpu(), nvml.gpu())

    def run(text: str, *args: str, settings: str = "{}", **env: str) -> Outcome:
        definition = f"Global: {settings}\nModule: show\n{text}"
        project({"show.py": SHOW, "meet.py": MEET, "experiment.yaml": definition})
        return project.run(*args, env={**nvml.environment, **env})

    return run


def seen(outcome: Outcome, key: str = "VISIBLE") -> list[Any]:
    assert outcome, outcome
    return [r[key] for r in sorted(outcome.records, key=lambda r: int(r["RUN_ID"].split(".")[1]))]


def places(project: Project) -> int:
    (journal,) = project.path.glob(".coolrun/sessions/*/journal.jsonl")
    return int(json.loads(journal.read_text().splitlines()[1])[1])


# Whether GPUs are handed out at all


def test_without_a_setting_nobody_touches_the_variable_or_asks_the_driver(
    show: Any, nvml: Any
) -> None:
    outcome = show("---\n{}\n", CUDA_VISIBLE_DEVICES="7")
    assert seen(outcome) == ["7"]
    assert "GPUS" not in outcome.records[0]
    assert nvml.calls() == []


def test_the_modules_own_option_of_a_similar_name_is_the_modules(show: Any, nvml: Any) -> None:
    assert seen(show("---\n{}\n", "--gpu", "0", "1", CUDA_VISIBLE_DEVICES="7")) == ["7"]
    assert nvml.calls() == []


def test_none_leaves_gpus_alone_whatever_experiments_ask_for(show: Any, nvml: Any) -> None:
    outcome = show("---\nGpus: 2\n", "--gpus", "none", CUDA_VISIBLE_DEVICES="7")
    assert seen(outcome) == ["7"]
    assert nvml.calls() == []


@pytest.mark.parametrize("args", [["--gpus", "auto"], ["--per-gpu", "1"], ["--gpus", "0,1"]])
def test_with_a_setting_every_run_gets_one(show: Any, args: Sequence[str]) -> None:
    outcome = show("---\n{}\n", *args)
    assert seen(outcome) == ["0"]
    assert seen(outcome, "ORDER") == ["PCI_BUS_ID"]
    assert seen(outcome, "GPUS") == [[0]]


def test_a_key_alone_counts_as_a_setting_for_all(show: Any) -> None:
    assert seen(show("---\nGpus: 2\n---\n{}\n")) == ["0,1", "0"]
    assert seen(show("---\nGpuMemory: 1 GiB\n")) == ["0"]


def test_who_needs_none_sees_none_where_gpus_are_handed_out(show: Any, nvml: Any) -> None:
    outcome = show("---\nGpus: 0\n---\n{}\n", settings="{gpus: auto}", CUDA_VISIBLE_DEVICES="1")
    assert seen(outcome) == ["", "1"]
    assert seen(outcome, "GPUS") == [[], [1]]


def test_the_driver_is_not_asked_where_nobody_needs_a_gpu(show: Any, nvml: Any) -> None:
    assert seen(show("---\nGpus: 0\n", "--gpus", "auto")) == [""]
    assert nvml.calls() == []


def test_the_driver_is_let_go_of_before_processes_are_forked_and_at_the_end(
    show: Any, nvml: Any
) -> None:
    show("---\n{}\n", "--gpus", "auto")
    assert nvml.calls() == ["init", "shutdown"] * 2


# What a run sees


def test_runs_may_be_told_uuids(show: Any) -> None:
    outcome = show("---\nGpus: 2\n", settings="{gpu_ids: uuid}")
    first, second = seen(outcome)[0].split(",")
    assert first.startswith("GPU-00000000-")
    assert second.startswith("GPU-00000001-")
    assert seen(outcome, "GPUS") == [[0, 1]]


def test_slices_are_told_by_uuid(show: Any, nvml: Any) -> None:
    nvml.write(nvml.gpu(slices=[nvml.gpu(total=GIB), nvml.gpu(total=2 * GIB)]), nvml.gpu())
    outcome = show("---\nGpuMemory: 2 GiB\n", "--gpus", "0")
    (uuid,) = seen(outcome)
    assert uuid.startswith("MIG-")
    assert uuid.endswith("1")
    assert seen(outcome, "GPUS") == [[uuid]]


def test_a_run_with_several_gets_no_slices_of_which_cuda_uses_one(show: Any, nvml: Any) -> None:
    nvml.write(nvml.gpu(slices=[nvml.gpu(), nvml.gpu()]), nvml.gpu(), nvml.gpu())
    assert seen(show("---\nGpus: 2\n", "--gpus", "auto")) == ["1,2"]
    outcome = show("---\nGpus: 3\n", "--gpus", "auto")
    assert "it needs 3 GPUs, and there are 2 to hand out besides slices" in outcome.err


def test_a_confined_runner_hands_out_no_others(show: Any) -> None:
    text = "---\n{}\n---\n{}\n"
    assert seen(show(text, "--gpus", "auto", "-j", "2", CUDA_VISIBLE_DEVICES="1")) == ["1", "1"]
    outcome = show(text, "--gpus", "0", CUDA_VISIBLE_DEVICES="1")
    assert outcome.code == 4
    assert (
        "GPU 0 is not among those that CUDA_VISIBLE_DEVICES leaves to this process" in outcome.err
    )


def test_a_gpu_that_is_not_there_is_refused_where_it_is_named(show: Any) -> None:
    outcome = show("---\n{}\n", settings="{gpus: [0, 7]}")
    assert outcome.code == 4
    assert "experiment.yaml:1:16: there is no GPU 7 (this machine has 0, 1)" in outcome.err
    outcome = show("---\n{}\n", "--gpus", "7")
    assert outcome.code == 4
    assert "error: there is no GPU 7" in outcome.err


@pytest.mark.parametrize("value", ["x", "0,0", "-1"])
def test_a_value_that_makes_no_sense_is_refused_in_words(show: Any, value: str) -> None:
    outcome = show("---\n{}\n", f"--gpus={value}", "--dry")
    assert outcome.code == 4
    assert f"--gpus: {value!r}: " in outcome.err
    for settings in (f"{{gpus: '{value}'}}", "{per_gpu: 0}", "{resources: 1}", "{gpu_ids: null}"):
        outcome = show("---\n{}\n", "--dry", settings=settings)
        assert outcome.code == 4
        assert "experiment.yaml:1:" in outcome.err
        assert "invalid setting" in outcome.err


def test_a_variable_of_the_experiment_that_contradicts_is_refused(show: Any) -> None:
    outcome = show("---\nEnv: {CUDA_VISIBLE_DEVICES: 1}\n", "--gpus", "auto")
    assert outcome.code == 4
    assert "experiment.yaml:4:" in outcome.err
    assert "CUDA_VISIBLE_DEVICES is set where GPUs are handed out" in outcome.err


def test_one_of_a_file_does_not_count_and_is_told_of(show: Any, project: Project) -> None:
    project({"vars.env": "CUDA_VISIBLE_DEVICES=5\n"})
    outcome = show("---\nEnvFile: vars.env\n", "--gpus", "1")
    assert seen(outcome) == ["1"]
    assert "CUDA_VISIBLE_DEVICES of EnvFile does not count" in outcome.err


# How many at once


@pytest.mark.parametrize(
    ("args", "expected"),
    [([], 2), (["-j", "1"], 1), (["-j", "20"], 2), (["--per-gpu", "2", "-j", "20"], 4)],
)
def test_as_many_run_as_there_are_places_or_fewer_if_told_so(
    show: Any, project: Project, args: Sequence[str], expected: int
) -> None:
    assert show("---\n{}\n", *args, settings="{gpus: auto}")
    assert places(project) == expected


def test_two_runs_share_each_gpu(show: Any) -> None:
    text = "Module: meet\n---\n" + "---\n".join(f"n: {n}\ntogether: 4\n" for n in range(6))
    outcome = show(text.replace("Module: meet\n", ""), "--per-gpu", "2", "+Module=meet")
    assert sorted(seen(outcome))[:2] == ["0", "0"]
    assert set(seen(outcome)) == {"0", "1"}


def test_resources_are_sets_and_one_that_is_named_twice_is_shared(show: Any, nvml: Any) -> None:
    nvml.write(nvml.gpu(), nvml.gpu(), nvml.gpu())
    text = "---\n" + "---\n".join(f"n: {n}\ntogether: 3\n" for n in range(3))
    outcome = show(text, "+Module=meet", settings="{resources: [0, 0, '1,2']}")
    assert sorted(seen(outcome)) == ["0", "0", "1,2"]


def test_runs_that_declare_their_memory_share_a_gpu_as_long_as_it_fits(
    show: Any, project: Project
) -> None:
    text = "---\n" + "---\n".join(f"n: {n}\ntogether: 2\nGpuMemory: 6 GiB\n" for n in range(4))
    outcome = show(text, "--gpus", "0", "+Module=meet")
    assert seen(outcome) == ["0"] * 4
    assert places(project) == 2


def test_one_and_two_gpus_are_mixed_and_nobody_waits_for_ever(show: Any) -> None:
    text = "---\n" + "---\n".join(f"Gpus: {2 if n == 2 else 1}\n" for n in range(30))
    outcome = show(text, "--gpus", "auto")
    assert outcome, outcome
    order = [int(record["RUN_ID"].split(".")[1]) for record in outcome.records]
    assert order.index(2) <= 2 + 16 + 2
    assert len(order) == 30


# What can never be


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Gpus: 3", 4, "key 'Gpus': it needs 3 GPUs, and there are 2 to hand out"),
        (
            "GpuMemory: 17 GiB",
            4,
            "key 'GpuMemory': it needs a GPU with 17 GiB, and the largest has 16 GiB",
        ),
        ("Gpus: x", 4, "key 'Gpus': Gpus is 'x' (expected a whole number from 0)"),
        ("GpuMemory: 5", 4, "key 'GpuMemory': GpuMemory is 5 (expected a size with its unit"),
    ],
)
def test_what_can_never_be_had_is_an_error_before_the_first_run(
    show: Any, text: str, line: int, message: str
) -> None:
    outcome = show(f"---\n{text}\n---\n{{}}\n", "--gpus", "auto")
    assert outcome.code == 4
    assert f"experiment.yaml:{line}:" in outcome.err
    assert "experiment 0" in outcome.err
    assert message in outcome.err
    assert outcome.records == []


def test_an_impossible_key_is_told_of_by_a_dry_run(show: Any) -> None:
    outcome = show("---\nGpus: -1\n", "--dry")
    assert outcome.code == 4
    assert "Gpus is -1 (expected a whole number from 0)" in outcome.err


def test_a_key_that_is_known_at_launch_only_blocks_its_run(show: Any) -> None:
    outcome = show("---\nName: a\nN: 3\n---\nGpus: await E[-1].N\n", "--gpus", "auto")
    assert outcome.code == 1
    assert outcome.records[1]["STATUS"] == "blocked"
    assert "it needs 3 GPUs, and there are 2" in outcome.records[1]["FAILURE"]


def test_no_gpus_stop_those_who_need_one_and_nobody_else(show: Any, nvml: Any) -> None:
    nvml.write()
    assert seen(show("---\nGpus: 0\n", "--gpus", "auto")) == [""]
    outcome = show("---\nGpus: 0\n---\n{}\n", "--gpus", "auto")
    assert outcome.code == 4
    assert "experiment 1 'experiment': it needs a GPU, and there is none" in outcome.err
    assert outcome.records == []


def test_a_machine_without_a_driver_stops_those_who_need_one(show: Any, project: Project) -> None:
    show("---\nGpus: 0\n---\n{}\n", "--dry")
    outcome = project.run("--gpus", "auto", "-p", "no:gpu.nvidia")
    assert outcome.code == 4
    assert "it needs a GPU, and there is none: no driver was found that tells of one" in outcome.err
    assert "`--gpus none` leaves GPUs alone" in outcome.err


def test_a_driver_that_is_broken_stops_only_those_who_need_a_gpu(show: Any, nvml: Any) -> None:
    nvml.write(init=18)
    assert seen(show("---\nGpus: 0\n", "--gpus", "auto")) == [""]
    outcome = show("---\n{}\n", "--gpus", "auto")
    assert outcome.code != 0
    assert "the NVIDIA driver was replaced while it was loaded" in outcome.err


def test_a_gpu_that_is_lost_from_the_start_is_left_out(show: Any, nvml: Any) -> None:
    nvml.write(nvml.gpu(error=15), nvml.gpu())
    outcome = show("---\n{}\n", "--gpus", "auto")
    assert seen(outcome, "GPUS") == [[1]]
    assert seen(outcome)[0].startswith("GPU-00000001-"), "CUDA may not count the other one"
    assert "GPU 0 is left out from now on: it is lost: it has fallen off the bus" in outcome.err
    outcome = show("---\nGpus: 2\n", "--gpus", "auto")
    assert "it needs 2 GPUs, and there is 1 to hand out (GPU 0: it is lost" in outcome.err


def test_a_lock_that_cannot_be_used_is_told_of_before_the_first_run(
    show: Any, project: Project
) -> None:
    outcome = show("---\n{}\n", "--gpus", "auto", COOLRUN_GPU_LOCKS="/proc/nowhere")
    assert outcome.code != 0
    assert "cannot make '/proc/nowhere'" in outcome.err
    assert outcome.records == []


@pytest.mark.gpu
def test_a_real_gpu_is_handed_out(project: Project) -> None:
    project({"show.py": SHOW, "experiment.yaml": "Module: show\n---\n{}\n"})
    listed = json.loads(project.run("gpus", "--json").out)
    if not any(gpu["state"] in {"free", "taken"} for gpu in listed):
        pytest.skip("this machine has no NVIDIA GPU that may be used")
    outcome = project.run("--gpus", "auto", "+Global.gpu_tolerance=1", timeout=120)
    (visible,) = seen(outcome)
    (name,) = seen(outcome, "GPUS")[0]
    assert visible == str(name)
