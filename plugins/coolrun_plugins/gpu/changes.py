"""`OomSet: {batch_size: parse batch_size // 2}`: what is changed before a run is tried again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, ExpressionError
from coolrun.experiment import dotted

if TYPE_CHECKING:
    from coolrun import Config, Experiment
    from coolrun.expression import Evaluator
    from coolrun.plain import Plain

KEY = "OomSet"
_EXPRESSION = re.compile(r"parse\s+(.+)", re.DOTALL)


class Changes:
    """Computes values anew from those that a run had."""

    def __init__(self, config: Config) -> None:
        from coolrun.expression import Evaluator

        names: dict[str, Any] = {}
        for given in config.pluginmanager.ask("coolrun_names", config=config):
            names.update(given or {})
        self._mappings = {k: v for k, v in names.items() if isinstance(v, Mapping)}
        functions = {k: v for k, v in names.items() if k not in self._mappings}
        self._evaluator: Evaluator = Evaluator(functions)

    def of(self, experiment: Experiment) -> dict[str, Plain]:
        """The new values by the keys under which they are written, in their order.

        Each is computed from the values that the run had, changed by those above it.

        Raises:
            DefinitionError: they cannot be computed; it says where that is written.
        """
        self._evaluator.grant()
        values = dict(experiment.values_by_key)
        changed: dict[str, Plain] = {}
        for key, written in _written(experiment).items():
            path = _path(key, values, experiment)
            try:
                changed[key] = self._computed(written, {**self._mappings, **values})
            except ExpressionError as error:
                raise experiment.blame(error, (KEY, key)) from error
            put(values, path, changed[key])
        return changed

    def _computed(self, written: Plain, scope: Mapping[str, Plain]) -> Plain:
        if isinstance(written, str):
            expression = _EXPRESSION.fullmatch(written)
            return self._evaluator.evaluate(expression[1], scope) if expression else written
        if isinstance(written, dict):
            return {key: self._computed(value, scope) for key, value in written.items()}
        if isinstance(written, (list, tuple)):
            return type(written)(self._computed(value, scope) for value in written)
        return written


def changed(experiment: Experiment, values: Mapping[str, Plain]) -> Experiment:
    """The experiment with other values; they are kept where it is written down that it starts."""
    import copy

    final = experiment.parameters
    for key, value in values.items():
        put(final, _path(key, final, experiment), value)
    other = copy.copy(experiment)
    other.complete(final)
    return other


def as_text(written: Plain) -> Plain:
    """What is to be computed later, as text that nobody computes now."""
    from coolrun import Marked

    if isinstance(written, Marked) and written.word == "parse":
        return str(written)
    if isinstance(written, dict):
        return {key: as_text(value) for key, value in written.items()}
    if isinstance(written, (list, tuple)):
        return type(written)(as_text(value) for value in written)
    return written


def put(values: dict[str, Plain], path: tuple[str, ...], value: Plain) -> None:
    """Set what a path names; mappings on the way are copied."""
    for key in path[:-1]:
        values[key] = dict(values[key])
        values = values[key]
    values[path[-1]] = value


def _written(experiment: Experiment) -> Mapping[str, Plain]:
    written = experiment.get(KEY)
    if written is None:
        return {}
    if not isinstance(written, Mapping):
        error = DefinitionError(f"{KEY} is no mapping", cure=f"write {KEY}: {{key: new value}}")
        raise experiment.blame(error, (KEY,))
    return written


def _path(key: object, values: Mapping[str, Plain], experiment: Experiment) -> tuple[str, ...]:
    """Where the value of a key stands: `lr`, or `optimizer.lr` inside of a mapping."""
    if isinstance(key, str) and key in values:
        return (key,)
    path = tuple(key.split(".")) if isinstance(key, str) else ()
    inner: Plain = values
    for part in path:
        inner = inner.get(part, _path) if isinstance(inner, dict) else _path
    if not path or inner is _path:
        error = DefinitionError(
            f"{KEY} changes {dotted((key,))!r}, which the experiment does not have",
            cure="it changes what is there: give the experiment a value for it",
        )
        raise experiment.blame(error, (KEY, key))
    return path
