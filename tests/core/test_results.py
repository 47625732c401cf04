"""The file in which a run keeps its results."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.plain import Marked
from coolrun.results import ResultsWriter, append_exit, has_exit, read_results
from coolrun.run import Exit

if TYPE_CHECKING:
    from pathlib import Path

STARTED = "2026-01-02T03:04:05+00:00"

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


@pytest.fixture
def writer(path: Path) -> Any:
    writer = ResultsWriter(path, "token", STARTED)
    yield writer
    writer.close()


def test_results_are_there_before_any_exit(path: Path, writer: ResultsWriter) -> None:
    writer.set("a", 1)
    writer.set("b", (1, float("inf"), {2: None}))
    writer.warn("look")
    written = read_results(path, "token")
    assert written.results == {"a": 1, "b": (1, float("inf"), {2: None})}
    assert (written.warnings, written.exit) == (("look",), None)
    assert (written.started, written.pid) == (STARTED, os.getpid())


def test_an_exit_comes_with_results_and_warnings(path: Path, writer: ResultsWriter) -> None:
    writer.set("a", 1)
    writer.warn("look")
    writer.warn("look")
    writer.finish("it broke", STARTED, 1.5, {"a": 1})
    assert read_results(path, "token").exit == Exit(
        "token", "it broke", STARTED, 1.5, {"a": 1}, ("look",)
    )


def test_what_another_attempt_wrote_is_not_believed(path: Path, writer: ResultsWriter) -> None:
    writer.finish(None, STARTED, 0.0, {})
    written = read_results(path, "another token")
    assert (written.believed, written.exit) == (False, None)


@pytest.mark.parametrize(
    "data", [b"", b"[]\n", b"{}\n", b"\xff\xfe", b'{"format":2,"token":"token"}\n']
)
def test_a_file_that_is_none_of_ours_says_nothing(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert not read_results(path, "token").believed


def test_a_missing_file_says_nothing(path: Path) -> None:
    assert not read_results(path, "token").believed
    append_exit(path, "token", None, STARTED, 0.0)
    assert not path.exists()


def test_a_file_that_is_cut_anywhere_never_says_anything_wrong(
    path: Path, writer: ResultsWriter
) -> None:
    writer.set("first", [1, 2])
    writer.set("second", "text ]\n[")
    writer.finish(None, STARTED, 0.0, {"first": [1, 2], "second": "text ]\n["})
    data = path.read_bytes()
    whole = read_results(path, "token").results
    for length in range(len(data)):
        path.write_bytes(data[:length])
        written = read_results(path, "token")
        assert written.results.items() <= whole.items()
        assert written.exit is None


@given(values=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), plain))
def test_every_plain_value_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("results") / "results.jsonl"
    writer = ResultsWriter(path, "token", STARTED)
    for key, value in values.items():
        writer.set(key, value)
    writer.close()
    read = read_results(path, "token").results
    assert repr(read) == repr(values)


def test_text_that_looks_like_an_expression_stays_text(path: Path, writer: ResultsWriter) -> None:
    writer.set("text", "parse 1")
    writer.set("marked", Marked("parse", "1"))
    results = read_results(path, "token").results
    assert [type(value) for value in results.values()] == [str, Marked]


def test_what_was_changed_in_place_or_removed_is_written_again(
    path: Path, writer: ResultsWriter
) -> None:
    writer.set("list", [])
    writer.set("same", [1])
    writer.set("number", 1)
    writer.set("gone", 1)
    size = path.stat().st_size
    writer.update({"list": [1], "same": [1], "number": 1})
    assert path.read_bytes()[size:] == b'["set","list",[1]]\n["delete","gone"]\n'
    assert read_results(path, "token").results == {"list": [1], "same": [1], "number": 1}


def test_a_number_that_became_a_list_is_compared_as_one(path: Path, writer: ResultsWriter) -> None:
    writer.set("a", 1)
    writer.set("a", [1])
    writer.update({"a": [1, 2]})
    assert read_results(path, "token").results == {"a": [1, 2]}


def test_a_removed_file_is_made_again_at_the_end(path: Path, writer: ResultsWriter) -> None:
    writer.set("a", 1)
    writer.warn("look")
    path.unlink()
    path.parent.rmdir()
    writer.set("b", 2)
    writer.finish(None, STARTED, 0.0, {"a": 1, "b": 2})
    assert read_results(path, "token").exit == Exit(
        "token", None, STARTED, 0.0, {"a": 1, "b": 2}, ("look",)
    )


def test_what_could_not_be_written_is_written_at_the_end(
    path: Path, writer: ResultsWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    room = 100

    def write(descriptor: int, data: bytes) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(28, "No space left on device")
        written = real(descriptor, data[:room])
        room -= written
        return written

    monkeypatch.setattr("coolrun.results.os.write", write)
    for number in range(20):
        writer.set(f"key {number}", number)
    with pytest.raises(OSError, match="No space"):
        writer.finish(None, STARTED, 0.0, {f"key {n}": n for n in range(20)})
    assert read_results(path, "token").exit is None
    room = 1 << 20
    writer.finish(None, STARTED, 0.0, {f"key {n}": n for n in range(20)})
    assert read_results(path, "token").results == {f"key {n}": n for n in range(20)}


def test_a_fork_writes_nothing(path: Path, writer: ResultsWriter) -> None:
    pid = os.fork()
    if pid == 0:
        writer.set("child", 1)
        writer.finish("child", STARTED, 0.0, {})
        os._exit(0)
    os.waitpid(pid, 0)
    written = read_results(path, "token")
    assert (written.results, written.exit) == ({}, None)


def test_a_file_of_an_earlier_attempt_is_replaced(path: Path, writer: ResultsWriter) -> None:
    other = ResultsWriter(path, "other", STARTED)
    writer.set("late", 1)
    other.set("a", 1)
    other.close()
    assert read_results(path, "other").results == {"a": 1}
    assert not read_results(path, "token").believed


def test_an_exit_is_added_for_a_process_that_wrote_none(path: Path, writer: ResultsWriter) -> None:
    writer.set("a", 1)
    with path.open("ab") as file:
        file.write(b'["set","torn')
    assert not has_exit(path, "token")
    append_exit(path, "another", "wrong", STARTED, 0.0)
    append_exit(path, "token", "killed", STARTED, 2.0)
    append_exit(path, "token", "too late", STARTED, 3.0)
    assert has_exit(path, "token")
    assert not has_exit(path, "another")
    assert read_results(path, "token").exit == Exit("token", "killed", STARTED, 2.0, {"a": 1})


def test_the_first_exit_counts_and_later_results_too(path: Path, writer: ResultsWriter) -> None:
    writer.finish(None, STARTED, 0.0, {})
    writer.set("by a thread", 1)
    with path.open("ab") as file:
        file.write(b'["exit","another",null,0]\n')
    exited = read_results(path, "token").exit
    assert exited is not None
    assert (exited.failure, exited.results) == (None, {"by a thread": 1})


def test_the_same_key_set_often_costs_little_memory(path: Path, writer: ResultsWriter) -> None:
    tracemalloc.start()
    for number in range(20_000):
        writer.set("same", number)
    assert read_results(path, "token").results == {"same": 19_999}
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
