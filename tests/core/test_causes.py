"""What counts as the same failure."""

from __future__ import annotations

import time

import pytest

from coolrun.causes import LONGEST, cause


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError: no luck with 'x'", "ValueError: no luck with 'another one'"),
        ("KeyError: 'lr'", 'KeyError: "epochs"'),
        ("OSError: no space for /tmp/a/b.bin", "OSError: no space for ../c/d"),
        ("cannot read data/part-3.csv", "cannot read data/more/part-17.csv"),
        ("<Model object at 0x7f00ab>", "<Model object at 0x55DE>"),
        ("loss is -1e-05 at step 3", "loss is 12.5 at step 1,000"),
        ("Tried to allocate 2.00 GiB (12GB total)", "Tried to allocate 16.50 GiB (80GB total)"),
        ("no 550e8400-e29b-41d4-a716-446655440000", "no 123e4567-e89b-12d3-a456-426614174000"),
        ("commit deadbeef01 is gone", "commit 0123abcd9 is gone"),
        ("two  lines\nof text", "two lines of text"),
        ("it took 1:02:03.", "it took 4:05:06."),
        ("sizes 3x4 differ", "sizes 5x66 differ"),
        ("exit code 1: loss is 0.1 at step 3", "exit code 1: loss is 0.25 at step 16"),
    ],
)
def test_what_differs_from_run_to_run_does_not_count(one: str, other: str) -> None:
    assert cause(one) == cause(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ValueError: no luck", "TypeError: no luck"),
        ("killed by SIGKILL", "killed by SIGTERM"),
        ("float32 expected", "float64 expected"),
        ("conv2d is missing", "conv3d is missing"),
        ("it can't be, and isn't", "it can't see, and isn't"),
        ("this and/or that", "this and/or those"),
        ("exit code 1", "exit code 2"),
        ("exit code 11: loss is 0.1", "exit code 12: loss is 0.1"),
    ],
)
def test_words_count(one: str, other: str) -> None:
    assert cause(one) != cause(other)


def test_a_cause_is_worth_reading() -> None:
    text = "ValueError: no luck with 'x' at 0x7f12ab in /tmp/foo/bar.py, line 12."
    assert cause(text) == "ValueError: no luck with '...' at 0x... in PATH, line N."
    assert cause("") == ""


def test_a_cause_of_a_cause_is_itself() -> None:
    once = cause("KeyError: 'a' in /x/y.py:3 at 0x1f, 17 of 20 done, run deadbeef01")
    assert cause(once) == once


@pytest.mark.parametrize(
    "piece", ["'", '"', "`", "/", "a/", "1", "a-", "0a-", "abcd1-", "./", "\\'"]
)
def test_odd_text_of_any_length_is_short_work(piece: str) -> None:
    begun = time.process_time()
    assert len(cause(piece * 1_000_000)) <= LONGEST
    assert time.process_time() - begun < 1
