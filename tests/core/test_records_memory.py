"""What is remembered of logs is what stands in them, or it is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.plain import encode
from coolrun.records import Entry, LogFile, Memory, Part, Recorder, SimpleReader
from coolrun.records.columns import Columns
from coolrun_plugins.filter.names import names_of

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=5,
)
rows = st.lists(st.dictionaries(st.sampled_from("abcd"), values, max_size=4), max_size=6)


def written(records: list[Any]) -> bytes:
    recorder = Recorder()
    for at, record in enumerate(records):
        recorder.add(Entry(10 + at, 11 + at, record, True), 10)
    data = recorder.data()
    assert data is not None
    return data


@given(rows)
def test_columns_give_the_values_that_went_in(records: list[Any]) -> None:
    columns = Columns(written(records))
    assert len(columns) == len(records)
    assert columns.places() == (
        list(range(len(records))),
        list(range(1, 1 + len(records))),
    )
    for keys in ("abcd", "ab", "xc", ""):
        wanted = [{k: v for k, v in sorted(r.items()) if k in keys} for r in records]
        found = [dict(sorted(record.items())) for record in columns.records(keys)]
        assert [encode(record) for record in found] == [encode(record) for record in wanted]


def opened(data: bytes) -> list[Any] | None:
    """The records, None where they are not believed."""
    try:
        columns = Columns(data)
        columns.places()
        return list(columns.records("abcd"))
    except (ValueError, KeyError, TypeError):
        return None


@given(rows.filter(any), st.data())
def test_torn_columns_are_not_believed(records: list[Any], data: st.DataObject) -> None:
    whole = written(records)
    assert opened(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    records = [{"a": 1.5, "b": "x"}, {"a": 2.5, "b": "y"}]
    whole = bytearray(written(records))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    assert opened(bytes(whole)) in (None, records)


def test_records_that_columns_cannot_hold_are_not_remembered() -> None:
    for entry in (Entry(0, 1, {1: 2}, True), Entry(0, 1, {"a": 2}, False)):
        recorder = Recorder()
        recorder.add(entry, 0)
        assert recorder.data() is None


# Large logs


@pytest.fixture
def part() -> Part:
    text = "".join(f"---\nName: n{number}\nACC: {number / 7}\n" for number in range(50_000))
    (only,) = LogFile("log.yaml", text.encode()).parts(8 << 20)
    return only


def remember(folder: Path, part: Part) -> None:
    memory = Memory(folder)
    memory.set_aside(part)
    recorder = memory.recorder(part)
    assert recorder is not None
    for entry in part.entries(SimpleReader()):
        recorder.add(entry, part.start)
    memory.keep(part, memory.tell(part, recorder))
    memory.close()


def test_a_large_part_is_found_again_by_its_bytes(tmp_path: Path, part: Part) -> None:
    assert Memory(tmp_path).find(part) is None
    remember(tmp_path, part)
    columns = Memory(tmp_path).find(part)
    assert columns is not None
    assert next(columns.records(["ACC"])) == {"ACC": 0.0}
    assert (tmp_path / ".coolrun/.gitignore").read_text() == "*\n"
    changed = LogFile("log.yaml", part.log.data.replace(b"n77\n", b"n78\n"))
    assert Memory(tmp_path).find(Part(changed, 0, len(changed.data))) is None


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path, part: Part) -> None:
    (tmp_path / ".coolrun").write_text("no folder")
    remember(tmp_path, part)
    assert Memory(tmp_path).find(part) is None


def test_a_torn_file_is_passed_over(tmp_path: Path, part: Part) -> None:
    remember(tmp_path, part)
    (file,) = (tmp_path / ".coolrun/cache").iterdir()
    for content in (b"", b"x", file.read_bytes()[:40]):
        file.write_bytes(content)
        assert Memory(tmp_path).find(part) is None


def test_small_logs_are_not_remembered(tmp_path: Path) -> None:
    log = LogFile("log.yaml", b"a: 1\n")
    memory = Memory(tmp_path)
    memory.set_aside(Part(log, 0, 5))
    assert memory.recorder(Part(log, 0, 5)) is None


# Which columns a question needs


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ACC > 0.9", {"ACC"}),
        ("opt.lr < max(a, 1)", {"opt", "max", "a"}),
        ("lambda exp: 'ACC' in exp and exp['ACC'] > 0.9", {"ACC"}),
        ("lambda e: e.ACC > 1 or 'x' not in e", {"ACC", "x"}),
        ("lambda exp: exp.get('ACC', 0)", {"ACC", "get"}),
        ("lambda exp: exp['a']['b']", {"a"}),
        ("lambda exp: len(exp) > 3", None),
        ("lambda exp: exp[exp['which']]", None),
        ("lambda exp: exp.get(exp['which'])", None),
        ("lambda exp: 'x' in exp.values()", None),
        ("lambda exp: [exp for exp in exp['a']]", None),
        ("lambda exp: exp", None),
        ("lambda exp: exp['which'] in exp", None),
    ],
)
def test_the_keys_that_an_expression_reads_are_known(text: str, names: set[str] | None) -> None:
    assert names_of(text) == names
