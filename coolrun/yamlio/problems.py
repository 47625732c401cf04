"""What libyaml objects to, in words for people: what they probably mistyped, and the cure."""

from __future__ import annotations

import re
from typing import Any

from coolrun.errors import DefinitionError, Place
from coolrun.yamlio.source import lines_of


class Refused(Exception):
    """An event that YAML allows and this reader does not; its place is the event's."""

    def __init__(self, message: str, cure: str, event: Any) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.event = event
        self.path: list[Any] = []


def short(value: object) -> str:
    """A value as messages show it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def dotted(path: list[Any]) -> str:
    """`a.b[0].c`, cut where it is long."""
    text = "".join(f"[{step}]" if type(step) is int else f".{step}" for step in path)
    return text.removeprefix(".")[:200]


_GLUED = re.compile(r"\s*(?:- +)*[\w.-]+:[^\s/]")
_VALUE = re.compile(r"\s*(?:- +)*([^\s:][^:]*): +(\S.*)")

# What libyaml says, what it means, what helps. The first that matches is taken.
_MEANINGS = (
    (
        "did not find expected node content",
        "a value is missing: a bracket is not closed, or a comma stands alone",
        "close it with ] or }, with a value between the commas",
    ),
    # PyYAML 6.0.4 looks ahead as far as this before its reader counts the levels.
    ("exceeded maximum nesting depth", "nested far too many levels deep", "flatten it"),
    ("tab character that violates", "a tab cannot indent YAML", "indent with spaces"),
    (
        "could not find expected ':'",
        "a line that is no `key: value`",
        "write a colon and a space after the key, or quote the text",
    ),
    (
        "did not find expected ',' or ']'",
        "a list in [brackets] is not closed, or a comma is missing",
        "close it with ], with commas between the items",
    ),
    (
        "did not find expected ',' or '}'",
        "a mapping in {braces} is not closed, or a comma is missing",
        "close it with }, with commas between the items",
    ),
    (
        "found unexpected end of stream",
        "a quoted text is not closed",
        "close it with the quote that it begins with",
    ),
    (
        "found unexpected document indicator",
        "`---` inside a quoted text",
        "close the quotes before it",
    ),
    (
        "unknown escape character",
        "an unknown escape in double quotes",
        r"write \\ for a backslash, or use single quotes",
    ),
    (
        "did not find expected hexdecimal number",
        "an unfinished escape in double quotes",
        r"write \\ for a backslash, or use single quotes",
    ),
    (
        "invalid Unicode character escape code",
        "an escape that stands for no character",
        r"write \\ for a backslash, or use single quotes",
    ),
    (
        "block sequence entries are not allowed",
        "a list cannot begin here",
        "begin the list on the next line, or write it as [a, b]",
    ),
    (
        "did not find expected '-' indicator",
        "a key in the midst of a list",
        "begin each item with `- `, or indent the key as the list's other lines are",
    ),
    (
        "did not find expected key",
        "this line fits neither the mapping nor the value before it",
        "indent it as its neighbours are; text after a closing quote must go into the quotes",
    ),
    (
        "did not find expected <document start>",
        "this line does not continue the document",
        "indent it as the first key is, or begin a new document with ---",
    ),
    (
        "comment or line break",
        "text beside the | or > of a block of text",
        "begin the text on the next line, or quote it if it begins with | or >",
    ),
    (
        "incompatible YAML document",
        "a YAML version that is not known",
        "remove the line, or write %YAML 1.2",
    ),
    ("directive", "a directive that is not known", "remove the line; only %YAML 1.2 is accepted"),
    ("undefined tag handle", "an unknown tag", "quote the value if it is text"),
    ("tag", "a tag that cannot be read", "quote the value if it is text"),
    (
        "alphabetic or numeric character",
        "* and & at the beginning of a value stand for references",
        "quote the value",
    ),
    (
        "mapping keys are not allowed",
        "a `? key` cannot begin here",
        "quote the value if it is text",
    ),
)


def as_definition_error(
    problem: Any, data: bytes, path: str, first_line: int = 1
) -> DefinitionError:
    """The error for a person, from PyYAML's.

    Args:
        problem: a `yaml.YAMLError`.
        data: what was read.
    """
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    if mark is None:
        return DefinitionError(f"not YAML, from line {first_line}: {problem}", place=Place(path))
    begun = getattr(problem, "context_mark", None)
    line, column = mark.line, mark.column
    before, here = lines_of(data, line - 1, line)
    said = problem.problem or ""
    message, cure = _meaning(said, before, here, column)
    since = ""
    if begun is not None and begun.line != line:
        since = f", begun on line {begun.line + first_line}"
    return DefinitionError(
        f"{message} (line {line + first_line}{since})",
        place=Place(path, line + first_line, column + 1),
        cure=cure,
    )


def _meaning(said: str, before: str, here: str, column: int) -> tuple[str, str]:
    if "mapping values are not allowed" in said:
        return _second_colon(before, here, column)
    if "cannot start any token" in said:
        return _odd_beginning(here[column : column + 1])
    if "could not find expected ':'" in said and _GLUED.match(before):
        return _glued(before)
    for words, message, cure in _MEANINGS:
        if words in said:
            return message, cure
    return said or "not YAML", "compare the line with its neighbours"


def _second_colon(before: str, here: str, column: int) -> tuple[str, str]:
    value = _VALUE.match(here)
    if value and value.start(2) < column:
        key, text = value.groups()
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        message = "mapping values are not allowed here: the value holds a colon and a space"
        if len(quoted) > 80 or not (key + text).isprintable():
            return message, "put the whole value in quotes"
        return message, f"put the whole value in quotes: {key}: {quoted}"
    if _GLUED.match(before):
        return _glued(before)
    if before.strip() and ":" not in before:
        return "the line before is no `key: value`", "write a colon and a space after its key"
    return (
        "mapping values are not allowed here: the line before already has a value",
        "indent the line as its neighbours are, or quote the value",
    )


def _glued(before: str) -> tuple[str, str]:
    key, value = before.strip().split(":", 1)
    fixed = f"{key}: {value}"
    cure = "put a space after the colon of the line before"
    return (
        "the line before is no `key: value`",
        f"{cure}: {fixed}" if len(fixed) <= 80 and fixed.isprintable() else cure,
    )


def _odd_beginning(character: str) -> tuple[str, str]:
    if character == "\t":
        return "a tab cannot indent YAML", "indent with spaces"
    return f"no value can begin with {character!r}", "put the value in quotes"
