"""YAML as a researcher means it: read with bounds and places, written so that any reader agrees."""

from __future__ import annotations

from coolrun.yamlio.limits import DEFINITION, LOG, Limits
from coolrun.yamlio.locate import locate
from coolrun.yamlio.reader import Document, read, read_all
from coolrun.yamlio.source import split
from coolrun.yamlio.tags import DELETE, Merge
from coolrun.yamlio.writer import dump

__all__ = [
    "DEFINITION",
    "DELETE",
    "LOG",
    "Document",
    "Limits",
    "Merge",
    "dump",
    "locate",
    "read",
    "read_all",
    "split",
]
