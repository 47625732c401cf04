"""`Where`: which combinations make sense. Guarded, and evaluated before anything is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, ExpressionError, Marked

if TYPE_CHECKING:
    from coolrun import Config, Experiment


class Condition:
    """The conditions of one experiment.

    They see the plain values of a combination, swept or not; what is computed is not known yet.
    """

    def __init__(self, experiment: Experiment, config: Config) -> None:
        from coolrun.expression import Evaluator

        functions: dict[str, Any] = {}
        for names in config.pluginmanager.ask("coolrun_names", config=config):
            functions.update(names or {})
        self._evaluator = Evaluator(functions)
        self._experiment = experiment
        written = experiment["Where"]
        several = isinstance(written, list)
        self._texts = [
            (_text(text, experiment, path), path)
            for text, path in (
                [(item, ("Where", number)) for number, item in enumerate(written)]
                if several
                else [(written, ("Where",))]
            )
        ]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether a combination satisfies them all.

        Raises:
            DefinitionError: one fails, or is neither true nor false.
        """
        known = _known(values)
        self._evaluator.grant()
        for text, path in self._texts:
            try:
                answer = self._evaluator.evaluate(text, known)
                if type(answer) is not bool:
                    raise DefinitionError(
                        f"{text!r} gives {answer!r}, which is neither true nor false",
                        cure="compare with ==, <, `in` and the like",
                    )
            except ExpressionError as error:
                name = getattr(error, "name", None)
                if _is_computed(values.get(name) if isinstance(name, str) else None):
                    error.cure = f"{name} is computed later: sweeps come before expressions"
                raise self._experiment.blame(error, path) from error
            except DefinitionError as error:
                raise self._experiment.blame(error, path) from error
            if not answer:
                return False
        return True


def _text(written: Any, experiment: Experiment, path: tuple[object, ...]) -> str:
    if isinstance(written, Marked):
        if written.word == "parse":
            return written.expression
    elif isinstance(written, str) and written.strip():
        return written
    error = DefinitionError(
        f"invalid Where {written!r} (expected an expression)",
        cure="write it as `Where: not (norm == 'batch' and moment < 0.1)`",
    )
    raise experiment.blame(error, path)


def _known(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """The values without those that are computed later."""
    return {
        key: _known(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if not _is_computed(value)
    }


def _is_computed(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(
            _is_computed(item) or (isinstance(item, Mapping) and len(_known(item)) < len(item))
            for item in value
        )
    return isinstance(value, Marked)
