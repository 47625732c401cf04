"""`%FILE` on a command line: the arguments in that file, one on each line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coolrun.errors import UsageError

SIGN = "%"
LARGEST = 1 << 20  # bytes


def expanded(words: Sequence[str], folder: Path) -> list[str]:
    """The words with those of the files that they name.

    A line is one argument, whatever it holds: nothing is split or unquoted. White space around it
    is dropped, as are empty lines. What follows `--` names no files.

    Raises:
        UsageError: a file cannot be read, or is no text.
    """
    made: list[str] = []
    for number, word in enumerate(words):
        if word == "--":
            return [*made, *words[number:]]
        if len(word) > 1 and word.startswith(SIGN):
            made += _lines(word[1:], folder)
        else:
            made.append(word)
    return made


def _lines(name: str, folder: Path) -> list[str]:
    path = folder / name
    cure = f"{SIGN}FILE stands for a file with one argument per line"
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"the file of arguments {name!r} is no regular file", cure=cure)
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"there is no file of arguments {name!r}", cure=cure) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        message = f"the file of arguments {name!r} cannot be read: {reason}"
        raise UsageError(message, cure=cure) from None
    if len(data) > LARGEST:
        message = f"the file of arguments {name!r} is larger than {LARGEST:,} bytes"
        raise UsageError(message, cure=cure)
    stripped = (line.strip() for line in text.split("\n"))
    return [line for line in stripped if line]
