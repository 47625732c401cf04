"""The process that runs are forked from: what is loaded there, and whether it still is right."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from coolrun_plugins.local.messages import Order

# A process takes note of these only when it starts.
EARLY = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_")
# Libraries take note of these only when they are loaded.
THREADS = frozenset(
    {
        "BLIS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    }
)


def early_names(environment: Iterable[str]) -> tuple[str, ...]:
    """The names that come too late for a process that runs already."""
    return tuple(n for n in environment if n.startswith(EARLY) or n in THREADS)


class Surroundings:
    """What every fork starts with: the modules that were imported ahead of the runs."""

    def __init__(self, cwd: Path, *, fresh: bool) -> None:
        self._cwd = str(cwd)
        self._always_fresh = fresh
        self._loaded: dict[str, int] = {}
        self._preloaded = False

    def preload(self, modules: Sequence[str]) -> None:
        """Import these modules now.

        Raises:
            Exception: whatever the import of one of them raises.
        """
        for name in modules:
            import_module(name)
        self._preloaded = bool(modules)
        self._loaded = {path: _changed(path) for path in _project_files(self._cwd)}

    def reason_not_to_fork(self) -> str | None:
        """Why a fork of this process would not be safe, or None."""
        threading = sys.modules.get("threading")
        threads = threading.enumerate() if threading is not None else []
        others = [thread for thread in threads if thread.name != "MainThread"]
        if others:
            return f"a preloaded library has started threads ({others[0].name})"
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            return "preloading has initialised the GPU"
        return None

    def reason_to_start_fresh(self) -> tuple[str | None, str | None]:
        """Why all runs need an interpreter of their own now, and what to tell people about it."""
        if self._always_fresh:
            return "asked for", None
        for path, changed in self._loaded.items():
            if _changed(path) != changed:
                reason = f"{os.path.relpath(path, self._cwd)!r} has changed since it was preloaded"
                return reason, f"started a new interpreter: {reason}"
        return None, None

    def reason_of(self, order: Order) -> str | None:
        """Why this run needs an interpreter of its own, or None."""
        if order.moved and self._loaded:
            return "it runs in another folder than what was preloaded"
        for name in order.early:
            if name not in THREADS or self._preloaded:
                return f"{name} counts only for a process that starts with it"
        return None

    def always_start_fresh(self) -> None:
        """From now on every run gets an interpreter of its own."""
        self._always_fresh = True


def own_environment() -> dict[bytes, bytes]:
    """What `os.environ` holds, as bytes as it is kept."""
    return os.environ._data  # type: ignore[attr-defined,no-any-return]


def settle_down(cwd: str, keep: Iterable[int]) -> None:
    """Turn a fork of the runner into a process of its own that owns nothing of the runner's."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    # Blocked here, INT reaches a run that was just forked only when it is ready for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _forget_exit_functions()
    _close_all_but({0, 1, 2, *keep})
    os.chdir(cwd)
    put_first(cwd)


def put_first(folder: str) -> None:
    """Have modules of this folder found first."""
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)


def detach_streams() -> None:
    """Read nothing and print nowhere; forks get line-buffered streams on the same descriptors."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for number in (0, 1, 2):
        os.dup2(null, number)
    if null > 2:
        os.close(null)
    open_streams()


def open_streams() -> None:
    """Fresh streams on the descriptors 0 to 2: UTF-8, line-buffered, printing anything."""
    import faulthandler

    for name, stream in (
        ("stdin", open(0, closefd=False, encoding="utf-8")),  # noqa: SIM115
        ("stdout", _printer(1)),
        ("stderr", _printer(2)),
    ):
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    faulthandler.enable(2)


def _printer(number: int) -> TextIO:
    return open(
        number, "w", buffering=1, closefd=False, encoding="utf-8", errors="backslashreplace"
    )


def _forget_exit_functions() -> None:
    """What the runner does when it exits is not for its forks to do."""
    import atexit

    atexit._clear()
    if "weakref" in sys.modules:
        finalize = sys.modules["weakref"].finalize
        finalize._registry.clear()
        finalize._registered_with_atexit = False
    if "logging" in sys.modules:
        atexit.register(sys.modules["logging"].shutdown)


def _close_all_but(kept: set[int]) -> None:
    """Close what the runner has open: its locks, its terminal, its sockets must end with it."""
    try:
        numbers = [int(name) for name in os.listdir("/dev/fd")]
    except OSError:
        numbers = list(range(1024))
    for number in numbers:
        if number not in kept:
            try:
                os.close(number)
            except OSError:
                continue  # it was the one that listed the folder


def _project_files(cwd: str) -> Iterable[str]:
    """The files of loaded modules that a person may be working on."""
    inside = cwd.rstrip("/") + "/"
    environment = sys.prefix.rstrip("/") + "/"
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path is None or name.partition(".")[0] in {"coolrun", "coolrun_plugins", "__main__"}:
            continue
        if path.startswith(inside) and not path.startswith(environment):
            yield path


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
