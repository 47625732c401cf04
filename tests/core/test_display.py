"""Values, names and durations as people see them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.display import (
    cells,
    duration,
    measured,
    numbers,
    shortened,
    shown,
    visible,
    visible_lines,
)
from coolrun.plain import Marked

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = st.text() | st.integers() | st.booleans()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(KEYS, inner)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("ünï 日本", "ünï 日本"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b31m", "\\x9b31m"),
        ("right \u202eto left", "right \\u202eto left"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, expected: str) -> None:
    assert visible(text) == expected


def test_lines_stay_lines_while_what_is_in_them_is_escaped() -> None:
    assert visible_lines("a\x1b[2J\n  b\tc\n") == "a\\x1b[2J\n  b\\tc"


@given(st.text())
def test_nothing_that_is_shown_can_steer_a_terminal(text: str) -> None:
    assert visible(text).isprintable()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        (float("inf"), ".inf"),
        ("text", "text"),
        ("1e-3", "'1e-3'"),
        ("yes", "'yes'"),
        ("", "''"),
        ([1, "a"], "[1, a]"),
        ((32, 32), "(32, 32)"),
        ((3,), "(3,)"),
        ({"a": {"b": [1]}}, "{a: {b: [1]}}"),
        (Marked("parse", "a + 1"), "parse a + 1"),
        (2**400, hex(2**400)[:17] + "..."),
    ],
)
def test_a_value_is_shown_as_one_would_write_it(value: Any, expected: str) -> None:
    assert shown(value, 20) == expected


@given(VALUES, st.integers(4, 60))
def test_a_shown_value_keeps_to_its_width_and_its_line(value: Any, width: int) -> None:
    text = shown(value, width)
    assert cells(text) <= width
    assert text.isprintable()


def test_a_large_value_is_not_written_out_to_be_cut() -> None:
    assert shown([0] * 10_000_000, 12) == "[0, 0, 0,..."


def test_wide_characters_count_twice() -> None:
    assert cells("日本") == 4
    assert shortened("日本語日本語", 9) == "日本語..."


def test_a_result_has_the_digits_that_anybody_compares() -> None:
    assert measured(1 / 3) == "0.333333"
    assert measured(float("nan")) == ".nan"
    assert measured(7) == "7"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1.0, "0 ms"),
        (0.004, "4 ms"),
        (0.25, "0.25 s"),
        (3.04, "3.0 s"),
        (9.99, "10 s"),
        (59.7, "1:00"),
        (205, "3:25"),
        (3723, "1:02:03"),
        (200_000, "2 d 07:33"),
    ],
)
def test_a_duration_has_the_unit_that_fits(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_positions_are_written_as_spans() -> None:
    assert numbers([9, 0, 1, 2, 7]) == "0-2, 7, 9"
    assert numbers([]) == ""
    assert numbers([0, 2, 4, 5, 6, 9], 2) == "0, 2 and 4 more"
    assert numbers([0, 2], 2) == "0, 2"
