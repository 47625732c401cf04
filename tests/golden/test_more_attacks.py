"""Attacks beyond the corpus: on expressions, on the reader, on definitions and on logs."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest

import coolrun
from coolrun.entry_points import find_entry_points
from coolrun.errors import CoolrunError, DefinitionError, ExpressionError, UsageError
from coolrun.expression import Earlier, Evaluator
from coolrun.records import read_log
from coolrun.records.columns import MOST_KEYS, Recorder
from coolrun.records.log import LARGEST, Entry, Part
from coolrun.records.simple import SimpleReader
from coolrun.yamlio import read
from coolrun_plugins.filter.formats import MOST_COLUMNS, as_csv, as_table

SECONDS = 8  # of the processor: a bound on work, wide enough for any machine

REFUSED = (
    "().__class__.__base__",
    "ｅｖａｌ('1')",  # noqa: RUF001 - the parser makes it `eval`
    "E[0].__dict__",
    "[x for x in E if x.clear()]",
    "f'{lr!r:{10**9}}'",
    "f'{lr:\\x7d\\x7b__fstring__.real}'",
    "'%*d' % (10**9, 1)",
    "map('a'.upper, [1])",
    "dict(__a=1)",
    "{'a': {'__b': 1}}",
    "[{1}]",
    "'\\ud800'",
    "chr(55296)",
    "...",
    "(-8)**(1/3)",
    "2**4096",
    "0 << 10**4000",
    "'a'.ljust(10**30)",
    "('\\t'*1000).expandtabs(10**30)",
    "('a'*10**5).replace('', 'b')",
    "sum([[1]]*20000, [])",
    "[s.rfind('b'+'a'*500) for s in ['a'*100000] for i in range(1000)]",
    "[('a'*100000).strip('b'*99000+'a') for i in range(200)]",
    "[1 for x in range(20000) for y in range(20000) if 0]",
    # Each lookup hashes the whole tuple again.
    "[z in E[0] for z in [(1,)*20000] for i in range(20000)]",
    "[E[0].get(z) for z in [(1,)*20000] for i in range(20000)]",
    "[z in {1} for z in [('a'*100000,)*20000] for i in range(20000)]",
)


@pytest.mark.parametrize("text", REFUSED)
def test_a_hostile_expression_is_refused_in_no_time(text: str) -> None:
    scope = {"E": Earlier([{"lr": 0.1, "list": [1]}]), "lr": 0.1}
    begin = process_time()
    with pytest.raises(ExpressionError) as caught:
        Evaluator().evaluate(text, scope)
    assert process_time() - begin < 2
    assert len(str(caught.value)) < 700
    assert str(caught.value).replace("\n", "").isprintable()


LITERALS: dict[str, Any] = {
    "1.e3": 1000.0,
    "+.inf": math.inf,
    "-.Inf": -math.inf,
    "0x1g": "0x1g",
    "0XFF": "0XFF",
    "1_000": "1_000",
    "0b1": "0b1",
    "-0": 0,
    "+1": 1,
    "1e+3": 1000.0,
    "-0.0": -0.0,
    "~": None,
    "Null": None,
    "nUll": "nUll",
    "None": "None",
    "TRUE": True,
    "tRUE": "tRUE",
    **{word: word for word in ("y", "n", "Y", "N", "yes", "Yes", "no", "off", "Off", "ON")},
    "2021-09-20T10:10:10Z": "2021-09-20T10:10:10Z",
    "1:30:00": "1:30:00",
    "-1:30": "-1:30",
    "0o17": 15,
    "0o18": "0o18",
    "+0o17": "+0o17",
    "-0x1": "-0x1",
    "08": 8,
    "-010": -10,
    "=": "=",
    "<<": "<<",
    ".": ".",
    "...x": "...x",
    ".e1": ".e1",
    "5.": 5.0,
    "+.5": 0.5,
    "695e0514": "695e0514",
    "-1e999": "-1e999",
    "1e-400": 0.0,
    "+.nan": "+.nan",
    "(012,)": (12,),
    "(1)": "(1)",
    "(yes,)": "(yes,)",
    "(1j,)": "(1j,)",
    "()": (),
    "!!str 1": "1",
    "!!float 1": 1.0,
    "!!int '1'": 1,
    "!!null ''": None,
    "!text parse 1": "parse 1",
    "!!str": "",
    "''": "",
    '"null"': "null",
}


@pytest.mark.parametrize("text", LITERALS)
def test_a_scalar_is_what_the_core_schema_says(text: str) -> None:
    (document,) = read(f"a: {text}".encode(), path="f.yaml", definition=True, words=("parse",))
    assert repr(document.value) == repr({"a": LITERALS[text]})
    assert type(document.value["a"]) is type(LITERALS[text])


HOSTILE_FILES = (
    *(b"a: !!bool yes", b"a: !!int 1.0", b"a: !!timestamp 2001-01-01", b"a: !!float 1e400"),
    *(b"%TAG ! !x\n---\na: 1", b"%YAML 1.1\n---\na: 1", b"a: &a {<<: *a}", b"<<: 1", b"a: {~: 1}"),
    *(b"a: {1: 1, true: 2}", b"a: {.nan: 1, .NaN: 2}", b"a: &x !merge {b: 1}\nc: *x"),
    *(b"\xff\xfea\x00", b"a: \xed\xa0\x80", b"a: \xc2\x85", b"a: \xef\xbf\xbf", b'a: "\\ud800"'),
    *(b"a: " + b"(" * 1000, b"a: 0x" + b"f" * 5000, b"x\t: b: c"),
)


@pytest.mark.parametrize("data", HOSTILE_FILES, ids=[repr(data[:30]) for data in HOSTILE_FILES])
def test_a_hostile_file_is_refused_in_printable_words(data: bytes) -> None:
    with pytest.raises(DefinitionError) as caught:
        list(read(data, path="f.yaml", definition=True))
    assert caught.value.place is not None
    assert str(caught.value).replace("\n", "").isprintable()


Plan = Callable[..., Any]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)

    def make(text: str, *arguments: str) -> Any:
        Path("f.yaml").write_text(text, encoding="utf-8")
        return coolrun.plan("f.yaml", arguments)

    return make


HUNDRED = "[" + ",".join(map(str, range(100))) + "]"
BOMBS = {
    "passes that give nothing": "Global: {repeat: 1000000000}\n---\nRepeat: 0",
    "copies of a large value": "a: parse [0]*20000\n---\nRepeat: 20000",
    "sweeps that give nothing": "Global: {repeat: 10000, max_experiments: 10000}\n---\n"
    f"Grid: {{a: {HUNDRED}, b: {HUNDRED}}}\nWhere: 1 > 2",
    "repeat as a float": "Repeat: 1e9\n---\n{}",
    "repeat beyond counting": "Repeat: 100000000000000000000000000\n---\n{}",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_before_it_takes_long(text: str, plan: Plan) -> None:
    begin = process_time()
    with pytest.raises(CoolrunError) as caught:
        plan(f"Module: m\n{text}\n")
    assert caught.value.exit_code == coolrun.ExitCode.USAGE
    assert process_time() - begin < 6 * SECONDS


def test_a_long_cycle_is_told_in_short(plan: Plan) -> None:
    lines = "\n".join(f"a{i}: parse a{(i + 1) % 3000}" for i in range(3000))
    with pytest.raises(CoolrunError, match=r"a0 -> a1 -> .* -> \.\.\. -> a2999 -> a0") as caught:
        plan(f"Module: m\nGlobal: {{order: free}}\n---\n{lines}\n")
    assert len(caught.value.message) <= 300


def test_thousands_of_blocks_are_gone_through_once(plan: Plan) -> None:
    begin = process_time()
    blocks = "".join(f"- {{a: [{i}]}}\n" for i in range(5000))
    made = plan(f"Module: m\n---\nGrid:\n{blocks}")
    assert [e["a"] for e in made.experiments] == list(range(5000))
    assert process_time() - begin < SECONDS


@pytest.mark.parametrize(
    "argument",
    [
        "--pick=" + "9" * 5000,
        "--pick=0-" + "9" * 30,
        "--pick=0-9999999999",
        "+" + "a." * 999 + "b=1",
    ],
    ids=["digits", "range", "long range", "depth"],
)
def test_a_hostile_argument_is_refused(argument: str, plan: Plan) -> None:
    with pytest.raises(UsageError):
        plan("Module: m\n---\n{}\n", argument)


@pytest.mark.parametrize(
    "text",
    [
        "a: [" + "(x," * 20_000 + "]",
        "\n".join(f"Repat{i}: 1" for i in range(20_000)),
        "Global:\n" + "\n".join(f"  repat{i}: 1" for i in range(20_000)),
    ],
    ids=["warnings of the reader", "unknown keys", "unknown settings"],
)
def test_a_file_gives_reason_for_a_bounded_number_of_notes(
    text: str, plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = process_time()
    plan(f"Module: m\n{text}\n---\n{{}}\n")
    told = capsys.readouterr().err.splitlines()
    assert len(told) < 30
    assert process_time() - begin < SECONDS


def test_a_definition_that_claims_more_than_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with open("f.yaml", "wb") as file:
        file.truncate(1 << 36)
    with pytest.raises(DefinitionError, match="larger than"):
        coolrun.plan("f.yaml")


def test_a_log_that_claims_more_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.yaml"
    with open(path, "wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(OSError, match="larger than"):
        read_log(path, "log.yaml")


def test_broken_documents_leave_nothing_behind_but_their_messages(tmp_path: Path) -> None:
    path = tmp_path / "log.yaml"
    path.write_text("---\na: [\n" * 50 + "---\na: 1\n", encoding="utf-8")
    log = read_log(path, "log.yaml")
    part = Part(log, 0, len(log.data))
    assert [entry.value for entry in part.entries(SimpleReader())] == [{"a": 1}]
    assert len(part.problems) == 50
    assert all(error.__traceback__ is None for error in part.problems)
    assert all(error.__context__ is None for error in part.problems)


def test_records_with_too_many_keys_are_not_made_columns() -> None:
    recorder = Recorder()
    begin = process_time()
    for number in range(1000):
        keys = {f"k{number}_{i}": 1 for i in range(100)}
        recorder.add(Entry(number, number + 1, keys, True), 0)
    assert MOST_KEYS < 1000 * 100
    assert recorder.data() is None
    assert process_time() - begin < SECONDS


def test_more_keys_than_a_table_can_have_are_refused() -> None:
    records = [{f"k{i}": 1} for i in range(MOST_COLUMNS + 1)]
    with pytest.raises(UsageError, match="too many for columns"):
        list(as_csv(records))
    with pytest.raises(UsageError, match="too many for columns"):
        list(as_table(records, whole=True))


def test_a_pipe_in_the_place_of_entry_points_is_not_waited_for(tmp_path: Path) -> None:
    for name, text in (("first", None), ("second", "[coolrun]\nx = y\n")):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        if text is None:
            os.mkfifo(folder / "entry_points.txt")
        else:
            (folder / "entry_points.txt").write_text(text, encoding="utf-8")
    assert [point.name for point in find_entry_points([str(tmp_path)])] == ["x"]


def test_csv_moves_no_cursor_of_a_terminal() -> None:
    record = {"a\x1b[31m": "x\x1b[2J\r\u202e", "b": ["\x9b31m"], "c": "é\nß\t👍"}
    text = "".join(as_csv([record], terminal=True))
    assert text.replace("\n", "").replace("\t", "").isprintable()
    assert next(csv.DictReader(io.StringIO(text)))["c"] == "é\nß\t👍"
