"""`coolrun filter`: the records of logs that match, sorted, with the keys that are wanted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from coolrun import Config, CoolrunError, ExitCode, Parser, UsageError, hookimpl
from coolrun.streams import write

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun.records import Foreign, LogFile

    from .scan import Answer

COMMAND = "filter"
FOLDER = "yaml_filter"
MOST_TOLD = 50


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        COMMAND,
        help="choose, sort and show records of logs",
        handler=select,
        description=(
            "Choose and sort records of logs. `%FILE` stands for the arguments in that file, one\n"
            "per line. Expressions are guarded: they cannot do anything but compute."
        ),
        examples=(
            "coolrun filter logs.yaml --filter 'ACC > 0.9' --sort TIME --reverse",
            "coolrun filter logs.yaml --filter \"lambda exp: 'ACC' in exp and exp['ACC'] > 0.9\"",
            "coolrun filter logs.yaml --format table --keep-keys Name lr ACC",
            "coolrun filter logs_1.yaml logs_2.yaml %args",
        ),
        argument_files=True,
    )

    def add(*flags: str, **arguments: Any) -> None:
        parser.add_option(*flags, command=COMMAND, **arguments)

    add("path", nargs="*", help="a log")
    add("--dest", help=f"a folder for the new file (default: {FOLDER}), or a name.yaml for it")
    add(
        "--filter",
        action="append",
        default=[],
        metavar="TEST",
        help="keep what passes: an expression over the keys, such as `ACC > 0.9`, or a lambda; "
        "several have to hold together",
    )
    add(
        "--sort",
        action="append",
        default=[],
        metavar="KEY",
        help="sort by an expression or a lambda, such as --sort=-ACC; several sort one after the "
        "other, each stable",
    )
    add("--reverse", action="store_true", help="reverse the order of sorting")
    add(
        "--keep-keys",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY",
        help="keep these keys only, in this order; a.b reaches into mappings",
    )
    add(
        "--attempts",
        choices=("last", "all"),
        default="last",
        help="of several attempts at a run take the last (default) or all",
    )
    add(
        "--format",
        choices=("yaml", "table", "csv", "json"),
        default="yaml",
        help="print a table, CSV or JSON instead of writing a YAML file",
    )


def select(config: Config) -> int:
    """Filter, and print the name of the new file or the records.

    Raises:
        UsageError: a path does not exist, or the destination is something else.
        ExpressionError: an expression is refused or fails.
    """

    from coolrun.display import visible
    from coolrun.progress import ProgressLine
    from coolrun.records import Destination, Memory

    from .query import Query
    from .scan import ask

    kind, dest = config.option("format"), config.option("dest")
    functions: dict[str, Any] = {}
    for names in config.pluginmanager.ask("coolrun_names", config=config):
        functions.update(names or {})
    sorts, keep = config.option("sort"), config.option("keep_keys")
    query = Query(config.option("filter"), sorts, keep, functions)
    destination = Destination(COMMAND, "flogs", dest or FOLDER, config.cwd)
    if kind == "yaml":
        destination.check()
    elif dest is not None:
        cure = f"leave one of the two out; `--format {kind} > FILE` writes a file"
        raise UsageError(f"--format {kind} prints, and --dest names a file", cure=cure)

    logs = _logs(config)
    every = config.option("attempts") == "all"
    memory = Memory(config.cwd)
    config.add_cleanup(memory.close)
    with ProgressLine(config.clock) as line:
        tell, values = partial(line.show, "reading the records"), kind != "yaml"
        answer = ask(logs, query, len(sorts), memory, every_attempt=every, values=values, tell=tell)
    rows = _in_order(answer, reverse=config.option("reverse"))
    _tell_problems(answer)
    _note(answer, sorts, keep, config)
    count = f"{len(rows)} of {answer.read} {'record' if answer.read == 1 else 'records'}"
    if kind != "yaml":
        _print(kind, [answer.records[row] for row in rows], whole=bool(keep))
    elif rows or destination.named:
        pieces = (answer.document(row, logs) for row in rows)
        written = destination.write(pieces, count, config.clock.now())
        write(sys.stdout, f"{visible(str(written))}\n")
    if kind == "yaml" or not rows:
        nothing = "" if rows or destination.named or kind != "yaml" else ": no file is written"
        _tell(f"{count} match{'es' if len(rows) == 1 else ''}{_attempts(answer)}{nothing}")
    return ExitCode.FAILED if answer.problems else ExitCode.OK


def _logs(config: Config) -> list[LogFile | Foreign]:
    """The logs, each once, read as they are now."""
    paths = config.option("path")
    if not paths:
        cure = "name a log first, as in `coolrun filter logs.yaml --keep-keys ACC`"
        raise UsageError("there is no log to filter", cure=cure)
    return [_log(path, config) for path in dict.fromkeys(paths)]


def _log(path: str, config: Config) -> LogFile | Foreign:
    from coolrun.records import Foreign, LogFile, read_log

    full = config.cwd / path
    try:
        if full.is_dir():
            cure = f"gather its logs in one file first: coolrun collect {path}"
            raise UsageError(f"{path!r} is a folder", cure=cure)
        if full.exists() and not full.is_file():
            raise UsageError(f"{path!r} is no regular file", cure="save it in a file first")
        if not full.exists():
            raise UsageError(f"there is no file {path!r}", cure=_near(full))
        records = config.pluginmanager.ask("coolrun_collect", path=full, config=config)
        if records is None:
            records = read_log(full, path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CoolrunError(f"{path!r} cannot be read: {reason}") from error
    if isinstance(records, LogFile):
        records.path = path
        return records
    blame = partial(config.pluginmanager.named, hook="coolrun_collect")
    return Foreign(path, records, blame).loaded()


def _near(path: Path) -> str:
    from difflib import get_close_matches

    names = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    near = get_close_matches(path.name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"it was looked for in {str(path.parent)!r}"


def _in_order(answer: Answer, *, reverse: bool) -> list[int]:
    from .ordering import ordered

    rows = list(range(len(answer.numbers)))
    for keys in answer.keys:
        rows = ordered(rows, keys, reverse=reverse)
    return rows[::-1] if reverse and not answer.keys else rows


def _print(kind: str, records: list[dict[Any, Any]], *, whole: bool) -> None:
    from .formats import as_csv, as_json, as_table

    terminal = sys.stdout.isatty()
    if kind == "table":
        import shutil

        width = shutil.get_terminal_size().columns if terminal else None
        pieces = as_table(records, whole=whole, width=width)
    else:
        pieces = as_json(records) if kind == "json" else as_csv(records, terminal=terminal)
    for piece in pieces:
        if not write(sys.stdout, piece):
            return


# What a person should know


def _tell_problems(answer: Answer) -> None:
    for problem in answer.problems[:MOST_TOLD]:
        _tell(f"error: {problem}")
    if len(answer.problems) > MOST_TOLD:
        _tell(f"error: {len(answer.problems) - MOST_TOLD} more places are broken")
    if answer.strange:
        _tell(f"note: {answer.strange} documents are no mappings and were passed over")


def _note(answer: Answer, sorts: Sequence[str], keep: Sequence[str], config: Config) -> None:
    from difflib import get_close_matches

    from coolrun.display import shortened, visible

    for (text, name), count in answer.missing.items():
        near = get_close_matches(name, answer.known, n=1) if count == answer.read else []
        meant = f"; did you mean {near[0]}?" if near else ""
        test = shortened(visible(text), 60)
        config.warn(f"{count} of {answer.read} records have no {name!r}: no match ({test}){meant}")
    for text, keys in zip(sorts, answer.keys, strict=True):
        if keys and all(key is None for key in keys):
            config.warn(f"no record has what --sort {shortened(visible(text), 60)} needs")
    if answer.records or answer.texts:
        _note_kept(answer, keep, config)


def _note_kept(answer: Answer, keep: Sequence[str], config: Config) -> None:
    """Tell of keys that no record has."""
    absent = [key for key in keep if key not in answer.found]
    if absent:
        names = ", ".join(repr(key) for key in absent)
        what = "the key" if len(absent) == 1 else "any of the keys"
        cure = "; separate keys by spaces" if any("," in key for key in absent) else ""
        config.warn(f"no record has {what} {names} (--keep-keys){cure}")


def _attempts(answer: Answer) -> str:
    if not answer.superseded:
        return ""
    return f" ({answer.superseded} superseded by a later attempt were left out)"


def _tell(line: str) -> None:
    write(sys.stderr, f"{line}\n")
