"""What a person asks of records: expressions that decide, expressions to sort by, keys to keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun.expression import Evaluator, MissingName

from .names import names_of

if TYPE_CHECKING:
    from coolrun import Plain

_LAMBDA = re.compile(r"\s*lambda\b")
_NONE: Any = object()


class Query:
    """Tests, sort keys and kept keys, for one record at a time.

    Args:
        tests: expressions, or lambdas of one argument; all have to hold.
        sorts: the same, giving sort keys.
        keep: the keys that are kept, in their order; empty: all.
        functions: what plugins add to expressions.

    Attributes:
        needed: the keys that are looked at, but for whole records that are kept; None: any.
        missing: how many records had no such name, by test and name.
        found: which of the keys to keep some record had.

    Raises:
        ExpressionError: a text is outside the language.
    """

    def __init__(
        self,
        tests: Sequence[str],
        sorts: Sequence[str],
        keep: Sequence[str],
        functions: Mapping[str, Callable[..., object]],
    ) -> None:
        evaluator = Evaluator(functions)
        self._tests = [(text, evaluator.predicate(text)) for text in tests]
        self._sorts = [evaluator.sort_key(text) for text in sorts]
        self._keep = list(dict.fromkeys(keep))
        needed: list[set[str] | None] = [names_of(text) for text in (*tests, *sorts)]
        needed.append({part for key in keep for part in (key, key.partition(".")[0])})
        self.needed = None if None in needed else frozenset({"Name"}).union(*filter(None, needed))
        self.missing: dict[tuple[str, str], int] = {}
        self.found: set[str] = set()

    def matches(self, record: dict[Any, Plain]) -> bool:
        """Whether all tests hold. In a plain expression a name that is missing is no match.

        Raises:
            ExpressionError: a test fails.
        """
        for text, test in self._tests:
            try:
                if not test(record):
                    return False
            except MissingName as error:
                if _LAMBDA.match(text):
                    error.cure = (
                        f"ask first, `{error.name!r} in exp and ...`, or write a plain expression "
                        f"such as `{error.name} == 1`: there a missing name is no match"
                    )
                    raise
                key = (text, error.name)
                self.missing[key] = self.missing.get(key, 0) + 1
                return False
        return True

    def sort_keys(self, record: dict[Any, Plain]) -> list[Plain]:
        """A key for each sort: a scalar, a flat tuple, or None for what is missing."""
        return [sort(record) for sort in self._sorts]

    @property
    def keeps_all(self) -> bool:
        return not self._keep

    def kept(self, record: dict[Any, Plain]) -> dict[Any, Plain]:
        """The record with the keys that are kept; `a.b` reaches into mappings."""
        if not self._keep:
            return record
        reached = ((key, _reached(record, key)) for key in self._keep)
        kept = {key: value for key, value in reached if value is not _NONE}
        self.found.update(kept)
        return kept


def _reached(record: dict[Any, Plain], key: str) -> Plain:
    value: Any = record
    for part in [key] if key in record or "." not in key else key.split("."):
        if not isinstance(value, dict) or part not in value:
            return _NONE
        value = value[part]
    return value
