"""The guarded expression language: one expression in, plain data out, nothing changed."""

from __future__ import annotations

from .causes import dotted
from .confined import run_confined, stream_confined
from .dependencies import ALL, dependencies
from .earlier import Earlier
from .evaluator import Evaluator, order
from .guard import GuardError, MissingName, Pending
from .resolve import Resolution, resolve

__all__ = [
    "ALL",
    "Earlier",
    "Evaluator",
    "GuardError",
    "MissingName",
    "Pending",
    "Resolution",
    "dependencies",
    "dotted",
    "order",
    "resolve",
    "run_confined",
    "stream_confined",
]
