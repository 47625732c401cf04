"""Splitting a template as a shell would, and noticing what only a shell understands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from coolrun import DefinitionError
from coolrun_plugins.command.template import Hole, Piece

Quote: TypeAlias = Literal["", "'", '"']
Word: TypeAlias = list[Piece]

SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh", "fish", "busybox"})

_OPERATORS = frozenset("|&;<>()")
_EXPANDS = re.compile(r"\$[\w{(@*#?$!-]")
_GLOB = re.compile(r"\[[!^]?\w-\w")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_ESCAPED = '$`"\\\n'


@dataclass
class Split:
    """A template, taken apart.

    Attributes:
        words: what would be the arguments of a program; empty ones part one command from another.
        script: the text again, each placeholder with the quotes around it.
        needs_shell: whether a shell has to read it.
    """

    words: list[Word] = field(default_factory=list)
    script: list[str | tuple[Hole, Quote]] = field(default_factory=list)
    needs_shell: bool = False


def split(template: Sequence[Piece]) -> Split:
    """Take a template apart.

    Raises:
        DefinitionError: a quotation is not closed, or a placeholder stands where its value could
            be read as shell syntax.
    """
    return _Splitter(template).run()


class _Splitter:
    def __init__(self, template: Sequence[Piece]) -> None:
        self._template = list(template)
        if self._template and isinstance(self._template[-1], str):
            self._template[-1] = self._template[-1].rstrip()
        self._split = Split()
        self._word: Word | None = None
        self._open: list[str] = []
        self._breaks: list[tuple[int, bool]] = []  # line breaks: where, and whether indented

    def run(self) -> Split:
        for number, piece in enumerate(self._template):
            if isinstance(piece, Hole):
                self._hole(piece)
            else:
                self._text(piece, is_last=number == len(self._template) - 1)
        if self._open:
            sign = self._open[-1].lstrip("$") or self._open[-1]
            raise DefinitionError(
                f"the sign {sign} is opened and never closed",
                cure=f"close it, or write \\{sign[-1]} if the program is to have it",
            )
        self._end_word()
        self._continue_lines()
        self._find_assignment()
        _refuse_nested_shells(self._split.words)
        return self._split

    @property
    def _quote(self) -> Quote:
        top = self._open[-1] if self._open else ""
        return "'" if top == "'" else '"' if top == '"' else ""

    def _hole(self, hole: Hole) -> None:
        if any(sign in {"$((", "${"} for sign in self._open):
            raise DefinitionError(
                f"{hole} stands where the shell computes: its value could be read as code",
                cure="compute it with `parse` under a key of its own",
            )
        if hole.kind != "value" and (self._quote or self._word is not None):
            raise DefinitionError(f"{hole} has to stand alone, outside of quotation marks")
        self._split.script.append((hole, self._quote))
        self._word = [*(self._word or []), hole]

    def _text(self, text: str, *, is_last: bool) -> None:
        position = 0
        while position < len(text):
            length = self._step(text, position)
            self._split.script.append(text[position : position + length])
            position += length
        if text.endswith("\\") and not is_last and self._quote != "'":
            raise DefinitionError("a backslash stands before a placeholder", cure="quote it: '\\'")

    def _step(self, text: str, at: int) -> int:
        """Take what begins here; how many characters that is."""
        character, top = text[at], self._open[-1] if self._open else ""
        if top == "'":
            if character == "'":
                self._open.pop()
            else:
                self._add(character)
            return 1
        if character == "\\":
            return self._escape(text[at + 1 : at + 2])
        if character == "'" and top != '"':
            self._open.append("'")
            self._add("")
            return 1
        if character == '"':
            self._toggle('"')
            self._add("")
            return 1
        if character == "`":
            self._split.needs_shell = True
            self._toggle("`")
            self._add("`")
            return 1
        if character == "$" and _EXPANDS.match(text, at):
            return self._expand(text, at)
        if top in {"$(", "$((", "${"}:
            self._inside(text, at, top)
        elif top == '"':
            self._add(character)
            return 1
        return self._plain(text, at)

    def _toggle(self, sign: str) -> None:
        if self._open and self._open[-1] == sign:
            self._open.pop()
        else:
            self._open.append(sign)

    def _escape(self, following: str) -> int:
        if self._quote == '"' and following not in _ESCAPED:
            self._add("\\")
            return 1
        if following != "\n":
            self._add(following or "\\")
        return 1 + len(following)

    def _expand(self, text: str, at: int) -> int:
        self._split.needs_shell = True
        for sign in ("$((", "$(", "${"):
            if text.startswith(sign, at):
                self._open.append(sign)
                self._add(sign)
                return len(sign)
        self._add("$")
        return 1

    def _inside(self, text: str, at: int, top: str) -> None:
        closing = {"$(": ")", "$((": "))", "${": "}"}[top]
        if text.startswith(closing, at):
            self._open.pop()

    def _plain(self, text: str, at: int) -> int:
        """A character outside of quotation marks."""
        character = text[at]
        if character == "\n":
            self._breaks.append((len(self._split.script), text[at + 1 : at + 2] in {" ", "\t"}))
        if character.isspace():
            self._end_word()
            return 1
        begins = self._word is None
        if character in _OPERATORS:
            self._split.needs_shell = True
            self._end_word()
            self._split.words.append([])
            return 1
        if character in "*?" or (begins and character in "#~") or _GLOB.match(text, at):
            self._split.needs_shell = True
        self._add(character)
        return 1

    def _add(self, text: str) -> None:
        if self._word is None:
            self._word = []
        if self._word and isinstance(self._word[-1], str):
            self._word[-1] += text
        else:
            self._word.append(text)

    def _end_word(self) -> None:
        if self._word is not None:
            self._split.words.append(self._word)
        self._word = None

    def _continue_lines(self) -> None:
        """Lines that are indented go on with the one before, as in a folded block of YAML."""
        if all(indented for _, indented in self._breaks):
            for index, _ in self._breaks:
                self._split.script[index] = " "
        else:
            self._split.needs_shell = True

    def _find_assignment(self) -> None:
        first = self._split.words[0] if self._split.words else []
        if first and isinstance(first[0], str) and _ASSIGNMENT.match(first[0]):
            self._split.needs_shell = True


def _refuse_nested_shells(words: Sequence[Word]) -> None:
    """`sh -c "... {x}"`: another shell would read the value as its own text."""
    shell = evaluates = script = False
    for word in words:
        text = word[0] if word and isinstance(word[0], str) else ""
        holes = [piece for piece in word if isinstance(piece, Hole)]
        if not word:
            shell = evaluates = script = False
        elif holes and (script or evaluates):
            raise DefinitionError(
                f"{holes[0]} stands in the text of another shell, which could read it as code",
                cure="write that text as the Command itself,"
                f" or hand the value over: sh -c 'echo \"$1\"' sh {holes[0]}",
            )
        elif shell and text.startswith("-") and "c" in text and not text.startswith("--"):
            script = True
            continue
        evaluates = evaluates or text == "eval"
        shell = shell or (not holes and text.rpartition("/")[2] in SHELLS)
        script = False
