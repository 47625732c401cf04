"""Which GPUs a run gets, as far as that follows from what is known. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun_plugins.gpu.needs import Need


@dataclass(frozen=True)
class Entry:
    """GPUs that are handed out together, and how many runs may have them at once.

    With `runs` None these are as many as declare the memory that they take and fit into it; a run
    that declares none has the GPUs for itself.
    """

    gpus: tuple[str, ...]
    runs: int | None = None


@dataclass(frozen=True)
class Tenant:
    """A run that has GPUs: the entries, and what it needed."""

    entries: tuple[tuple[str, ...], ...]
    memory: int | None = None
    alone: bool = False

    @property
    def gpus(self) -> frozenset[str]:
        return frozenset(gpu for entry in self.entries for gpu in entry)


@dataclass(frozen=True)
class Card:
    """A GPU as it is now.

    Attributes:
        memory: bytes in all; 0 where it is not known.
        foreign: bytes that processes take which are no runs of this session.
        load: larger where more is taken and computed already.
        obstacle: why no run may be started on it now, or None.
    """

    memory: int
    foreign: int = 0
    load: float = 0.0
    obstacle: str | None = None

    @property
    def available(self) -> int:
        return max(0, self.memory - self.foreign)


def choose(
    need: Need, entries: Sequence[Entry], tenants: Collection[Tenant], cards: Mapping[str, Card]
) -> tuple[Entry, ...] | None:
    """The entries that a run gets, the least loaded that there are; None: not now.

    No GPU is in two of them.
    """
    fitting = [entry for entry in entries if _fits(entry, need, entries, tenants, cards)]
    fitting.sort(key=lambda entry: _load(entry, tenants, cards, by_memory=need.alone))
    return next(_disjoint(fitting, need.count), None)


def is_possible(need: Need, entries: Sequence[Entry], memory: Mapping[str, int]) -> bool:
    """Whether a run would get what it needs if nobody else used the GPUs.

    Args:
        memory: the bytes of each GPU that is there, by uuid.
    """
    idle = {uuid: Card(amount) for uuid, amount in memory.items()}
    return choose(need, _whole(entries, memory), (), idle) is not None


def most(entries: Sequence[Entry], memory: Mapping[str, int], least: int | None) -> int:
    """How many runs could go on at once if each took one entry.

    Args:
        memory: the bytes of each GPU that is there, by uuid.
        least: the fewest bytes that any run declares; None if none does.
    """
    count = 0
    for entry in _whole(entries, memory):
        if entry.runs is not None:
            count += entry.runs
        else:
            smallest = min(memory[gpu] for gpu in entry.gpus)
            count += max(1, smallest // least) if least else 1
    return count


def _whole(entries: Sequence[Entry], memory: Mapping[str, int]) -> list[Entry]:
    return [entry for entry in entries if memory.keys() >= set(entry.gpus)]


def _fits(
    entry: Entry,
    need: Need,
    entries: Sequence[Entry],
    tenants: Collection[Tenant],
    cards: Mapping[str, Card],
) -> bool:
    here = [tenant for tenant in tenants if tenant.gpus & set(entry.gpus)]
    if any(tenant.alone for tenant in here) or (need.alone and here):
        return False
    if entry.runs is None:
        if here and (need.memory is None or any(tenant.memory is None for tenant in here)):
            return False
    elif sum(entry.gpus in tenant.entries for tenant in here) >= entry.runs:
        return False
    for gpu in entry.gpus:
        card = cards[gpu]
        if card.obstacle is not None:
            return False
        share = card.available // _places(gpu, entries)
        claims = [_claim(t.memory, share) for t in here if gpu in t.gpus]
        if card.memory and sum(claims) + _claim(need.memory, share) > card.available:
            return False
    return True


def _places(gpu: str, entries: Sequence[Entry]) -> int:
    return sum(entry.runs or 1 for entry in entries if gpu in entry.gpus) or 1


def _claim(memory: int | None, share: int) -> int:
    """A run that declares nothing is counted with its share, whatever others declare."""
    return share if memory is None else memory


def _load(
    entry: Entry, tenants: Collection[Tenant], cards: Mapping[str, Card], *, by_memory: bool
) -> tuple[float, ...]:
    here = sum(bool(tenant.gpus & set(entry.gpus)) for tenant in tenants)
    load = max(cards[gpu].load for gpu in entry.gpus)
    free = min(cards[gpu].available for gpu in entry.gpus)
    return (-free, load) if by_memory else (here, load)


def _disjoint(entries: Sequence[Entry], count: int) -> Iterator[tuple[Entry, ...]]:
    """All ways to take so many of them that share no GPU, the first ones first."""
    if count == 0:
        yield ()
        return
    smallest = sorted(len(entry.gpus) for entry in entries)[:count]
    there = {gpu for entry in entries for gpu in entry.gpus}
    if len(smallest) < count or sum(smallest) > len(there):
        return  # without looking at all the ways, of which there may be any number
    for number, entry in enumerate(entries):
        taken = set(entry.gpus)
        rest = [other for other in entries[number + 1 :] if taken.isdisjoint(other.gpus)]
        yield from ((entry, *others) for others in _disjoint(rest, count - 1))
