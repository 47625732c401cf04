"""What went wrong, without what differs from one run to the next: equal failures have one cause."""

from __future__ import annotations

import re

LONGEST = 300  # characters of a cause

_PATTERN = re.compile(
    r"""
      (?P<quoted> (?<!\w) (?: '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*` ) (?!\w) )
    | (?P<address> \b0[xX] (?: [0-9a-fA-F]+ | \.\.\. ) )
    | (?P<path>
          (?<![\w/]) (?:~|\.{1,2})? / [^\s:'",;()<>\[\]]+          # /a/b, ./a, ~/a
        | (?<![\w/]) (?: [\w.-]+ / )+ [\w-]+ \. [A-Za-z]\w*          # data/part-3.csv
      )
    | (?P<id> \b (?=[0-9a-f-]*\d) (?=[0-9-]*[a-f])
          (?: [0-9a-f]{4,}(?:-[0-9a-f]{4,})+ | [0-9a-f]{8,} ) \b )
    | (?P<number> (?<! \bexit\ code\ ) (?: (?<![\w.]) [+-]? | (?<=\dx) )
          (?: \d[\d_,]* (?:\.\d*)? | \.\d+ ) (?: [eE][+-]?\d+ )? )
    """,
    re.VERBOSE,
)
_BLANKS = {"quoted": "'...'", "address": "0x...", "path": "PATH", "id": "ID", "number": "N"}


def cause(text: str) -> str:
    """The kind of a failure: numbers, addresses, paths and quoted values are blanked.

    Two runs that failed for the same reason have the same cause, and one that is worth reading:
    `ValueError: no batch N in PATH`. Exit codes are reasons and stay. It is one line of at most
    300 characters; the same text gives the same cause everywhere.
    """
    line = " ".join(text[: 4 * LONGEST].split())
    return _PATTERN.sub(_blank, line)[:LONGEST]


def _blank(found: re.Match[str]) -> str:
    blank = _BLANKS[found.lastgroup or ""]
    ends_sentence = found.lastgroup in {"number", "path"} and found[0].endswith((".", ","))
    return blank + found[0][-1] if ends_sentence else blank
