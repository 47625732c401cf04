"""Runs for which memory ran out: told as such, and run again with less, alone on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import coolrun
from coolrun import CoolrunError
from coolrun.causes import cause
from coolrun.testing import Project
from coolrun_plugins.gpu.exhaustion import exhausted, looks_killed

TORCH = (
    "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 15.77 GiB of "
    "which 9.88 MiB is free. Process 1234 has 15.76 GiB memory in use."
)
WORK = """
    import os
    import sys
    from pathlib import Path

    from coolrun.testing.waiting import wait_for

    class OutOfMemoryError(RuntimeError):
        pass

    def main(exp):
        exp.SEEN = exp.batch_size
        if exp.batch_size > exp.get("fits", 8):
            raise OutOfMemoryError("{torch}")

    def late(exp):
        # Ends a while after the other has run out of memory.
        import time
        if exp.Name == "large":
            return main(exp)
        other = Path(os.environ["COOLRUN_RUN_DIR"]).parent / "0000" / "results.jsonl"
        wait_for(lambda: other.exists() and '["exit",' in other.read_text())
        time.sleep(0.3)

    def kill(exp):
        os.kill(os.getpid(), 9)

    def host(exp):
        raise MemoryError

    def odd(exp):
        raise ValueError("no such layer")
    """.replace("{torch}", TORCH)


def project_of(project: Project, text: str) -> Project:
    return project({"work.py": WORK, "experiment.yaml": text})


# What is recognised

GPU_TEXTS = [
    f"OutOfMemoryError: {TORCH}",
    "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB.",
    "RuntimeError: MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1 MB)",
    "RuntimeError: CUDA error: out of memory",
    "RuntimeError: cuda runtime error (2) : out of memory at ../THCStorage.cu:58",
    "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1717986918 bytes.",
    "JaxRuntimeError: RESOURCE_EXHAUSTED: Failed to allocate request for 2.0GiB (2147483648B)",
    (
        "ResourceExhaustedError: OOM when allocating tensor with shape[64,512] and type float on "
        "/job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc [Op:Mul]"
    ),
    (
        "ResourceExhaustedError: {{function_node __wrapped__AddV2_device_/job:localhost/replica:0/"
        "task:0/device:GPU:0}} failed to allocate memory [Op:AddV2] name: "
    ),
    "OutOfMemoryError: Out of memory allocating 8,589,934,592 bytes (allocated so far: 0 bytes).",
    "CUDARuntimeError: cudaErrorMemoryAllocation: out of memory",
    "MemoryError: cuMemAlloc failed: out of memory",
    "CudaAPIError: [2] Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY",
    "ggml_cuda: cudaMalloc failed: out of memory",
    "ncclUnhandledCudaError: Call to CUDA function failed. Cuda failure 2 'out of memory'",
]
HOST_TEXTS = [
    "MemoryError",
    "_ArrayMemoryError: Unable to allocate 7.45 GiB for an array with shape (1000000000,)",
    "RuntimeError: [enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "OSError: [Errno 12] Cannot allocate memory",
    (
        "ResourceExhaustedError: OOM when allocating tensor with shape[1000000,100000] and "
        "type float on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu [Op:Mul]"
    ),
]


@pytest.mark.parametrize("text", GPU_TEXTS)
def test_what_libraries_say_of_a_full_gpu_is_recognised(text: str) -> None:
    assert (exhausted(text, []) or "").startswith('out of GPU memory: "')
    assert (exhausted("exit code 1", ["epoch 1", text, "done"]) or "").startswith(
        'out of GPU memory: "'
    )


@pytest.mark.parametrize("text", HOST_TEXTS)
def test_memory_of_the_machine_is_another_cause(text: str) -> None:
    assert (exhausted(text, []) or "").startswith('out of host memory: "')
    assert (exhausted("exit code 1", [text]) or "").startswith('out of host memory: "')


@pytest.mark.parametrize("texts", [GPU_TEXTS, HOST_TEXTS], ids=["gpu", "host"])
def test_all_of_a_kind_have_one_cause(texts: Sequence[str]) -> None:
    assert len({cause(exhausted(text, []) or "") for text in texts}) == 1


def test_without_a_gpu_it_is_the_memory_of_the_machine() -> None:
    text = "XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 8589934592 bytes."
    assert (exhausted(text, [], has_gpu=False) or "").startswith("out of host memory: ")


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: no such layer",
        "exit code 1",
        "RESOURCE_EXHAUSTED: Quota exceeded for quota metric 'Read requests'",
        "OutOfMemoryError: Java heap space",
        "OutOfResources: out of resource: shared memory, Required: 135168, Hardware limit: 101376",
        "RuntimeError: CUDA error: device-side assert triggered",
        "the run ran out of time",
    ],
)
def test_other_failures_are_none_of_it(text: str) -> None:
    assert exhausted(text, []) is None
    assert exhausted("exit code 1", [text]) is None


def test_what_a_program_got_over_is_not_what_it_failed_of() -> None:
    earlier = [f"warning: {TORCH}: batch 3 is left out", "Traceback (most recent call last):"]
    assert exhausted("KeyError: 'x'", [*earlier, "KeyError: 'x'"]) is None
    chained = [
        "Traceback (most recent call last):",
        f"OutOfMemoryError: {TORCH}",
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last):",
        "RuntimeError: step 7 failed",
    ]
    assert (exhausted("RuntimeError: step 7 failed", chained) or "").startswith("out of GPU")


def test_what_was_said_is_quoted_short_and_in_one_piece() -> None:
    told = exhausted(f'RuntimeError: "quoted" \\ {TORCH}{"x" * 500}', [])
    assert told is not None
    assert len(told) < 230
    assert told.count('"') == 2
    assert "\\" not in told
    far = exhausted("x" * 300 + TORCH, [])
    assert far is not None
    assert 'out of GPU memory: "...CUDA out of memory. Tried' in far


@pytest.mark.parametrize(
    ("failure", "output", "expected"),
    [
        ("killed by signal 9 (SIGKILL)", [], True),
        ("exit code 137", [], True),
        ("RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.", [], True),
        ("exit code 1", ["  exitcode  : -9 (pid: 123)"], True),
        ("killed by signal 11 (SIGSEGV)", [], False),
        ("exit code 1", ["sent signal 15"], False),
    ],
)
def test_what_the_kernel_may_have_killed_looks_killed(
    failure: str, output: list[str], expected: bool
) -> None:
    assert looks_killed(failure, output) == expected


# In a session

LESS = "OomSet: {batch_size: parse batch_size // 2}"


def attempts(records: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(r["batch_size"], r["SEEN"], r["STATUS"], r.get("ATTEMPT", 1)) for r in records]


def test_it_is_run_again_with_less_until_it_fits(project: Project) -> None:
    text = f"Module: work\nRetryOnOom: 3\n{LESS}\n---\nbatch_size: 32\n---\nbatch_size: 4\n"
    done = project_of(project, text).run()
    assert done.code == 0, done
    assert attempts(done.records) == [
        (32, 32, "failed", 1),
        (16, 16, "failed", 2),
        (8, 8, "done", 3),
        (4, 4, "done", 1),
    ]
    first, second, third, _ = done.records
    assert first["FAILURE"].startswith('out of GPU memory: "OutOfMemoryError: CUDA out of memory.')
    assert second["FAILURE"].startswith("out of GPU memory: ")
    assert "FAILURE" not in third
    assert third["OomSet"] == {"batch_size": "parse batch_size // 2"}
    assert "was out of GPU memory: it is run again with batch_size: 16" in done.err


def test_it_is_given_up_after_so_many_attempts(project: Project) -> None:
    text = "Module: work\nbatch_size: 32\n---\nRetryOnOom: 2\n---\nRetryOnOom: 0\n---\n{}\n"
    done = project_of(project, text).run()
    assert done.code == 1
    assert [r["RUN_ID"].split(".", 1)[1] for r in done.records] == [
        "0.1",
        "0.2",
        "0.3",
        "1.1",
        "2.1",
    ]
    assert {r["batch_size"] for r in done.records} == {32}


def test_what_is_changed_may_stand_where_not_all_are_run_again(project: Project) -> None:
    text = f"Module: work\nbatch_size: 16\n{LESS}\n---\n{{}}\n---\nRetryOnOom: 1\n"
    done = project_of(project, text).run()
    assert [record["batch_size"] for record in done.records] == [16, 16, 8]


def test_other_failures_are_not_run_again(project: Project) -> None:
    text = "Module: work:odd\nRetryOnOom: 2\n---\n{}\n"
    done = project_of(project, text).run()
    assert [record["FAILURE"] for record in done.records] == ["ValueError: no such layer"]


def test_attempts_for_want_of_memory_come_first_and_then_the_others(project: Project) -> None:
    text = f"Module: work\nRetryOnOom: 1\nRetries: 1\n{LESS}\nfits: 1\n---\nbatch_size: 32\n"
    done = project_of(project, text).run()
    assert [r[0] for r in attempts(done.records)] == [32, 16, 16]


def test_values_are_computed_in_their_order_and_inside_of_mappings(project: Project) -> None:
    text = """
        Module: work
        RetryOnOom: 1
        OomSet:
          batch_size: parse batch_size // 4
          optimizer.steps: parse 64 // batch_size
          fits: 8
        optimizer: {name: sgd, steps: 2}
        fits: 1
        ---
        batch_size: 32
        """
    done = project_of(project, text).run()
    assert done.code == 0, done
    assert [record["optimizer"] for record in done.records] == [
        {"name": "sgd", "steps": 2},
        {"name": "sgd", "steps": 8},
    ]


def test_a_program_that_prints_it_and_fails_is_run_again(project: Project) -> None:
    program = f"""
        import sys
        if int(sys.argv[1]) > 8:
            print("{TORCH}", file=sys.stderr)
            print("and some words more")
            sys.exit(1)
        """
    text = f"Command: python train.py {{batch_size}}\nRetryOnOom: 2\n{LESS}\n---\nbatch_size: 32\n"
    done = project({"train.py": program, "experiment.yaml": text}).run()
    assert done.code == 0, done
    assert [record["batch_size"] for record in done.records] == [32, 16, 8]
    assert done.records[0]["FAILURE"].startswith("out of GPU memory: ")


def test_it_is_run_again_alone(project: Project, nvml: Any) -> None:
    nvml.write(nvml.gpu())
    text = f"""
        Module: work:late
        Global: {{gpus: auto, per_gpu: 2}}
        RetryOnOom: 1
        {LESS}
        batch_size: 16
        ---
        Name: large
        ---
        Name: small
        """
    done = project_of(project, text).run(env=nvml.environment)
    assert done.code == 0, done
    told = [(r["Name"], r.get("ATTEMPT", 1), r["STATUS"], r["GPUS"]) for r in done.records]
    assert told == [
        ("large", 1, "failed", [0]),
        ("small", 1, "done", [0]),
        ("large", 2, "done", [0]),
    ]
    assert "is run again alone on a GPU with batch_size: 8" in done.err


def test_a_session_that_starts_nothing_more_does_not_say_that_it_does(project: Project) -> None:
    plugin = """
        from coolrun import hookimpl

        @hookimpl
        def coolrun_run_start(run, session):
            session.drain("enough")
        """
    text = f"Module: work\nRetryOnOom: 2\n{LESS}\n---\nbatch_size: 32\n"
    project_of(project, text)({"enough.py": plugin})
    done = project.run("-p", "enough", env={"PYTHONPATH": str(project.path)})
    assert [record["batch_size"] for record in done.records] == [32]
    assert "is run again" not in done.err


def test_it_is_run_again_in_the_process_of_the_runner_too(project: Project) -> None:
    text = f"Module: work\nRetryOnOom: 2\n{LESS}\n---\nbatch_size: 32\n"
    done = project_of(project, text).run("--in-process")
    assert [record["batch_size"] for record in done.records] == [32, 16, 8]


def test_a_run_that_has_removed_its_output_is_judged_by_its_words(project: Project) -> None:
    work = f"""
        import os
        from pathlib import Path

        def main(exp):
            output = Path(os.environ["COOLRUN_RUN_DIR"], "output.log")
            output.unlink()
            output.symlink_to("output.log")
            raise RuntimeError("{TORCH}")
        """
    project({"work.py": work, "experiment.yaml": "Module: work\n---\n{}\n"})
    done = project.run()
    assert done.records[0]["FAILURE"].startswith("out of GPU memory: "), done


def test_who_awaits_it_reads_what_it_was_in_the_end(project: Project) -> None:
    text = f"""
        Module: work
        RetryOnOom: 2
        {LESS}
        ---
        batch_size: 32
        ---
        batch_size: 1
        from: await E[-1].batch_size * 100 + E[-1].SEEN
        """
    done = project_of(project, text).run()
    assert done.code == 0, done
    assert done.records[-1]["from"] == 808


def test_a_resumed_session_keeps_what_was_changed(project: Project) -> None:
    text = f"Module: work\nRetryOnOom: 1\n{LESS}\nfits: 1\n---\nbatch_size: 32\n"
    project_of(project, text).run()
    done = project.run("--resume", "--retry-failed")
    assert [r[:2] for r in attempts(done.records)] == [(16, 16), (8, 8)]


def test_a_queue_on_disk_gives_it_back_changed(project: Project) -> None:
    text = f"Module: work\nRetryOnOom: 2\n{LESS}\n---\nbatch_size: 32\n---\nbatch_size: 4\n"
    done = project_of(project, text).run("--queue", "queue.yaml")
    assert done.code == 0, done
    assert [record["batch_size"] for record in done.records] == [32, 16, 8, 4]


def test_failures_of_this_kind_are_one_group(project: Project) -> None:
    text = """
        batch_size: 32
        ---
        Module: work
        ---
        Command: python jax.py
        ---
        Module: work:host
        """
    project({"jax.py": f"import sys\nsys.exit({GPU_TEXTS[7]!r})\n"})
    project_of(project, text).run()
    told = project.run("errors")
    assert "2 x  out of GPU memory: '...'" in told.out, told
    assert "out of host memory: '...'" in told.out


def test_a_run_that_somebody_killed_is_not_said_to_be_out_of_memory(project: Project) -> None:
    done = project_of(project, "Module: work:kill\n---\n{}\n").run()
    assert [record["FAILURE"] for record in done.records] == ["killed by signal 9 (SIGKILL)"]


def test_a_run_that_the_kernel_may_have_killed_is(project: Project) -> None:
    plugin = """
        from coolrun import cgroups, hookimpl

        @hookimpl
        def coolrun_run_start(run):
            # As if the kernel had killed one process since.
            cgroups.kills_for_memory = lambda: (before or 0) + 1

        before = cgroups.kills_for_memory()
        cgroups.kills_for_memory = lambda: before or 0
        """
    text = "Module: work:kill\nRetryOnOom: 2\n---\n{}\n---\n{}\n"
    done = project_of(project, text)({"short.py": plugin}).run(
        "-p", "short", env={"PYTHONPATH": str(project.path)}
    )
    assert [record["FAILURE"] for record in done.records] == [
        (
            'out of host memory: "killed by signal 9 (SIGKILL), while the kernel killed '
            'processes for want of memory"'
        ),
        "killed by signal 9 (SIGKILL)",
    ]


# What is refused


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("RetryOnOom: -1", "RetryOnOom is -1 (expected a whole number from 0)"),
        ("RetryOnOom: true", "RetryOnOom is True"),
        ("RetryOnOom: twice", "RetryOnOom is 'twice'"),
        ("OomSet: {lr: 1}", "OomSet is given without RetryOnOom"),
        ("RetryOnOom: 1\nOomSet: 3", "OomSet is no mapping"),
        ("RetryOnOom: 1\nOomSet: {batch: 3}", "changes 'batch', which the experiment does not"),
        ("RetryOnOom: 1\nOomSet: {lr.x: 3}", "changes 'lr.x', which the experiment does not"),
        ("RetryOnOom: 1\nOomSet: {lr: parse lrr / 2}", "lrr"),
        ("RetryOnOom: 1\nOomSet: {lr: parse lr /}", "lr /"),
        ("RetryOnOom: 1\nOomSet: {lr: parse __import__('os')}", "__import__"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_first_run(
    tmp_path: Path, lines: str, words: str
) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(f"Module: m\nlr: 1\n---\n{lines}\n", encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    assert words in str(caught.value)
    assert "experiment.yaml:" in str(caught.value)


def test_a_change_that_cannot_be_computed_in_the_end_is_told(project: Project) -> None:
    text = """
        Module: work
        RetryOnOom: 3
        OomSet: {batch_size: parse 32 // (batch_size - 16)}
        ---
        batch_size: 32
        fits: 1
        """
    done = project_of(project, text).run()
    assert [record["batch_size"] for record in done.records] == [32, 2, -3], done
    text = text.replace("32 // (batch_size - 16)", "16 + 16 // (batch_size - 16)")
    done = project_of(project, text).run()
    assert [record["batch_size"] for record in done.records] == [32, 17, 32, 17], done
    text = text.replace("16 + 16 // (batch_size - 16)", "512 // (batch_size - 16) - 16")
    done = project_of(project, text).run()
    assert [record["batch_size"] for record in done.records] == [32, 16], done
    assert "is not run again: " in done.err
    assert "division by zero" in done.err
