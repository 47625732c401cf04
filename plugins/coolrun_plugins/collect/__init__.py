"""`coolrun collect`: the records of all logs in and below some folders, in one file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from coolrun import Config, DefinitionError, ExitCode, Parser, UsageError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun.records import LogFile

COMMAND = "collect"
MOST_TOLD = 50


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        COMMAND,
        help="gather the records of many logs in one file",
        handler=collect,
        description=(
            "Gather the records of all logs in and below some folders in one file: every\n"
            "record once, of several attempts at a run the last."
        ),
        examples=(
            "coolrun collect data/",
            "coolrun collect temp/ data/ -v",
            "coolrun collect data/ --dest collected_logs --exclude unwanted_directory",
        ),
        argument_files=True,
    )

    def add(*flags: str, **arguments: Any) -> None:
        parser.add_option(*flags, command=COMMAND, **arguments)

    add("path", nargs="*", help="a folder, a log, or the folder of a session")
    add(
        "--exclude",
        nargs="*",
        action="extend",
        default=[],
        metavar="NAME",
        help="leave out files and folders of this name or path; * and ? stand for anything",
    )
    add("--dest", default="yaml_collect", help="a folder for the new file, or a name.yaml for it")
    add("-v", "--verbose", action="store_true", help="tell of every folder that is visited")
    add(
        "--attempts",
        choices=("last", "all"),
        default="last",
        help="of several attempts at a run take the last (default) or all",
    )


@hookimpl
def coolrun_collect(path: Path) -> LogFile | None:
    """The records of a YAML file."""
    if path.suffix not in {".yaml", ".yml"}:  # as `sources.SUFFIXES`
        return None
    from coolrun.records import read_log

    try:
        return read_log(path, str(path))
    except OSError as error:
        reason = error.strerror or str(error)
        raise DefinitionError(f"{str(path)!r} cannot be read: {reason}") from error


def collect(config: Config) -> int:
    """Collect, and print the name of the new file.

    Raises:
        UsageError: a path does not exist, or the destination is something else.
    """

    from pathlib import Path

    from coolrun.display import visible
    from coolrun.progress import ProgressLine
    from coolrun.records import Destination

    from .gather import gather
    from .sources import Sources
    from .walk import Walk

    paths = config.option("path")
    if not paths:
        cure = "name a folder first, as in `coolrun collect data/ --exclude temp`"
        raise UsageError("there is no path to collect from", cure=cure)
    destination = Destination(COMMAND, "logs", config.option("dest"), config.cwd)
    destination.check()
    verbose, every = config.option("verbose"), config.option("attempts") == "all"
    walk = Walk(str(config.cwd), config.option("exclude"), _tell if verbose else None)
    sources = Sources(config)
    found = sources.read(walk.files(paths))
    with ProgressLine(config.clock) as line:
        # The folders that are visited are progress enough.
        tell = _ignore if verbose else line.show
        done = gather(found, every_attempt=every, tell=tell)
    for unused in walk.unused:
        config.warn(f"--exclude {unused!r}: nothing of that name was seen")
    problems = [str(problem) for problem in (*walk.problems, *sources.problems)] + done.problems
    for problem in problems[:MOST_TOLD]:
        _tell(f"error: {problem}")
    if len(problems) > MOST_TOLD:
        _tell(f"error: {len(problems) - MOST_TOLD} more places are broken")
    left_out = _left_out(
        (done.identical, "identical", "identical"),
        (done.superseded, "superseded by a later attempt", "superseded by later attempts"),
        (done.strange, "document that is no mapping", "documents that are no mappings"),
        (done.definitions, "definition", "definitions"),
        (sources.own, "file that coolrun wrote", "files that coolrun wrote"),
        (len(problems), "broken", "broken"),
    )
    if not done.pieces:
        _tell(f"no records found{left_out}")
        for logs in (Path(path) / ".coolrun" / "sessions" for path in paths):
            if (config.cwd / logs).is_dir():
                _tell(f"logs that no YamlLog names lie in hidden folders: coolrun collect {logs}")
        return ExitCode.FAILED if problems else ExitCode.NOTHING
    count = f"{_many(len(done.pieces), 'record')} from {_many(len(done.sources), 'file')}"
    written = destination.write(done.pieces, count, config.clock.now())
    _tell(f"collected {count}{left_out}")
    print(visible(str(written)))
    return ExitCode.FAILED if problems else ExitCode.OK


def _left_out(*counts: tuple[int, str, str]) -> str:
    parts = [f"{number} {one if number == 1 else more}" for number, one, more in counts if number]
    return f" (left out: {', '.join(parts)})" if parts else ""


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ignore(_: str) -> None: ...


def _tell(line: str) -> None:
    from coolrun.streams import write

    write(sys.stderr, f"{line}\n")
