"""`--dry`: what would run, and why something would not. Nothing is imported, written or started.

The definition is read and evaluated in a limited child process, so that somebody else's file can
be looked at before it is trusted. The child tells what it found as plain data, row by row; the
words on the screen are made here, where everything in them is escaped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

from coolrun import DefinitionError, ExitCode, UsageError, hookimpl
from coolrun.main import definition_path
from coolrun.streams import write

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun import Config, Experiment, Parser, Plain

PATIENCE = 0.4  # seconds in which a plan is awaited before its first rows are shown
MEMORY = 2 << 30
_BATCH = 200
_GROUP = 12  # this many neighbours that are skipped for one reason become one line


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option("--dry", action="store_true", help="show what would run, and run nothing")
    parser.add_option(
        "--format",
        choices=("text", "yaml", "json"),
        default=None,
        help="with --dry: text for people; yaml or json: nothing else on standard output",
    )


@hookimpl
def coolrun_main(config: Config) -> int | None:
    """Show the plan. None: --dry was not given.

    Raises:
        UsageError: --format was given without --dry.
        NothingToRun: all experiments are skipped, or there is none.
        DefinitionError: the definition is wrong.
    """
    if not config.option("dry"):
        if config.option("format") is not None:
            raise UsageError(
                "--format goes with --dry", cure="`coolrun filter` shows records in many formats"
            )
        return None
    # Once for the child that reads and for this process, which shows what was read.
    import coolrun.yamlio  # noqa: F401
    from coolrun.expression import stream_confined

    config.looking = True
    path = definition_path(config)
    answers = stream_confined(
        lambda: _told(path, config),
        seconds=60 + 10 * (config.cwd / path).stat().st_size / 2**20,
        memory=MEMORY,
        what=f"reading {str(path)!r}",
    )
    printer = _PRINTERS[_format(config)]()
    with closing(answers):
        for what, *rest in answers:
            if what == "note":
                config.warn(str(rest[0]))
            elif not write(sys.stdout, *printer.take(what, *rest)):
                break
    return ExitCode.OK


def _format(config: Config) -> str:
    return config.option("format") or "text"


# In the child


def _told(path: Path, config: Config) -> Iterator[Plain]:
    """Notes, rows and the end, each as soon as it is known."""

    import gc

    gc.disable()  # everything is kept until the end, which comes soon
    notes: list[str] = []
    config.__dict__["warn"] = notes.append  # nobody listens in the child
    rows = _rows_as_text if _format(config) == "text" else _rows_as_data
    for row in rows(path, config):
        while notes:
            yield ["note", notes.pop(0)]
        yield row
    for note in notes:
        yield ["note", note]


def _rows_as_data(path: Path, config: Config) -> Iterator[Plain]:
    from coolrun.planning import choose, nothing_to_run, parsed, read_definition

    definition = read_definition(path, config)
    plan = choose(parsed(definition, config), definition, config)
    for e in plan.experiments:
        yield ["experiment", e.position, e.name, e.skipped, _values(e.parameters)]
    yield ["end"]
    if not plan.chosen:
        raise nothing_to_run(plan)


def _rows_as_text(path: Path, config: Config) -> Iterator[Plain]:
    """The first rows do not wait for the last ones to be evaluated."""

    import math

    from coolrun.planning import check_ways, choose, nothing_to_run, parsed, read_definition

    definition = read_definition(path, config)
    # Who is not picked is known at the end: then rows that come early would mislead.
    due = math.inf if config.option("pick") else time.monotonic() + PATIENCE
    experiments: list[Experiment] = []
    early = 0
    for experiment in parsed(definition, config):
        experiments.append(experiment)
        if time.monotonic() > due:
            yield from _rows(experiments[early:])
            early = len(experiments)
            due = time.monotonic() + 0.05
    plan = choose(experiments, definition, config)
    yield from _rows(plan.experiments[early:])
    late = {p: reason for p, reason in plan.skipped.items() if p < early}
    yield ["total", len(plan.experiments), len(plan.chosen), late]
    if not plan.chosen:
        raise nothing_to_run(plan)
    try:
        check_ways(plan, config)
    except DefinitionError as error:
        config.warn(f"a run would end with this error: {error}")


def _rows(experiments: Sequence[Experiment]) -> Iterator[Plain]:
    """Rows in batches; many neighbours that are skipped for one reason become one row."""
    batch = []
    start = 0
    while start < len(experiments):
        end, reason = start + 1, experiments[start].skipped
        while reason and end < len(experiments) and experiments[end].skipped == reason:
            end += 1
        end = end if end - start > _GROUP else start + 1
        batch.append([experiments[end - 1].position, *_row(experiments[start])])
        start = end
        if len(batch) == _BATCH:
            yield ["rows", batch]
            batch = []
    yield ["rows", batch]


def _row(experiment: Experiment) -> Plain:
    keys = dict.fromkeys(k for k in (*experiment.own, *experiment.swept) if k != "Name")
    if experiment.get("Repeat", 1) != 1:
        keys["REP"] = None
    values = [[key, _text(experiment, key)] for key in keys]
    after = sorted(experiment.after)
    return [experiment.position, experiment.name, experiment.skipped, values, after]


def _text(experiment: Experiment, key: str) -> str:
    from coolrun import Experiment
    from coolrun.display import shown

    value: Any = experiment
    for part in [key] if key in experiment else key.split("."):
        value = value[part] if isinstance(value, (dict, Experiment)) and part in value else None
    if any(pending == key or pending.startswith(f"{key}.") for pending in experiment.pending):
        return f"pending ({shown(value, 60)})"
    return shown(value, 60)


def _values(value: Plain) -> Plain:
    """Values to be computed later as the text that they are."""

    from coolrun import Marked

    if isinstance(value, Marked):
        return str(value)
    if isinstance(value, dict):
        return {key: _values(item) for key, item in value.items()}
    return [_values(item) for item in value] if isinstance(value, (list, tuple)) else value


# In the parent


class _Printer(Protocol):
    def take(self, what: str, *rest: Any) -> Iterator[str | bytes]:
        """What is written about one answer of the child."""


class _Text:
    """Lines for people."""

    def __init__(self) -> None:
        self._number = self._name = 0

    def take(self, what: str, *rest: Any) -> Iterator[str]:
        from coolrun.display import cells, shown

        if what == "total":
            yield from self._total(*rest)
            return
        (rows,) = rest
        if not self._number and rows:
            # Nobody knows yet how many more than a whole batch there will be.
            self._number = 6 if len(rows) == _BATCH else max(3, len(str(rows[-1][0])))
            self._name = max(cells(shown(row[2], 30)) for row in rows)
        for last, first, *row in rows:
            yield self._line(first, *row) if first == last else self._span(first, last, row[1])

    def _line(
        self, position: int, name: str, skipped: str | None, values: Any, after: list[int]
    ) -> str:
        from coolrun.display import cells, shown, visible

        head = shown(name, 30)
        parts = [f"skipped: {visible(skipped)}"] if skipped else []
        if values:
            parts.append(", ".join(f"{visible(key[:60])}: {visible(text)}" for key, text in values))
        if after:
            parts.append(f"(after {_some(after)})")
        pad = " " * (self._name - cells(head))
        return f"{position:>{self._number}}  {head}{pad}  {'  '.join(parts)}".rstrip() + "\n"

    def _span(self, first: int, last: int, skipped: str) -> str:
        from coolrun.display import visible

        return f"{f'{first}-{last}':>{self._number}}  skipped: {visible(skipped)}\n"

    def _total(self, number: int, chosen: int, late: dict[int, str]) -> Iterator[str]:
        from coolrun.display import visible

        reasons: dict[str, list[int]] = {}
        for position, reason in late.items():
            reasons.setdefault(reason, []).append(position)
        for reason, positions in reasons.items():
            yield f"skipped of these: {_some(positions)}: {visible(reason)}\n"
        if not number:
            return
        word = "experiment" if number == 1 else "experiments"
        rest = f", {number - chosen} skipped" if chosen < number else ""
        yield f"{number} {word}: {chosen} to run{rest}\n"


class _Yaml:
    """One document per experiment; those that are skipped stand under a comment."""

    def take(self, what: str, *rest: Any) -> Iterator[bytes]:
        from coolrun.display import visible

        if what == "end":
            return
        from coolrun.yamlio import dump

        position, _, skipped, parameters = rest
        comment = f"# experiment {position} is skipped: {visible(skipped)}\n" if skipped else ""
        # YAML is UTF-8, whatever the terminal speaks.
        yield f"---\n{comment}{dump(parameters)}".encode()


class _Json:
    """One array, a line for each experiment."""

    def __init__(self) -> None:
        self._number = 0

    def take(self, what: str, *rest: Any) -> Iterator[str]:
        if what == "end":
            yield "\n]\n" if self._number else "[]\n"
            return
        import json

        from coolrun.display import as_json

        position, name, skipped, parameters = rest
        row = {
            "position": position,
            "name": name,
            "skipped": skipped,
            "parameters": as_json(parameters),
        }
        yield (",\n" if self._number else "[\n") + json.dumps(row, allow_nan=False)
        self._number += 1


_PRINTERS: dict[str, type[_Printer]] = {"text": _Text, "yaml": _Yaml, "json": _Json}


def _some(positions: Iterable[int]) -> str:
    from coolrun.display import numbers, shortened

    return shortened(numbers(positions), 60)
