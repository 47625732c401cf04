"""A whole `Command`: checked once, then filled with the values of each experiment."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, Marked
from coolrun_plugins.command.template import Hole, pieces
from coolrun_plugins.command.values import arguments, text_inside
from coolrun_plugins.command.words import Split, Word, split

if TYPE_CHECKING:
    from coolrun import Config, Experiment

SHELL = "/bin/sh"
_VALUE = "coolrun_"  # the beginning of the shell variables that hold values

Path = tuple[Any, ...]


class Line:
    """One command line with placeholders: text, or a list of words.

    Raises:
        DefinitionError: it is no command line.
    """

    def __init__(self, written: Any) -> None:
        if isinstance(written, str) and not isinstance(written, Marked) and written.strip():
            self._split = split(pieces(written.strip()))
        elif isinstance(written, (list, tuple)) and written and all(map(_is_word, written)):
            self._split = Split([list(pieces(str(word))) or [""] for word in written])
        else:
            cure = "write it as `Command: python train.py --data {data} [lr]`"
            if isinstance(written, bool):
                cure = f"if you mean the program, quote it: Command: '{str(written).lower()}'"
            raise DefinitionError(f"invalid Command {written!r}", cure=cure)
        if not any(self._split.words):
            raise DefinitionError(f"there is no program in {written!r}")

    @property
    def needs_shell(self) -> bool:
        return self._split.needs_shell

    @property
    def holes(self) -> list[Hole]:
        return [piece for word in self._split.words for piece in word if isinstance(piece, Hole)]

    def fill(self, experiment: Experiment, config: Config) -> list[str]:
        """The arguments to start, the program first.

        Raises:
            DefinitionError: a value cannot be given to a program.
        """
        if self._split.needs_shell:
            return [SHELL, "-c", self._script(experiment, config)]
        return [
            argument
            for word in self._split.words
            for argument in self._filled(word, experiment, config)
        ]

    def _filled(self, word: Word, experiment: Experiment, config: Config) -> list[str]:
        if len(word) == 1 and isinstance(word[0], Hole):
            return arguments(word[0], experiment, config)
        return [
            "".join(
                text_inside(piece, experiment) if isinstance(piece, Hole) else piece
                for piece in word
            )
        ]

    def _script(self, experiment: Experiment, config: Config) -> str:
        """The text for the shell. Values stand in variables, which a shell never reads as code."""
        alone = {
            id(piece)
            for word in self._split.words
            for piece in word
            if isinstance(piece, Hole) and len(word) == 1
        }
        values: list[str] = []
        script = ""
        for part in self._split.script:
            if isinstance(part, str):
                script += part
                continue
            hole, quote = part
            if id(hole) in alone and not quote:
                texts = arguments(hole, experiment, config)
            else:
                texts = [text_inside(hole, experiment)]
            names = [f'"${{{_VALUE}{len(values) + n}}}"' for n in range(1, len(texts) + 1)]
            values += texts
            script += f"{quote}{' '.join(names)}{quote}"
        given = [f"{_VALUE}{n}={shlex.quote(text)}" for n, text in enumerate(values, start=1)]
        return "\n".join([*given, script])


def lines_of(written: Any) -> Iterator[tuple[Path, Line]]:
    """The command line of an experiment, or those of the stages of a chain, and where each is.

    Raises:
        DefinitionError: one is wrong; its attribute `path` says which.
    """
    stages = written.items() if isinstance(written, Mapping) else [(None, written)]
    if isinstance(written, Mapping) and not written:
        raise DefinitionError("a chain of commands without a stage")
    for name, text in stages:
        path: Path = () if name is None else (name,)
        try:
            yield path, Line(text)
        except DefinitionError as error:
            error.__dict__["path"] = path
            raise


def _is_word(word: Any) -> bool:
    return isinstance(word, (str, int, float)) and not isinstance(word, (Marked, bool))
