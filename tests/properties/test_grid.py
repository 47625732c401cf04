"""Sweeps give what itertools gives, whatever is swept."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import coolrun

VALUES = st.one_of(
    st.integers(-5, 5), st.booleans(), st.none(), st.text("ab c", max_size=3), st.just({"a": 1})
)
AXES = st.dictionaries(
    st.sampled_from("pqrs"),
    st.lists(VALUES, min_size=1, max_size=3, unique_by=json.dumps),
    max_size=3,
)


def planned(tmp: Path, experiment: dict[str, Any]) -> list[dict[str, Any]]:
    file = tmp / "a.yaml"
    file.write_text("Module: m\n---\n" + json.dumps(experiment), encoding="utf-8")
    swept = {"p", "q", "r", "s", "t", "u"}
    experiments = coolrun.plan(file).experiments
    return [{k: v for k, v in e.items() if k in swept} for e in experiments]


def product(axes: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(axes, combination, strict=True))
        for combination in itertools.product(*axes.values())
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(AXES)
def test_a_grid_is_a_product(axes: dict[str, list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert planned(Path(folder), {"Grid": axes}) == product(axes)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(AXES, st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=3, unique_by=json.dumps))
def test_a_grid_and_a_zip_are_a_product_of_both(
    axes: dict[str, list[Any]], pairs: list[tuple[Any, Any]]
) -> None:
    paired = [{"t": first, "u": second} for first, second in pairs]
    zipped = {"t": [first for first, _ in pairs], "u": [second for _, second in pairs]}
    expected = [{**one, **two} for one, two in itertools.product(product(axes), paired)]
    with tempfile.TemporaryDirectory() as folder:
        assert planned(Path(folder), {"Grid": axes, "Zip": zipped}) == expected


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(AXES, min_size=1, max_size=3))
def test_several_grids_follow_one_another_and_nothing_comes_twice(
    grids: list[dict[str, list[Any]]],
) -> None:
    expected = {
        json.dumps(one, sort_keys=True): one for axes in grids for one in product(axes)
    }.values()
    with tempfile.TemporaryDirectory() as folder:
        assert planned(Path(folder), {"Grid": grids}) == list(expected)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(AXES, st.integers(0, 30), st.integers(0, 10**9))
def test_a_sample_is_a_part_in_order_and_the_same_again(
    axes: dict[str, list[Any]], size: int, seed: int
) -> None:
    everything = product(axes)
    sampled = {"Grid": axes, "Sample": size, "Seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        drawn = planned(Path(folder), sampled)
        assert drawn == planned(Path(folder), sampled)
    assert len(drawn) == min(size, len(everything))
    texts = [json.dumps(one) for one in everything]  # 0 and False are equal and not the same
    places = [texts.index(json.dumps(one)) for one in drawn]
    assert places == sorted(places)
    assert len(set(places)) == len(places) or len(set(texts)) < len(texts)
