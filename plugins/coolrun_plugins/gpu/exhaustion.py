"""Recognises by what a run has said that memory ran out: the GPU's, or the machine's.

Sources of facts: the messages of PyTorch (CUDACachingAllocator, MPSAllocator), XLA (BFC allocator
and stream executor), TensorFlow, CuPy, PyCUDA, NCCL and PaddlePaddle; cublasStatus_t and cudaError
of the CUDA toolkit; numpy's _ArrayMemoryError; C++'s std::bad_alloc; ENOMEM.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

GPU = "out of GPU memory"
HOST = "out of host memory"
LINES = 80  # at the end of the output
LONGEST = 200  # characters of what is quoted

_GPU = re.compile(
    r"""
      (?:CUDA|HIP|XPU|MPS\ backend)\ out\ of\ memory
    | \b(?i:cuda|hip)\ (?:driver\ |runtime\ )?error.{0,40}\bout\ of\ memory
    | CUDA_ERROR_OUT_OF_MEMORY | cudaErrorMemoryAllocation | hipErrorOutOfMemory
    | \b(?:CUBLAS|CUDNN|CUFFT|CURAND|CUSOLVER|CUSPARSE|HIPBLAS|MIOPEN)_(?:STATUS_)?ALLOC_FAILED
    | \b(?:cu|cuda|hip)M(?:em)?[Aa]lloc\w*\b.{0,40}\bout\ of\ memory
    | RESOURCE_EXHAUSTED.{0,300}\b(?:[Oo]ut\ of\ memory|[Ff]ailed\ to\ allocate|OOM)\b
    | ResourceExhaustedError.{0,300}\b(?:OOM|[Ff]ailed\ to\ allocate|[Oo]ut\ of\ memory)\b
    | \bOOM\ when\ allocating\ tensor\b
    | \bOutOfMemoryError\b.{0,20}\b[Oo]ut\ of\ memory\b
    | Cuda\ failure.{0,10}'out\ of\ memory'
    | Out\ of\ memory\ error\ on\ GPU
    """,
    re.VERBOSE,
)
_HOST = re.compile(
    r"""
      ^(?:\w+\.)*_?(?:Array)?MemoryError\b
    | \bUnable\ to\ allocate\ .{0,60}\ for\ an\ array\b
    | DefaultCPUAllocator:.{0,20}\bmemory
    | \bstd::bad_alloc\b
    | \b[Cc]annot\ allocate\ memory\b
    """,
    re.VERBOSE,
)
# TensorFlow and XLA say the same of both, and name the device or its allocator.
_ON_CPU = re.compile(r"\bdevice:CPU:|\ballocator (?:cpu|mklcpu)\b")
_KILLED = re.compile(
    r"killed by signal 9\b|\bexit code 137\b|killed by signal: Killed|exitcode\s*: -9\b"
)
_UNNAMED = re.compile(r"exit code |killed by signal ")
_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = ("During handling of the above", "The above exception was")


def exhausted(failure: str, output: Sequence[str], *, has_gpu: bool = True) -> str | None:
    """`out of GPU memory: "CUDA out of memory. ..."`, or the same of the host, or None.

    Args:
        failure: how the run ended, in its own words.
        output: the last lines that it printed.
        has_gpu: False where it certainly had none.
    """
    lines = output if _UNNAMED.match(failure) else _last_traceback(output)
    for line in (failure, *reversed(lines)):
        line = line.strip()
        gpu = _GPU.search(line)
        if gpu is not None and has_gpu and not _ON_CPU.search(line):
            return _told(GPU, line, gpu.start())
        host = gpu or _HOST.search(line)
        if host is not None:
            return _told(HOST, line, host.start())
    return None


def looks_killed(failure: str, output: Sequence[str]) -> bool:
    """Whether it ended, or one of its processes did, as the kernel ends what takes too much."""
    return any(_KILLED.search(line) for line in (failure, *output))


def killed(failure: str) -> str:
    """What is told of a run that was killed while the kernel was short of memory."""
    return _told(HOST, f"{failure}, while the kernel killed processes for want of memory", 0)


def _told(what: str, line: str, start: int) -> str:
    """What was said is quoted, so that all failures of this kind have one cause."""
    if start > LONGEST // 2:
        line = f"...{line[start:]}"
    text = line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
    return f'{what}: "{text.translate(_PLAIN)}"'


_PLAIN = str.maketrans({'"': "'", "\\": "/"})


def _last_traceback(lines: Sequence[str]) -> Sequence[str]:
    """The last traceback with those that led to it.

    What was printed before it may tell of something that the program got over.
    """
    starts = [number for number, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    while len(starts) > 1 and lines[starts[-1] - 1].startswith(_CHAINED):
        starts.pop()
    return lines[starts[-1] :] if starts else ()
