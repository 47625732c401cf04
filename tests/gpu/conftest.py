"""GPUs that the tests make up: a library of the driver's name, whose GPUs are lines of a file."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

GIB = 1 << 30
LIBRARY = "libnvidia-ml.so.1"
VARIABLE = "FAKE_NVML"
LOCKS = "COOLRUN_GPU_LOCKS"


@dataclass(frozen=True)
class FakeGpu:
    """A GPU, or a slice of one, as the library is to show it.

    Attributes:
        processes: the bytes that each process takes, by its number; None: the driver does not say.
        used: bytes taken; None: what the processes take.
        kinds: C, G or M (compute, graphics, MPS) for processes that are not C.
        utilisation: percent; None: not supported.
        error: what every call about it answers; fails: what single functions answer instead.
        failing: 1 where rows cannot be remapped any more, 2 where pages are to be retired.
        slices: of a GPU that is divided; None for one that is not.
        migs: whether it can be divided at all.
    """

    uuid: str = ""
    name: str = "Fake GPU"
    total: int = 16 * GIB
    used: int | None = None
    utilisation: int | None = 0
    processes: Mapping[int, int | None] = field(default_factory=dict)
    kinds: Mapping[int, str] = field(default_factory=dict)
    bus: int | None = None
    error: int = 0
    fails: Mapping[str, int] = field(default_factory=dict)
    failing: int = 0
    slices: Sequence[FakeGpu] | None = None
    migs: bool = False

    def lines(self, bus: int, word: str = "gpu") -> list[str]:
        used = sum(m or 0 for m in self.processes.values()) if self.used is None else self.used
        percent = -1 if self.utilisation is None else self.utilisation
        divided = 1 if self.slices is not None else 0 if self.migs else -1
        state = f"{self.error} {self.total} {used} {percent} {bus:x}:0 {divided}"
        lines = [f"{word} {state} {self.uuid} {self.name}"]
        for pid, memory in self.processes.items():
            kind = self.kinds.get(pid, "C")
            lines.append(f"process {pid} {-1 if memory is None else memory} {kind}")
        lines += [f"fails {function} {code}" for function, code in self.fails.items()]
        lines += [f"memory {self.failing}"] if self.failing else []
        for number, one in enumerate(self.slices or ()):
            uuid = one.uuid or f"MIG-{bus:08x}-0000-4000-8000-{number:012x}"
            lines += replace(one, uuid=uuid).lines(bus, "slice")
        return lines


class Nvml:
    """The stand-in for the driver's library.

    Attributes:
        environment: what a process needs in its environment to find the library instead of a
            real one, the GPUs in it, and locks that no other test has.
        library: the file of the library.
        state: the file that holds its GPUs.
    """

    gpu = FakeGpu

    def __init__(self, library: Path, state: Path) -> None:
        self.library, self.state = library, state
        places = [str(library.parent), os.environ.get("LD_LIBRARY_PATH", "")]
        self.environment = {
            "LD_LIBRARY_PATH": ":".join(place for place in places if place),
            VARIABLE: str(state),
            LOCKS: str(state.with_name("locks")),
        }
        self._gpus: list[FakeGpu] = []

    def write(self, *gpus: FakeGpu, init: int = 0) -> None:
        """From now on these are the GPUs; `init` is what starting the library answers."""
        self._gpus = list(gpus)
        lines = [f"init {init}"]
        for number, gpu in enumerate(gpus):
            uuid = gpu.uuid or f"GPU-{number:08x}-0000-4000-8000-000000000000"
            bus = number + 1 if gpu.bus is None else gpu.bus
            lines += replace(gpu, uuid=uuid).lines(bus)
        fresh = self.state.with_suffix(".new")
        fresh.write_text("\n".join([*lines, ""]), encoding="utf-8")
        fresh.replace(self.state)

    def change(self, number: int, **changes: object) -> None:
        """Change one GPU, counted as they were written."""
        gpus = list(self._gpus)
        gpus[number] = replace(gpus[number], **changes)  # type: ignore[arg-type]
        self.write(*gpus)

    def calls(self) -> list[str]:
        """`init` and `shutdown`, each time that somebody called them."""
        path = Path(f"{self.state}.calls")
        return path.read_text(encoding="utf-8").split() if path.exists() else []


@pytest.fixture(scope="session")
def _library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("the stand-in for the driver's library needs Linux and a C compiler (cc)")
    library = tmp_path_factory.mktemp("nvml") / LIBRARY
    source = Path(__file__).with_name("nvml.c")
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{LIBRARY}"]
    subprocess.run([compiler, *flags, "-o", str(library), str(source)], check=True)
    return library


@pytest.fixture
def nvml(_library: Path, tmp_path: Path) -> Nvml:
    """The stand-in, with no GPU in it yet."""
    nvml = Nvml(_library, tmp_path / "gpus")
    nvml.write()
    return nvml


@pytest.fixture
def loaded(nvml: Nvml, monkeypatch: pytest.MonkeyPatch) -> Nvml:
    """The stand-in, loaded into this process: whoever loads the driver's library finds it.

    It stays loaded: what finds no library has to be tested in another process.
    """
    for name in (VARIABLE, LOCKS):
        monkeypatch.setenv(name, nvml.environment[name])
    ctypes.CDLL(str(nvml.library))
    return nvml
