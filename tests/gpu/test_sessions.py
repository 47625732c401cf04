"""GPUs come and go while sessions run: others use them, they fail, and runners are killed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from coolrun.results import read_results, token_of
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

GIB = 1 << 30
LOCKS = "COOLRUN_GPU_LOCKS"
# Says which GPU it has, and ends when it is told to.
WAIT = """
    import os, pathlib, time

    def main(exp):
        name = f"{exp.n}"
        pathlib.Path(f"on.{name}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))
        deadline = time.monotonic() + 60
        while not (os.path.exists(f"go.{name}") or os.path.exists("go")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
"""
# Claims its GPU, and waits until all four were claimed at some moment.
CLAIM = """
    import os, pathlib, time

    def main(exp):
        claims = pathlib.Path("claims")
        claim = claims / os.environ["CUDA_VISIBLE_DEVICES"]
        claim.touch(exist_ok=False)
        deadline = time.monotonic() + 30
        while len(os.listdir(claims)) < 4 and not os.path.exists("all"):
            assert time.monotonic() < deadline
            time.sleep(0.002)
        pathlib.Path("all").touch()
        claim.unlink()
"""


@dataclass
class Runner:
    """A runner in a process of its own, and what it prints."""

    project: Project
    process: subprocess.Popen[bytes]
    printed: Path

    def text(self) -> str:
        return self.printed.read_text()

    def says(self, words: str) -> None:
        wait_for(lambda: words in self.text(), diagnosis=self.text)

    def ends(self, code: int = 0) -> list[dict[str, Any]]:
        """The records of its session, in the order of the experiments."""
        found = self.process.wait(60)
        assert found == code, self.text()
        return self.records()

    def records(self) -> list[dict[str, Any]]:
        (log,) = self.project.path.glob(".coolrun/sessions/*/log.yaml")
        return sorted(yaml.safe_load_all(log.read_text()), key=lambda record: record["RUN_ID"])


@dataclass
class Bench:
    """Starts runners and lets their runs end."""

    project: Project
    nvml: Any
    stack: ExitStack
    started: list[Runner] = field(default_factory=list)

    def start(self, *args: str, env: dict[str, str] | None = None) -> Runner:
        command, environment, _ = self.project.command(
            *args, env={**self.nvml.environment, **(env or {})}
        )
        printed = self.project.path.parent / f"printed.{len(self.started)}"
        file = self.stack.enter_context(printed.open("wb"))
        process = self.stack.enter_context(
            subprocess.Popen(
                command, cwd=self.project.path, env=environment, stdout=file, stderr=file
            )
        )
        self.started.append(Runner(self.project, process, printed))
        return self.started[-1]

    def on(self, number: int) -> str:
        """What the run of that number sees, once it has begun."""
        path = self.project.path / f"on.{number}"
        said = [runner.text for runner in self.started]
        return wait_for(lambda: path.exists() and path.read_text(), diagnosis=said[-1]) or ""

    def has_begun(self, number: int) -> bool:
        return (self.project.path / f"on.{number}").exists()

    def end(self, number: int | None = None) -> None:
        """Let one run end, or all of them."""
        (self.project.path / ("go" if number is None else f"go.{number}")).touch()

    def process_of(self, number: int) -> int:
        """The process of the run at this position of the only session."""
        own = self.project.path / f"elsewhere{number}"
        folders = self.project.path.glob(f".coolrun/sessions/*/runs/{number:04}")
        (results,) = (f for folder in (own, *folders) for f in folder.glob("results.jsonl"))
        return read_results(results, token_of(results) or "").pid


@pytest.fixture
def bench(project: Project, nvml: Any) -> Iterator[Bench]:
    nvml.write(nvml.gpu(), nvml.gpu())
    with ExitStack() as stack:
        made = Bench(project, nvml, stack)
        yield made
        made.end()
        for runner in made.started:
            if runner.process.poll() is None:
                runner.process.terminate()


def define(project: Project, count: int, settings: str = "gpus: auto", **keys: object) -> None:
    documents = [f"n: {n}\n{keys.get(f'_{n}', '')}\n" for n in range(count)]
    text = "---\n".join([f"Global: {{{settings}}}\nModule: work\n", *documents])
    project({"work.py": WAIT, "experiment.yaml": text})


# What others do with GPUs


def test_a_gpu_that_another_process_uses_is_left_to_it(bench: Bench) -> None:
    bench.nvml.change(0, processes={1: 4 * GIB})
    define(bench.project, 1)
    runner = bench.start()
    assert bench.on(0) == "1"
    bench.end()
    assert runner.ends()[0]["GPUS"] == [1]


def test_a_run_waits_until_others_are_gone_and_says_so(bench: Bench) -> None:
    for number in (0, 1):
        bench.nvml.change(number, processes={1: 4 * GIB})
    define(bench.project, 1)
    runner = bench.start()
    runner.says("nothing can be started yet: waits until a GPU is free (GPU 0: process 1 ")
    assert not bench.has_begun(0)
    bench.nvml.change(1, processes={})
    assert bench.on(0) == "1"
    bench.end()
    runner.ends()


def test_others_may_use_as_much_as_is_tolerated(bench: Bench) -> None:
    bench.nvml.write(bench.nvml.gpu(processes={1: 4 * GIB}, utilisation=20))
    define(bench.project, 1, "gpus: auto, gpu_tolerance: 30%")
    bench.start()
    assert bench.on(0) == "0"


def test_a_gpu_that_fails_is_given_to_no_more_runs(bench: Bench) -> None:
    define(bench.project, 3, _2="Gpus: 2")
    runner = bench.start()
    assert {bench.on(0), bench.on(1)} == {"0", "1"}
    bench.nvml.change(0, error=15)
    runner.says("GPU 0 is left out from now on: it is lost: it has fallen off the bus")
    bench.end()
    records = runner.ends(1)
    assert [record["STATUS"] for record in records] == ["done", "done", "blocked"]
    assert "it needs 2 GPUs, and there is 1 to hand out (GPU 0: it is lost" in records[2]["FAILURE"]
    assert runner.text().count("is left out from now on") == 1


def test_runs_go_on_with_the_gpus_that_are_left(bench: Bench) -> None:
    define(bench.project, 4)
    runner = bench.start()
    bench.on(0), bench.on(1)
    bench.nvml.change(1, error=15)
    runner.says("GPU 1 is left out")
    bench.end()
    assert [record["GPUS"] for record in runner.ends()][2:] == [[0], [0]]


def test_while_the_driver_hangs_runs_end_and_no_other_gets_a_gpu(bench: Bench) -> None:
    define(bench.project, 3)
    runner = bench.start()
    bench.on(0), bench.on(1)
    bench.nvml.change(0, fails={"nvmlDeviceGetMemoryInfo_v2": -1, "nvmlDeviceGetMemoryInfo": -1})
    runner.says("the NVIDIA driver has not answered for 2 s: no run gets a GPU until it does")
    bench.end(0)
    bench.end(1)
    runner.says("done        1")
    assert not bench.has_begun(2)
    bench.nvml.change(0, fails={})
    assert bench.on(2)
    bench.end()
    assert [record["STATUS"] for record in runner.ends()] == ["done"] * 3
    assert runner.text().count("has not answered") == 1


def test_a_session_whose_driver_hangs_can_be_ended(bench: Bench) -> None:
    define(bench.project, 3)
    runner = bench.start()
    bench.on(0), bench.on(1)
    bench.nvml.change(0, fails={"nvmlDeviceGetMemoryInfo_v2": -1})
    runner.says("the NVIDIA driver has not answered for 2 s")
    runner.process.terminate()
    assert runner.process.wait(30) == 2, runner.text()
    assert not bench.has_begun(2)


def test_a_gpu_whose_lock_is_spoilt_is_left_out_until_it_is_a_lock_again(bench: Bench) -> None:
    define(bench.project, 5)
    runner = bench.start()
    bench.on(0), bench.on(1)
    (lock,) = Path(bench.nvml.environment[LOCKS]).glob("coolrun-gpu-GPU-00000001-*.lock")
    lock.unlink()
    lock.symlink_to("/etc/hostname")
    bench.end(int(bench.on(1) == "1"))
    runner.says("GPU 1 is left out for now: cannot use ")
    bench.end(int(bench.on(1) == "0"))
    assert bench.on(2) == "0"
    lock.unlink()
    assert bench.on(3) == "1"
    bench.end()
    assert [record["GPUS"] for record in runner.ends()][2:4] == [[0], [1]]
    assert runner.text().count("is left out for now") == 1


def test_gpus_are_named_by_uuid_once_one_has_gone_whose_number_others_get(bench: Bench) -> None:
    define(bench.project, 4)
    runner = bench.start()
    bench.on(0), bench.on(1)
    second = bench.nvml.gpu(uuid="GPU-00000001-0000-4000-8000-000000000000", bus=2)
    bench.nvml.write(second)
    runner.says("GPU 0 is left out from now on: it is gone")
    bench.end()
    assert bench.on(2) == bench.on(3) == second.uuid
    runner.ends()


# Several runners


def test_two_runners_keep_four_gpus_busy_and_never_share_one(bench: Bench) -> None:
    bench.nvml.write(*[bench.nvml.gpu()] * 4)
    bench.project({"work.py": CLAIM, "claims/.keep": ""})
    (bench.project.path / "claims" / ".keep").unlink()
    text = "Module: work\n" + "".join(f"---\nn: {n}\n" for n in range(8))
    bench.project({"a.yaml": text, "b.yaml": text})
    runners = [bench.start("--exp", name, "--gpus", "auto") for name in ("a.yaml", "b.yaml")]
    for runner in runners:
        assert runner.process.wait(60) == 0, runner.text()


def test_a_run_keeps_its_gpu_when_its_runner_is_killed(bench: Bench) -> None:
    define(bench.project, 1, "gpus: 0")
    bench.project({"other.yaml": "Global: {gpus: 0}\nModule: work\n---\nn: 9\n"})
    first = bench.start()
    assert bench.on(0) == "0"
    first.process.kill()
    first.process.wait()
    other = bench.start("--exp", "other.yaml")
    other.says("nothing can be started yet: waits until a GPU is free (GPU 0: session ")
    assert not bench.has_begun(9)
    bench.end(0)
    assert bench.on(9) == "0"
    bench.end()
    assert other.process.wait(60) == 0


def test_a_resumed_session_knows_which_gpus_the_runs_have_that_it_adopts(bench: Bench) -> None:
    gpu = bench.nvml.gpu
    bench.nvml.write(gpu(), gpu(), gpu())
    define(bench.project, 3, "gpus: auto", _2="Gpus: 2")
    first = bench.start("-j", "2")
    assert [bench.on(0), bench.on(1)] == ["0", "1"]
    first.process.kill()
    first.process.wait()
    bench.nvml.write(gpu(processes={bench.process_of(0): 3 * GIB}), gpu(), gpu())
    second = bench.start("--resume", "-j", "4")
    bench.end(1)
    assert bench.on(2) == "1,2", "the adopted run has the other one"
    bench.nvml.change(2, error=15)
    second.says("GPU 2 is left out")  # so that it has looked at all of them
    bench.end()
    records = second.ends()
    assert [record["GPUS"] for record in records] == [[0], [1], [1, 2]]
    assert [record.get("GPU_MEMORY_MIB") for record in records] == [3 * 1024, None, None]


def test_a_resumed_session_shares_no_gpu_with_a_run_that_it_adopts(bench: Bench) -> None:
    """The lock is the run's: another session could have the GPU as soon as that ends."""
    define(bench.project, 3, "gpus: 0, per_gpu: 2", _2="Gpus: 0")
    first = bench.start("-j", "1")
    bench.on(0)
    first.process.kill()
    first.process.wait()
    second = bench.start("--resume", "-j", "3")
    wait_for(lambda: bench.has_begun(2), diagnosis=second.text)
    assert not bench.has_begun(1), "it stands before the one that has begun"
    bench.end(0)
    assert bench.on(1) == "0"
    bench.end()
    second.ends()


# What runs take, and what they leave


def test_the_most_that_a_run_takes_is_measured(bench: Bench) -> None:
    gpu = bench.nvml.gpu
    bench.nvml.write(gpu(), gpu(), gpu())
    define(bench.project, 2, _1="Output: elsewhere1")
    runner = bench.start()
    assert [bench.on(0), bench.on(1)] == ["0", "1"]
    taken = [gpu(processes={bench.process_of(n): (n + 1) * GIB, 1: GIB // 2}) for n in (0, 1)]
    bench.nvml.write(*taken, gpu(error=15))
    runner.says("GPU 2 is left out")  # seen by the same look
    bench.nvml.write(gpu(), gpu(), gpu())
    bench.end()
    assert [record["GPU_MEMORY_MIB"] for record in runner.ends()] == [1024, 2048]


def test_what_is_not_freed_after_an_abort_is_told_of(bench: Bench) -> None:
    define(bench.project, 1)
    runner = bench.start()
    bench.on(0)
    bench.nvml.change(0, used=5 * GIB)
    runner.process.terminate()
    runner.ends(2)
    assert "GPU 0 is not free: 5 GiB of it are still taken" in runner.text()


def test_a_session_that_leaves_nothing_says_nothing(bench: Bench) -> None:
    define(bench.project, 1)
    runner = bench.start()
    bench.on(0)
    bench.nvml.change(0, processes={bench.process_of(0): 5 * GIB})
    bench.end()
    bench.nvml.change(0, processes={})
    runner.ends()
    assert "not free" not in runner.text()


# Alone


def test_a_run_that_wishes_so_is_alone_on_its_gpu(bench: Bench) -> None:
    plugin = """
        from coolrun import hookimpl
        from coolrun_plugins.gpu.needs import Wish

        @hookimpl(optionalhook=True)
        def coolrun_gpu_wish(run):
            return Wish(alone=True) if run.experiment["n"] == 1 else None
    """
    bench.project({"wishing.py": plugin})
    bench.nvml.write(bench.nvml.gpu(used=GIB), bench.nvml.gpu())
    define(bench.project, 4, "gpus: auto, per_gpu: 4")
    runner = bench.start("-p", "wishing", env={"PYTHONPATH": str(bench.project.path)})
    assert [bench.on(n) for n in range(4)] == ["1", "0", "1", "1"]
    bench.end()
    runner.ends()


# Experiments that are added while it runs


@pytest.mark.parametrize("settings", ["queue: queue.yaml", "queue: queue.yaml, gpus: auto"])
def test_what_is_added_to_the_queue_gets_gpus_as_well(bench: Bench, settings: str) -> None:
    define(bench.project, 1, settings, _0="Gpus: 0" if "auto" in settings else "")
    bench.project({"more.yaml": "n: 1\nGpus: 3\n"})
    runner = bench.start()
    wait_for(lambda: bench.has_begun(0), diagnosis=runner.text)
    assert bench.project.run("queue", "add", "more.yaml")
    runner.says("key 'Gpus': it needs 3 GPUs, and there are 2 to hand out")
    queue = bench.project.path / "queue.yaml"
    queue.write_text(queue.read_text().replace("Gpus: 3", "Gpus: 2"))
    bench.end(0)
    assert bench.on(1) == "0,1"
    bench.end()
    runner.ends()
