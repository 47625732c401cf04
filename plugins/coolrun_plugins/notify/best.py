"""The best results of a session, by an expression over its records."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from coolrun import ExpressionError
from coolrun.display import measured, shortened, visible
from coolrun.expression import Evaluator, order

if TYPE_CHECKING:
    from coolrun import Record
    from coolrun.plain import Plain

MOST = 5
_WIDTH = 200


class Best:
    """Keeps the best of many.

    A number is its own rank, the largest first. Of a tuple the first part is the rank and the rest
    is shown. Text has no rank: the latest ones are kept.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._key = Evaluator().sort_key(expression)
        self._ranked: list[tuple[tuple[tuple[int, float, str], ...], str]] = []
        self._latest: deque[str] = deque(maxlen=MOST)
        self._silent = 0
        self._trouble = ""

    def take(self, record: Record) -> None:
        """Look at the record of a run that is done."""
        try:
            said = self._key(record.document())
        except ExpressionError as error:
            self._trouble = self._trouble or error.message
            said = None
        parts = said if isinstance(said, tuple) else (said,)
        first = parts[0] if parts else None
        if first is None or first != first:
            self._silent += 1
        elif isinstance(first, str):
            self._latest.append(_line(parts, ""))
        else:
            experiment = record.run.experiment
            name = f"{experiment.position} {experiment.name}".strip()
            shown = parts[1:] if len(parts) > 1 else parts
            self._ranked.append((order(first), _line(shown, name if len(parts) == 1 else "")))
            if len(self._ranked) >= 8 * MOST:
                self._keep()

    def lines(self) -> list[str]:
        """The best first, and a line about runs that had nothing to say."""
        self._keep()
        lines = [*(text for _, text in self._ranked), *self._latest]
        if self._silent and not lines:
            why = self._trouble or f"no record has what {self.expression!r} reads"
            lines.append(visible(shortened(f"say: {why}", _WIDTH)))
        return lines

    def _keep(self) -> None:
        # Stable: of equals the first ones stay.
        self._ranked.sort(key=lambda entry: entry[0], reverse=True)
        del self._ranked[MOST:]


def _line(parts: tuple[Plain, ...], name: str) -> str:
    texts = [visible(part) if isinstance(part, str) else measured(part) for part in parts]
    return shortened("  ".join([", ".join(texts), name]).rstrip(), _WIDTH)
