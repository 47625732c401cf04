"""asteval's interpreter, imported late, without NumPy, and with our handlers only."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from .handlers import Handlers


@cache
def interpreter_class() -> Any:
    """asteval's `Interpreter` behind our handlers; asteval is imported on the first call.

    asteval takes NumPy wherever it finds it, at ten times the price and for names that are not
    part of the language. So NumPy is out of sight while it is imported, and the import is ours
    alone: a module of the user's that imports asteval later gets one with NumPy.
    """
    mine = [name for name in sys.modules if name.partition(".")[0] == "asteval"]
    hidden = not mine and "numpy" not in sys.modules
    if hidden:
        sys.modules["numpy"] = None  # type: ignore[assignment]
    try:
        from asteval import Interpreter
    finally:
        if hidden:
            del sys.modules["numpy"]
            for name in [n for n in sys.modules if n.partition(".")[0] == "asteval"]:
                del sys.modules[name]

    return type("GuardedInterpreter", (Handlers, Interpreter), {})
