"""Which GPUs runs get: never too many on one, never one twice, and some whenever there are some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from coolrun_plugins.gpu.needs import Need
from coolrun_plugins.gpu.slots import Card, Entry, Tenant, choose, is_possible, most

GIB = 1 << 30
CARDS = {name: Card(16 * GIB) for name in "abcd"}
EACH = [Entry((name,)) for name in CARDS]


def names(chosen: Sequence[Entry] | None) -> list[str] | None:
    return None if chosen is None else sorted(gpu for entry in chosen for gpu in entry.gpus)


def tenant(*gpus: str, memory: int | None = None, alone: bool = False) -> Tenant:
    return Tenant(tuple((gpu,) for gpu in gpus), memory, alone)


def test_the_first_of_several_idle_ones_is_taken() -> None:
    assert names(choose(Need(), EACH, (), CARDS)) == ["a"]
    assert names(choose(Need(2), EACH, (), CARDS)) == ["a", "b"]


def test_the_least_loaded_is_taken() -> None:
    cards = {**CARDS, "a": Card(16 * GIB, load=0.05), "b": Card(16 * GIB, load=0.01)}
    assert names(choose(Need(2), EACH, (), cards)) == ["c", "d"]
    assert names(choose(Need(), EACH[:2], (), cards)) == ["b"]


def test_what_is_in_the_way_is_respected() -> None:
    cards = {**CARDS, "a": Card(16 * GIB, obstacle="others use it")}
    assert names(choose(Need(), EACH, (), cards)) == ["b"]
    assert choose(Need(4), EACH, (), cards) is None


def test_a_run_that_declares_no_memory_has_its_gpu_for_itself() -> None:
    assert names(choose(Need(), EACH, [tenant("a")], CARDS)) == ["b"]
    assert choose(Need(), EACH[:1], [tenant("a", memory=GIB)], CARDS) is None
    assert choose(Need(1, GIB), EACH[:1], [tenant("a")], CARDS) is None


def test_runs_that_declare_their_memory_share_as_long_as_it_fits() -> None:
    on_it = [tenant("a", memory=6 * GIB)]
    assert names(choose(Need(1, 10 * GIB), EACH[:1], on_it, CARDS)) == ["a"]
    assert choose(Need(1, 11 * GIB), EACH[:1], on_it, CARDS) is None


def test_they_are_spread_before_they_share() -> None:
    assert names(choose(Need(1, GIB), EACH, [tenant("a", memory=GIB)], CARDS)) == ["b"]


def test_what_others_have_taken_of_a_gpu_is_not_given_away() -> None:
    cards = {"a": Card(16 * GIB, foreign=GIB)}
    assert choose(Need(1, 16 * GIB), EACH[:1], (), cards) is None
    assert names(choose(Need(1, 15 * GIB), EACH[:1], (), cards)) == ["a"]
    assert names(choose(Need(), EACH[:1], (), cards)) == ["a"]


def test_so_many_runs_share_a_gpu_as_were_asked_for() -> None:
    entries = [Entry(("a",), 2)]
    assert names(choose(Need(), entries, [tenant("a")], CARDS)) == ["a"]
    assert choose(Need(), entries, [tenant("a")] * 2, CARDS) is None
    cards = {"a": Card(16 * GIB, foreign=GIB)}
    assert names(choose(Need(), entries, [tenant("a")], cards)) == ["a"]


def test_one_that_declares_nothing_is_counted_with_its_share() -> None:
    entries = [Entry(("a",), 2)]
    assert choose(Need(1, 9 * GIB), entries, [tenant("a")], CARDS) is None
    assert names(choose(Need(1, 8 * GIB), entries, [tenant("a")], CARDS)) == ["a"]


def test_memory_that_is_not_known_is_not_counted() -> None:
    cards = {"a": Card(0)}
    assert names(choose(Need(1, GIB), EACH[:1], [tenant("a", memory=GIB)], cards)) == ["a"]


def test_whoever_wants_to_be_alone_is_alone_on_the_emptiest() -> None:
    cards = {**CARDS, "b": Card(16 * GIB, foreign=GIB), "c": Card(24 * GIB)}
    alone = Need(1, GIB, alone=True)
    assert names(choose(alone, EACH, (), cards)) == ["c"]
    assert names(choose(alone, EACH, [tenant("c", memory=GIB)], cards)) == ["a"]
    taken = [tenant("a", memory=GIB, alone=True)]
    assert choose(Need(1, GIB), EACH[:1], taken, cards) is None


def test_sets_are_handed_out_as_a_whole_and_no_gpu_twice() -> None:
    entries = [Entry(("a",), 1), Entry(("b", "c"), 1)]
    assert names(choose(Need(2), entries, (), CARDS)) == ["a", "b", "c"]
    assert names(choose(Need(), entries, [Tenant((("a",),))], CARDS)) == ["b", "c"]
    overlapping = [Entry(("a", "b"), 1), Entry(("b", "c"), 1), Entry(("c", "d"), 1)]
    assert names(choose(Need(2), overlapping, (), CARDS)) == ["a", "b", "c", "d"]


def test_more_sets_than_can_be_apart_are_refused_without_trying_all_ways() -> None:
    names = [f"GPU-{number}" for number in range(24)]
    pairs = [Entry(pair) for pair in combinations(names, 2)]
    memory = dict.fromkeys(names, GIB)
    assert is_possible(Need(12), pairs, memory)
    assert not is_possible(Need(13), pairs, memory)
    cards = {name: Card(GIB, obstacle="taken" if name < "GPU-2" else None) for name in names}
    free = sum(card.obstacle is None for card in cards.values())
    assert choose(Need(free // 2), pairs, (), cards) is not None
    assert choose(Need(free // 2 + 1), pairs, (), cards) is None


def test_what_could_never_be_had_is_known_before() -> None:
    memory = dict.fromkeys("abcd", 16 * GIB)
    assert is_possible(Need(4, 16 * GIB), EACH, memory)
    assert not is_possible(Need(5), EACH, memory)
    assert not is_possible(Need(1, 17 * GIB), EACH, memory)
    assert not is_possible(Need(4), EACH, {"a": GIB, "b": GIB})
    assert not is_possible(Need(2), [Entry(("a",), 2)], memory)


def test_as_many_run_at_once_as_there_are_places() -> None:
    memory = dict.fromkeys("abcd", 16 * GIB)
    assert most(EACH, memory, None) == 4
    assert most(EACH, memory, 5 * GIB) == 12
    assert most([Entry(("a",), 2), Entry(("b", "c"), 1)], memory, GIB) == 3
    assert most(EACH, {"a": 0}, GIB) == 1
    assert most([], {}, None) == 0


# Whatever happens

GPUS = "abc"
needs = st.builds(
    Need,
    st.integers(1, 3),
    st.none() | st.integers(1, 20).map(lambda n: n * GIB),
    st.booleans(),
)
sets = st.lists(st.sampled_from(GPUS), min_size=1, max_size=2, unique=True)
layouts = st.one_of(
    st.just([Entry((gpu,)) for gpu in GPUS]),
    st.integers(1, 3).map(lambda n: [Entry((gpu,), n) for gpu in GPUS]),
    st.dictionaries(sets.map(lambda g: tuple(sorted(g))), st.integers(1, 2), min_size=1).map(
        lambda found: [Entry(gpus, runs) for gpus, runs in found.items()]
    ),
)


@settings(max_examples=300, deadline=None)
@given(layouts, st.lists(st.tuples(needs, st.booleans()), max_size=12))
def test_runs_that_come_and_go_never_get_more_than_there_is(
    entries: list[Entry], steps: list[tuple[Need, bool]]
) -> None:
    cards = {gpu: Card(16 * GIB) for gpu in GPUS}
    tenants: list[Tenant] = []
    for need, ends in steps:
        chosen = choose(need, entries, tenants, cards)
        if chosen is None:
            assert not _brute(need, entries, tenants, cards)
        else:
            gpus = [gpu for entry in chosen for gpu in entry.gpus]
            assert len(chosen) == need.count
            assert len(set(gpus)) == len(gpus)
            tenants.append(Tenant(tuple(e.gpus for e in chosen), need.memory, need.alone))
        _nobody_has_too_much(entries, tenants)
        if ends and tenants:
            del tenants[0]


@given(layouts, needs)
def test_what_is_possible_is_had_when_nobody_else_is_there(
    entries: list[Entry], need: Need
) -> None:
    cards = {gpu: Card(16 * GIB) for gpu in GPUS}
    memory = {gpu: card.memory for gpu, card in cards.items()}
    assert is_possible(need, entries, memory) == (choose(need, entries, (), cards) is not None)


def _nobody_has_too_much(entries: Sequence[Entry], tenants: Sequence[Tenant]) -> None:
    for entry in entries:
        having = [t for t in tenants if entry.gpus in t.entries]
        if entry.runs is not None:
            assert len(having) <= entry.runs
        elif any(t.memory is None for t in having):
            assert len(having) == 1
    for gpu in GPUS:
        here = [t for t in tenants if gpu in t.gpus]
        assert sum(t.memory or 0 for t in here) <= 16 * GIB
        if any(t.alone for t in here):
            assert len(here) == 1


def _brute(
    need: Need, entries: Sequence[Entry], tenants: Sequence[Tenant], cards: Mapping[str, Card]
) -> bool:
    """Whether any entries would do, each of which would do by itself.

    Where somebody declares no memory, shares are counted, which one entry does not tell.
    """
    if need.memory is None or any(tenant.memory is None for tenant in tenants):
        return False
    one = Need(1, need.memory, need.alone)
    good = [entry for entry in entries if choose(one, [entry], tenants, cards)]
    several = ([g for e in picked for g in e.gpus] for picked in combinations(good, need.count))
    return any(len(set(gpus)) == len(gpus) for gpus in several)
