"""What plugins may answer to a hook: its specification says so, and here it is looked up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module

# What specifications say, in words for people.
_WORDS: dict[str, tuple[type, str]] = {
    "int": (int, "a whole number"),
    "str": (str, "text"),
    "Callable": (Callable, "a function"),  # type: ignore[dict-item]
    "Iterable": (Iterable, "a list or something like it"),
    "Mapping": (Mapping, "a mapping"),
}


@dataclass(frozen=True)
class Kind:
    """What an answer has to be: an object of a class, or with the functions of a protocol."""

    type: type
    words: str

    def fits(self, answer: object) -> bool:
        """Whether an answer is of this kind."""
        return not self.lacks(answer) if self._is_protocol else isinstance(answer, self.type)

    def lacks(self, answer: object) -> list[str]:
        """The functions that the answer should have and has not."""
        names = [n for n in vars(self.type) if not n.startswith("_")] if self._is_protocol else []
        return [name for name in names if not callable(getattr(answer, name, None))]

    @property
    def _is_protocol(self) -> bool:
        return bool(getattr(self.type, "_is_protocol", False)) and self.type not in {
            known for known, _ in _WORDS.values()
        }


def kind_of(specification: Callable[..., object]) -> Kind | None:
    """The kind of answer that a hook's specification asks for; None: it does not say."""
    returns = str(specification.__annotations__.get("return", ""))
    name = returns.partition(" |")[0].partition("[")[0]
    if name in _WORDS:
        return Kind(*_WORDS[name])
    public = import_module("coolrun")  # what has been imported already, as a rule
    known = name in public.__all__
    found = getattr(public, name) if known else _imported(name, specification.__module__)
    return Kind(found, f"a {name}") if isinstance(found, type) else None


def _imported(name: str, module: str) -> object:
    """What a name stands for that a module imports, for type checkers alone or not."""
    import ast

    with open(str(sys.modules[module].__file__), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            return getattr(import_module(str(node.module)), name)
    return None
