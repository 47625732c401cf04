"""Lengths of time as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.durations import seconds
from coolrun.plain import Marked


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (90, 90.0),
        (0.5, 0.5),
        (0, 0.0),
        ("90", 90.0),
        ("90s", 90.0),
        ("1.5 h", 5400.0),
        ("10m", 600.0),
        ("2h", 7200.0),
        ("1d", 86_400.0),
        ("1h30m", 5400.0),
        (" 1h 30m ", 5400.0),
        ("1:30", 90.0),
        ("90:00", 5400.0),
        ("1:30:00", 5400.0),
        ("0:00:00.5", 0.5),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(written: object, expected: float) -> None:
    assert seconds(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "-1", -1, "1:99", "1:60:00", "5x", "h", None, True, [1], {}, "1 2"),
        *(math.inf, math.nan, 1e12, "10000000d", "٣h", "٣", Marked("parse", "1")),
    ],
)
def test_what_is_no_length_of_time_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="expected seconds, or text such as"):
        seconds(written)


@given(st.one_of(st.text(max_size=12), st.integers(), st.floats()))
def test_anything_is_read_or_refused_and_never_breaks(written: object) -> None:
    try:
        assert 0 <= seconds(written) < math.inf
    except ValueError as error:
        assert "expected seconds" in str(error)  # noqa: PT017
