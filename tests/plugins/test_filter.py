"""`filter`: which records match, in which order they come, and in which form."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from coolrun.display import cells
from coolrun.errors import ExpressionError
from coolrun.expression import order
from coolrun.testing import Outcome, Project
from coolrun_plugins.filter.formats import as_csv, as_json, as_table
from coolrun_plugins.filter.ordering import ordered
from coolrun_plugins.filter.query import Query

LOG = """\
Name: a
ACC: 0.95
TIME: 3
opt: {lr: 0.1}
---
Name: b
ACC: 0.97
TIME: 2
---
Name: b
ACC: 0.99
TIME: 4
---
Name: c
TIME: 5
"""


def filtered(project: Project, *args: str, log: str = LOG) -> list[Any]:
    """The records that `filter log.yaml ARGS` writes."""
    (project.path / "log.yaml").write_text(log)
    outcome = project.run("filter", "log.yaml", "--dest", "out.yaml", *args)
    assert outcome, outcome
    return list(yaml.safe_load_all((project.path / "out.yaml").read_text()))


def names(project: Project, *args: str, log: str = LOG) -> list[str]:
    return [f"{record['Name']}{record['TIME']}" for record in filtered(project, *args, log=log)]


def refused(project: Project, *args: str, log: str = LOG) -> str:
    (project.path / "log.yaml").write_text(log)
    outcome = project.run("filter", "log.yaml", *args)
    assert outcome.code == 4, outcome
    assert not (project.path / "yaml_filter").exists()
    return outcome.err


# Matching


@pytest.mark.parametrize(
    "test",
    [
        "ACC > 0.96",
        "lambda exp: 'ACC' in exp and exp['ACC'] > 0.96",
        "lambda e: 'ACC' in e and e.ACC > 0.96",
        "lambda exp: exp.get('ACC', 0) > 0.96",
    ],
)
def test_records_are_kept_that_pass(project: Project, test: str) -> None:
    assert names(project, "--filter", test) == ["b2", "b4"]


def test_several_tests_have_to_hold_together(project: Project) -> None:
    assert names(project, "--filter", "ACC > 0.96", "--filter", "TIME < 3") == ["b2"]


def test_a_plain_test_does_not_match_where_a_name_is_missing_and_says_so_once(
    project: Project,
) -> None:
    (project.path / "log.yaml").write_text(LOG)
    outcome = project.run("filter", "log.yaml", "--filter", "opt.lr < 1", "--filter", "ACC > 0")
    assert outcome
    assert "note: 3 of 4 records have no 'opt': no match (opt.lr < 1)\n" in outcome.err
    assert "1 of 4 records matches\n" in outcome.err


def test_a_name_that_no_record_has_gets_the_likely_one(project: Project) -> None:
    (project.path / "log.yaml").write_text(LOG)
    outcome = project.run("filter", "log.yaml", "--filter", "TIMES > 1")
    assert "4 of 4 records have no 'TIMES': no match (TIMES > 1); did you mean TIME?" in outcome.err


def test_a_lambda_is_strict_and_names_the_record(project: Project) -> None:
    error = refused(project, "--filter", "lambda exp: exp['ACC'] > 0.9")
    assert "error: log.yaml:14: record c: exp has no key 'ACC'" in error
    assert "`'ACC' in exp and ...`" in error


def test_values_that_do_not_compare_name_the_record(project: Project) -> None:
    error = refused(project, "--filter", "Name > 1")
    assert "error: log.yaml:1: record a: 'str' > 'int' has no order" in error


@pytest.mark.parametrize(
    "test",
    [
        "lambda exp: exp.__class__",
        "__import__('os').system('true')",
        "lambda exp: open('/etc/passwd')",
        "lambda exp, other=1: True",
        "lambda exp: (lambda: 1)()",
        "ACC = 1",
        "",
    ],
)
def test_what_is_outside_the_language_is_refused(project: Project, test: str) -> None:
    assert refused(project, "--filter", test).startswith("error: ")


def test_text_in_a_log_is_never_evaluated(project: Project) -> None:
    log = "Name: parse 1 + 1\nTIME: 1\n"
    assert filtered(project, "--filter", "Name == 'parse 1 + 1'", log=log)


def test_the_functions_of_plugins_are_known(project: Project) -> None:
    project(
        {
            "names.py": """
            from coolrun import hookimpl

            @hookimpl
            def coolrun_names():
                return {"double": lambda value: 2 * value}
            """,
            "log.yaml": LOG,
        }
    )
    outcome = project.run("-p", "names", "filter", "log.yaml", "--filter", "double(TIME) == 4")
    assert "1 of 4 records matches" in outcome.err


def test_attempts_that_do_not_count_are_not_even_tested(project: Project) -> None:
    first = "Name: x\nTIME: 1\nRUN_ID: 's.0.1'\n"
    second = "Name: x\nTIME: 2\nACC: 1\nRUN_ID: 's.0.2'\nATTEMPT: 2\n"
    log = f"{first}---\n{second}"
    assert names(project, "--filter", "lambda exp: exp['ACC'] == 1", log=log) == ["x2"]
    assert names(project, "--attempts", "all", log=log) == ["x1", "x2"]


# Sorting


def test_sorts_are_stable_and_the_last_one_decides(project: Project) -> None:
    assert names(project, "--sort", "TIME", "--sort", "Name", "--reverse") == [
        "c5",
        "b4",
        "b2",
        "a3",
    ]
    assert names(project, "--sort", "lambda exp: exp['TIME']") == ["b2", "a3", "b4", "c5"]


def test_what_is_missing_stands_last_in_reverse_as_well(project: Project) -> None:
    assert names(project, "--sort", "ACC") == ["a3", "b2", "b4", "c5"]
    assert names(project, "--sort", "ACC", "--reverse") == ["b4", "b2", "a3", "c5"]


def test_reverse_alone_reverses_the_order_of_the_log(project: Project) -> None:
    assert names(project, "--reverse") == ["c5", "b4", "b2", "a3"]


def test_a_key_that_no_record_has_is_told(project: Project) -> None:
    (project.path / "log.yaml").write_text(LOG)
    assert (
        "no record has what --sort ACCC needs"
        in project.run("filter", "log.yaml", "--sort", "ACCC").err
    )


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
sort_keys = st.lists(scalars | st.tuples(scalars, scalars), max_size=12)


@given(sort_keys)
def test_the_order_is_the_one_of_the_expression_language(keys: list[Any]) -> None:
    plain = [key for key in keys if not isinstance(key, tuple)]
    assert ordered(range(len(plain)), plain, reverse=False) == sorted(
        range(len(plain)), key=lambda row: order(plain[row])
    )
    pairs = [key for key in keys if isinstance(key, tuple)]
    assert ordered(range(len(pairs)), pairs, reverse=False) == sorted(
        range(len(pairs)), key=lambda row: order(pairs[row])
    )


@given(st.lists(st.integers(0, 3) | st.sampled_from("ab"), max_size=12))
def test_equal_keys_keep_their_order_in_reverse(keys: list[Any]) -> None:
    rows = ordered(range(len(keys)), keys, reverse=True)
    ranks = [order(keys[row]) for row in rows]
    assert ranks == sorted(ranks, reverse=True)
    assert all(one < other for one, other in pairwise(rows) if keys[one] == keys[other])


def test_mixed_keys_of_several_lengths_are_sorted() -> None:
    keys = [(2, "x"), 2, None, "text", (1, None), (1, 5)]
    assert ordered(range(6), keys, reverse=False) == [5, 4, 1, 0, 3, 2]


# Keys


def test_keys_are_kept_in_the_order_in_which_they_are_asked_for(project: Project) -> None:
    found = filtered(project, "--keep-keys", "TIME", "opt.lr", "Name", "--filter", "TIME <= 3")
    assert list(map(list, found)) == [["TIME", "opt.lr", "Name"], ["TIME", "Name"]]
    assert found[0] == {"TIME": 3, "opt.lr": 0.1, "Name": "a"}


def test_a_key_with_a_point_is_taken_as_it_is_first() -> None:
    query = Query([], [], ["a.b", "c.d"], {})
    assert query.kept({"a.b": 1, "a": {"b": 2}, "c": 3}) == {"a.b": 1}


def test_keys_that_no_record_has_are_told(project: Project) -> None:
    (project.path / "log.yaml").write_text(LOG)
    outcome = project.run("filter", "log.yaml", "--keep-keys", "Name", "model")
    assert "note: no record has the key 'model' (--keep-keys)" in outcome.err


def test_everything_is_kept_as_it_was_written(project: Project) -> None:
    log = "# first\nName: 'a'   # why\n---\nName:   \"b\"\n"
    filtered(project, log=log)
    assert (project.path / "out.yaml").read_text() == (
        f"# coolrun filter 1: 2 of 2 records\n---\n{log}"
    )


# Formats


def printed(project: Project, form: str, *args: str) -> str:
    (project.path / "log.yaml").write_text(LOG)
    outcome = project.run("filter", "log.yaml", "--format", form, *args)
    assert outcome, outcome
    assert not (project.path / "yaml_filter").exists()
    return outcome.out


def test_json_is_an_array_of_records(project: Project) -> None:
    assert json.loads(printed(project, "json")) == list(yaml.safe_load_all(LOG))
    assert printed(project, "json", "--filter", "TIME > 99") == "[]\n"


def test_json_holds_nothing_that_json_does_not_know() -> None:
    record = {"a": float("inf"), "b": [-float("inf"), float("nan")], 2: True, True: {0.5: None}}
    (read,) = json.loads("".join(as_json([record])))
    assert read == {"a": "inf", "b": ["-inf", "nan"], "2": True, "true": {"0.5": None}}


def test_csv_has_a_column_for_every_key_and_json_for_lists(project: Project) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(project, "csv"))))
    assert [row["ACC"] for row in rows] == ["0.95", "0.97", "0.99", ""]
    assert rows[0]["opt"] == '{"lr": 0.1}'


# Python 3.10's own csv reader refuses NUL, which the file may hold all the same.
CELLS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.dictionaries(CELLS, CELLS | st.just(""), min_size=1), max_size=4))
def test_text_comes_back_from_csv(records: list[dict[Any, Any]]) -> None:
    text = "".join(as_csv(records))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    keys = list(dict.fromkeys(key for record in records for key in record))
    expected = [[record.get(key, "") for key in keys] for record in records]
    if "\r" not in text and "\0" not in text:
        assert rows == ([keys, *expected] if keys else [])


def test_a_table_shows_what_differs_and_tells_what_does_not() -> None:
    records = [{"Name": "a", "lr": 0.1, "ACC": 0.5}, {"Name": "a", "lr": 0.1, "ACC": 10}]
    assert "".join(as_table(records, whole=False)) == (
        "the same in all: Name: a, lr: 0.1\n\n  ACC\n-----\n  0.5\n   10\n"
    )
    assert "".join(as_table(records, whole=True)).splitlines()[0].split() == ["Name", "lr", "ACC"]


WIDE: list[dict[Any, Any]] = [
    {"Name": f"n{n}", **{f"p{k}": "x" * 30 for k in range(8)}, "ACC": n / 7, "RUN_ID": "s" * 30}
    for n in range(3)
]


@given(st.integers(10, 300))
def test_a_table_fits_the_terminal(width: int) -> None:
    head, _, *rows = "".join(as_table(WIDE, whole=True, width=width)).splitlines()
    lines = [head, *(row for row in rows if not row.startswith("(left out"))]
    assert max(map(cells, lines)) <= width
    assert head.startswith("Name")


def test_values_are_cut_before_columns_go_and_identities_go_first() -> None:
    lines = "".join(as_table(WIDE, whole=True, width=130)).splitlines()
    assert lines[0].split()[-1] == "RUN_ID"
    assert "x..." in lines[2]
    narrow = "".join(as_table(WIDE, whole=True, width=60)).splitlines()
    assert narrow[0].split() == ["Name", "p0", "p1", "p6", "p7", "ACC"]
    told = "(left out to fit the width: p2, p3, p4, p5, RUN_ID; --keep-keys chooses)"
    assert narrow[-1] == told


def test_null_is_refused_with_what_to_do(project: Project) -> None:
    (project.path / "log.yaml").write_text("Name: a\nACC: 1\n---\nName: b\nACC: null\n")
    compared = project.run("filter", "log.yaml", "--filter", "ACC > 0", "--format", "csv")
    assert (compared.code, "leave null out first" in compared.err) == (4, True)
    mended = "ACC is not None and ACC > 0"
    assert project.run("filter", "log.yaml", "--filter", mended, "--format", "csv")
    negative = project.run("filter", "log.yaml", "--sort=-ACC", "--format", "csv")
    assert (negative.code, "choose for null yourself" in negative.err) == (4, True)
    mended = "--sort=-ACC if ACC is not None else 0"
    assert project.run("filter", "log.yaml", mended, "--format", "csv")


def test_results_stay_longer_than_what_the_runner_knows() -> None:
    known = {"REP": 0, "RND_IDX": 123456, "TIME_ELAPSED": 0.123456, "STATUS": "done"}
    records = [{"Name": f"n{n}", "lr": n / 10, "ACC": n / 7, **known} for n in range(3)]
    head = "".join(as_table(records, whole=True, width=44)).splitlines()[0]
    assert head.split() == ["Name", "lr", "ACC", "REP", "STATUS"]


def test_a_table_that_is_piped_is_as_wide_as_it_is(project: Project) -> None:
    (project.path / "log.yaml").write_text(f"Name: a\nb: {'x' * 39}\nc: {'y' * 39}\n")
    out = project.run("filter", "log.yaml", "--format", "table", env={"COLUMNS": "40"}).out
    assert "x" * 39 in out
    assert "y" * 39 in out


def test_a_table_obeys_no_control_characters() -> None:
    assert "\x1b" not in "".join(as_table([{"a\x1b": "\x1b[2J", "b": 1}], whole=True))


# Problems


def test_a_broken_document_is_told_and_the_others_count(project: Project) -> None:
    (project.path / "log.yaml").write_text("Name: a\n---\nName: [b\n---\nName: c\n")
    outcome: Outcome = project.run("filter", "log.yaml", "--format", "json")
    assert outcome.code == 1
    assert [record["Name"] for record in json.loads(outcome.out)] == ["a", "c"]
    assert outcome.err.startswith("error: log.yaml:4:1: ")


def test_a_definition_is_refused(project: Project) -> None:
    assert "is a definition of experiments" in refused(project, log="Global: {}\n---\na: 1\n")


def test_an_expression_that_is_refused_is_so_before_anything_is_read() -> None:
    with pytest.raises(ExpressionError):
        Query([], ["a b"], [], {})


def test_a_text_that_is_cut_in_a_table_ends_in_dots() -> None:
    records: list[dict[Any, Any]] = [{"Command": "x" * 41}, {"Command": "y" * 40}]
    lines = "".join(as_table(records, whole=True)).splitlines()
    assert lines[2:] == ["x" * 37 + "...", "y" * 40]


def test_columns_stay_straight_beside_wide_letters() -> None:
    records = [{"Name": "漢字の実験", "lr": 0.5}, {"Name": "plain", "lr": 0.25}]
    head, _, first, second = "".join(as_table(records, whole=True)).splitlines()
    assert cells(head) == cells(first) == cells(second), (head, first, second)
