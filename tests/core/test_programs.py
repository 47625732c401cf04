"""What programs leave behind: results, and how they ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coolrun import programs
from coolrun.programs import end_results, ended_badly, read_written
from coolrun.results import claim, read_results


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (0, None),
        (3, "exit code 3"),
        (126, "exit code 126 (a program could not be executed)"),
        (127, "exit code 127 (a program was not found)"),
        (-9, "killed by signal 9 (SIGKILL)"),
        (-64, "killed by signal 64 (SIGRTMAX)"),
        (-99, "killed by signal 99 (SIG99)"),
    ],
)
def test_an_exit_code_in_words(code: int, failure: str | None) -> None:
    assert ended_badly(code) == failure


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results.yaml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("ACC: 0.5\nLIST: [1, 2]\n", {"ACC": 0.5, "LIST": [1, 2]}),
        ('{"ACC": 1, "x": {"y": null}}', {"ACC": 1, "x": {"y": None}}),
        ("A: 1\nB: 2\n---\n---\nA: 3\n", {"A": 3, "B": 2}),
        ("20: x\n", {"20": "x"}),
        ("A: parse 1 + 1\n", {"A": "parse 1 + 1"}),
    ],
)
def test_results_are_read(file: Path, text: str, expected: dict[str, object]) -> None:
    file.write_text(text)
    assert read_written(str(file), ()) == (expected, [])


def test_a_program_need_not_write_any(file: Path) -> None:
    assert read_written(str(file), ()) == ({}, [])


@pytest.mark.parametrize(
    ("text", "results", "reason"),
    [
        ("A: 1\n---\nB: [\n", {"A": 1}, "not all recorded"),
        ("- 1\n", {}, "holds no mapping"),
        ("A: 1\nlr: 2\n", {"A": 1}, "'lr' is not recorded"),
        ("A: !!python/object:os.system 1\n", {}, "not all recorded"),
        ("A: \x00\n", {}, "not all recorded"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_is_kept(
    file: Path, text: str, results: dict[str, object], reason: str
) -> None:
    file.write_text(text)
    found, (warning,) = read_written(str(file), ("lr",))
    assert found == results
    assert reason in warning
    assert "\n" not in warning


def test_what_is_too_large_or_cannot_be_read_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "LARGEST", 10)
    file.write_text("A: 123456789\n")
    assert "larger than 10 bytes" in read_written(str(file), ())[1][0]
    assert "cannot be read" in read_written(str(file.parent), ())[1][0]


def test_the_end_of_a_program_is_the_end_of_its_run(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    os.close(claim(path, "token", "2030-01-01T00:00:00"))
    end_results(str(path), "exit code 3", "2030-01-01T00:00:00", 1.5, ({"A": (1, 2)}, ["odd"]))
    exited = read_results(path, "token").exit
    assert exited is not None
    assert (exited.failure, exited.elapsed) == ("exit code 3", 1.5)
    assert exited.results == {"A": (1, 2)}
    assert exited.warnings == ("odd",)
