"""Records in log files: finding them, telling attempts apart, writing them for people."""

from __future__ import annotations

from coolrun.records.attempts import attempt_of, latest
from coolrun.records.columns import Recorder
from coolrun.records.destination import Destination
from coolrun.records.foreign import Foreign
from coolrun.records.log import Entry, LogFile, Part, read_log
from coolrun.records.memory import Memory
from coolrun.records.simple import SimpleReader
from coolrun.records.spread import PART, shares, spread

__all__ = [
    "PART",
    "Destination",
    "Entry",
    "Foreign",
    "LogFile",
    "Memory",
    "Part",
    "Recorder",
    "SimpleReader",
    "attempt_of",
    "latest",
    "read_log",
    "shares",
    "spread",
]
