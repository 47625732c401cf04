"""What an environment file says. It holds lines of these kinds, and nothing else:

    # a comment; empty lines are passed over
    NAME=value                 up to ` #` or the end of the line, without white space around it
    export NAME=value          the same
    NAME='as it is'            everything up to the next quote, over several lines too
    NAME="with \\n"            the same, with \\n \\t \\r \\\\ \\" and \\$ replaced

Nothing is looked up in it: `$OTHER` stays as it is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coolrun import DefinitionError, Marked, Place

if TYPE_CHECKING:
    from coolrun.plain import Plain

OURS = "COOLRUN_"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPACE = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*")
_COMMENT = re.compile(r"#[^\n]*\Z")
_START = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"((?:[^\n#]|(?<=\S)#)*)")
_END = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "$": "$"}


def problem_of(name: Plain, value: Plain) -> str | None:
    """Why no environment can hold this variable, or None."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"{name!r} is no name of a variable: letters, digits and _ only"
    if name.startswith(OURS):
        return f"{name} is set by coolrun itself"
    if not isinstance(value, (str, int, float)) or isinstance(value, Marked):
        return f"{name} is {value!r} (expected text, a number, true or false)"
    return f"{name} holds a zero byte" if "\0" in str(value) else None


def read_variables(text: str, path: str) -> dict[str, str]:
    """The variables of an environment file; a later line wins.

    Raises:
        DefinitionError: a line is none of the kinds that there are.
    """
    made: dict[str, str] = {}
    at = _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches nothing as well
    while at < len(text) and not _COMMENT.match(text, at):
        start = _START.match(text, at)
        if start is None:
            raise _wrong(text, at, path, "it is no line NAME=value")
        name, at = start[1], start.end()
        value = _SINGLE.match(text, at) or _DOUBLE.match(text, at) or _PLAIN.match(text, at)
        assert value is not None  # the last one matches nothing as well
        quote = text[at : at + 1]
        if quote in {"'", '"'} and value.re is _PLAIN:
            raise _wrong(text, at, path, f"a quote ({quote}) is never closed")
        made[name] = _unescaped(value[1]) if value.re is _DOUBLE else value[1]
        if value.re is _PLAIN:
            made[name] = value[1].strip()
        end = _END.match(text, value.end())
        if end is None:
            raise _wrong(text, value.end(), path, "something follows the closing quote")
        problem = problem_of(name, made[name])
        if problem is not None:
            raise _wrong(text, start.start(), path, problem)
        at = _SPACE.match(text, end.end()).end()  # type: ignore[union-attr]
    return made


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), text)


def _wrong(text: str, at: int, path: str, problem: str) -> DefinitionError:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return DefinitionError(problem, place=Place(path, line, column))
