"""What the NVIDIA driver tells about its GPUs (NVML), by way of pynvml."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from coolrun.errors import SessionError
from coolrun_plugins.gpu.devices import Gpu, Holder
from coolrun_plugins.gpu.silence import Questions, Silent

FIRST, LATER = 60.0, 2.0

T = TypeVar("T")

# What NVML answers (nvml.h).
NOT_SUPPORTED, NO_PERMISSION, NOT_FOUND, TOO_SMALL = 3, 4, 6, 7
DRIVER_NOT_LOADED, NO_FUNCTION, LOST, RESET_REQUIRED = 9, 13, 15, 16
MISMATCH, NO_DATA, OTHER_VERSION = 18, 21, 25

# Not every GPU, driver and user is told everything; that makes no GPU unfit.
_UNTOLD = {NOT_SUPPORTED, NO_PERMISSION, TOO_SMALL, NO_FUNCTION, NO_DATA, OTHER_VERSION}
_TROUBLE = {
    NO_PERMISSION: "no permission to use it",
    LOST: "it is lost: it has fallen off the bus",
    RESET_REQUIRED: "it needs a reset",
}


@dataclass
class _Card:
    """A card and its slices, or itself; `counts` is False where CUDA does not count it."""

    place: tuple[int, ...] | None
    gpus: list[Gpu]
    counts: bool = True


class NvidiaInventory:
    """The GPUs of the NVIDIA driver.

    Args:
        first, later: seconds that its first answer may take, for which it may have to wake all
            GPUs, and the others.

    Raises:
        SessionError: the driver is there and does not answer.
    """

    def __init__(self, first: float = FIRST, later: float = LATER) -> None:
        import pynvml

        self._nvml: Any = pynvml
        self._last: dict[int, _Card] = {}
        self._open = False
        self._later = later
        self._questions: Questions[list[Gpu]] = Questions("the NVIDIA driver")
        Questions[None]("the NVIDIA driver").answer(self._begin, first)

    def look(self) -> list[Gpu]:
        """All GPUs as they are now; see `Inventory`."""
        return self._questions.answer(self._look, self._later)

    def _begin(self) -> None:
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            raise _broken(error) from error
        self._open = True

    def _look(self) -> list[Gpu]:
        try:
            count = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError as error:
            raise _broken(error) from error
        cards = [self._card(number) for number in range(count)]
        if all(card.place is not None for card in cards):
            cards.sort(key=lambda card: card.place or ())
        found, index = list[Gpu](), 0
        for card in cards:
            found += [replace(gpu, index=index if card.counts else -1) for gpu in card.gpus]
            index += card.counts
        return found

    def close(self) -> None:
        """Let go of the driver; one that hangs does so by itself when this process ends."""
        if self._open and not self._questions.is_open:
            self._open = False
            with suppress(Silent):
                Questions[None]("the NVIDIA driver").answer(self._nvml.nvmlShutdown, self._later)

    def _card(self, number: int) -> _Card:
        nvml = self._nvml
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(number)
            bus = nvml.nvmlDeviceGetPciInfo(handle)
            card = _Card((bus.domain, bus.bus, bus.device), self._gpus(handle))
        except nvml.NVMLError as error:
            return self._in_trouble(number, error)
        self._last[number] = card
        return card

    def _in_trouble(self, number: int, error: Any) -> _Card:
        """What was known of a card that does not answer any more."""
        trouble = _TROUBLE.get(error.value, f"the driver says: {str(error).lower()}")
        counts = error.value != NO_PERMISSION
        known = self._last.get(number)
        if known is None:
            return _Card(None, [Gpu(0, "", "unknown", trouble=trouble)], counts)
        silent = [
            replace(gpu, trouble=trouble, used=0, utilisation=None, holders=())
            for gpu in known.gpus
        ]
        return _Card(known.place, silent, counts)

    def _gpus(self, handle: Any) -> list[Gpu]:
        nvml = self._nvml
        card = self._gpu(handle)
        failing = self._failing(handle)
        divided, _ = self._told(partial(nvml.nvmlDeviceGetMigMode, handle), (0, 0))
        if not divided:
            return [replace(card, trouble=failing)]
        slices = [
            replace(self._gpu(slice_), part_of=card.uuid, trouble=failing)
            for slice_ in self._slices(handle)
        ]
        return slices or [
            replace(card, trouble="it is divided (MIG) into no slice that may be used")
        ]

    def _slices(self, handle: Any) -> Iterator[Any]:
        nvml = self._nvml
        most = self._told(partial(nvml.nvmlDeviceGetMaxMigDeviceCount, handle), 0)
        for number in range(most):
            try:
                yield nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
            except nvml.NVMLError as error:
                if error.value not in {NOT_FOUND, NO_PERMISSION}:
                    raise

    def _gpu(self, handle: Any) -> Gpu:
        nvml = self._nvml
        # The driver's own share is no one's use; the first version of the call counts it as such.
        memory = self._told(
            partial(nvml.nvmlDeviceGetMemoryInfo, handle, version=nvml.nvmlMemory_v2), None
        ) or self._told(partial(nvml.nvmlDeviceGetMemoryInfo, handle), None)
        rates = self._told(partial(nvml.nvmlDeviceGetUtilizationRates, handle), None)
        return Gpu(
            index=0,
            uuid=nvml.nvmlDeviceGetUUID(handle),
            name=self._name(handle),
            memory=memory.total if memory else 0,
            used=memory.used if memory else 0,
            utilisation=None if rates is None else float(rates.gpu),
            holders=self._holders(handle),
        )

    def _name(self, handle: Any) -> str:
        try:
            return str(self._nvml.nvmlDeviceGetName(handle))
        except UnicodeDecodeError:
            return "unknown"  # pynvml reads UTF-8 only; nothing depends on it

    def _holders(self, handle: Any) -> tuple[Holder, ...]:
        nvml = self._nvml
        found: dict[int, int | None] = {}
        for kind in ("Compute", "Graphics", "MPSCompute"):
            name = f"nvmlDeviceGet{kind}RunningProcesses"
            newer, older = getattr(nvml, f"{name}_v3"), getattr(nvml, f"{name}_v2")
            listed = self._told(partial(newer, handle), None)
            if listed is None:
                listed = self._told(partial(older, handle), [])
            # A process that computes and draws is listed twice, with all that it takes.
            for process in listed:
                found[process.pid] = process.usedGpuMemory or found.get(process.pid)
        return tuple(Holder(pid, memory) for pid, memory in sorted(found.items()))

    def _failing(self, handle: Any) -> str | None:
        """What is wrong with the memory of a card, as far as it corrects errors (ECC)."""
        nvml = self._nvml
        rows = self._told(partial(nvml.nvmlDeviceGetRemappedRows, handle), (0, 0, 0, 0))
        if rows[3]:
            return "its memory fails: bad rows cannot be replaced any more (ECC)"
        if self._told(partial(nvml.nvmlDeviceGetRetiredPagesPendingStatus, handle), 0):
            return "it needs a reset: bad pages of its memory are to be retired (ECC)"
        return None

    def _told(self, ask: Callable[[], T], otherwise: T) -> T:
        """The answer, or `otherwise` where that is a thing that not everybody is told."""
        try:
            return ask()
        except self._nvml.NVMLError as error:
            if error.value in _UNTOLD:
                return otherwise
            raise


def _broken(error: Any) -> SessionError:
    if error.value == DRIVER_NOT_LOADED:
        return SessionError(
            "the NVIDIA driver is not loaded", cure="see what `nvidia-smi` says about it"
        )
    if error.value == MISMATCH:
        return SessionError(
            "the NVIDIA driver was replaced while it was loaded (its library and its kernel "
            "module differ in version)",
            cure="restart the machine, or load the new kernel module",
        )
    return SessionError(
        f"the NVIDIA driver does not answer: {str(error).lower()}",
        cure="see what `nvidia-smi` says about it, or leave it out: -p no:gpu.nvidia",
    )
