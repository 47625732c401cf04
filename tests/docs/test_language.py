"""docs/language.md names everything that a definition may hold, with the figures of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coolrun.cli import configure
from coolrun.config import Config
from coolrun.errors import ExpressionError
from coolrun.expression import Evaluator, allowed, functions, guard, mathematics
from coolrun.yamlio import limits

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
PAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    made = configure(["plugins"])
    yield made
    made.close()


def section(title: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n", PAGE, re.MULTILINE)
    assert found, title
    rest = PAGE[found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def first_cells(text: str) -> set[str]:
    """What is quoted in the first column of the tables."""
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])}


def test_the_page_has_the_sections_that_others_point_to() -> None:
    for title in ("Differences between `parse` and `solve`", "YAML, and its traps"):
        assert section(title).strip()


def test_every_key_setting_and_word_is_told(config: Config) -> None:
    keys, settings = (set(config.parser.keys), set(config.parser.settings))
    tables = section("Keys").partition("Its settings are")
    assert first_cells(tables[0]) <= keys
    assert first_cells(tables[2]) <= settings
    everywhere = "".join(file.read_text(encoding="utf-8") for file in PAGES)
    told = first_cells(everywhere)
    assert not keys - told, "a row of a table begins with each key"
    assert not settings - told, "a row of a table begins with each setting"
    assert all(f"`{word}`" in PAGE for word in config.parser.words)


def test_every_built_in_function_is_told_and_no_other() -> None:
    told = re.match(r"\s*`([^`]+)`", section("Functions"))
    assert told
    assert set(told[1].split()) == set(functions.BUILTINS)
    for name in re.findall(r"`(\w+)`", section("Functions")[told.end() :]):
        assert name == "math" or name in {*mathematics.FUNCTIONS, *mathematics.CONSTANTS}


def test_the_figures_are_those_of_the_code(config: Config) -> None:
    bounds = " ".join(section("What Python can do and expressions cannot").split())
    assert f"at most {allowed.CHARACTERS:,} characters and {allowed.NODES} parts" in bounds
    assert f"an integer {guard.BITS:,} bits, a text {guard.TEXT:,} characters" in bounds
    assert f"a list {guard.LIST:,} items and a mapping {guard.MAPPING:,}" in bounds
    assert f"{limits.DEFINITION.size >> 20} MiB and {limits.DEFINITION.depth} levels" in PAGE
    assert f"| {config.parser.settings['max_experiments'].default:,} |" in section("Keys")


LEFT_OUT = {
    "x = 1": "statement",
    "(x := 1)": ":=",
    "[*[1]]": "unpacking",
    "{**{}}": "unpacking",
    "(lambda x: x)": "lambda",
    "list(map(lambda x: x, [1]))": "lambda",
    "[1] is [1]": "is",
    "[1].append(2)": "append",
    "{}.update({})": "update",
    "[2, 1].sort()": "sort",
    "'{}'.format(1)": "format",
    "(1).real": "real",
    "[].__class__": "underscores",
    "open('x')": "open",
    "eval('1')": "eval",
    "getattr(1, 'real')": "getattr",
    "type(1)": "type",
    "isinstance(1, int)": "isinstance",
    "print(1)": "print",
    "__import__('os')": "underscores",
    "{1, 2}": "set",
    "len": "function",
    "b'x'": "bytes",
    "2j": "complex",
    "[1] @ [1]": "@",
    "pow(2, 3, 5)": "pow",
}


@pytest.mark.parametrize("expression", LEFT_OUT)
def test_what_the_page_says_is_left_out_is_refused_in_words(expression: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Evaluator({}, experiments=1).evaluate_in(expression, ({},))
    assert LEFT_OUT[expression] in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[1] + [2]", [1, 2]),
        ("{'a': 1} | {'b': 2}", {"a": 1, "b": 2}),
        ("sorted([1, 3], key=lambda n: -n)", [3, 1]),
        ("format(0.125, '.2f')", "0.12"),
        ("sorted({2, 1})", [1, 2]),
        ("{'a': 1}.items()", [("a", 1)]),
        ("map(str, [1, 2])", ["1", "2"]),
        ("zip([1], [2])", [(1, 2)]),
        ("(n for n in range(2))", [0, 1]),
        ("None is None", True),
    ],
)
def test_what_the_page_names_instead_works(expression: str, value: object) -> None:
    assert Evaluator({}, experiments=1).evaluate_in(expression, ({},)) == value
