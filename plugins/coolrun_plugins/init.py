"""`coolrun init`: a project that runs at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import UsageError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun import Config, Parser

FILES = {
    "experiment.yaml": """\
# The first document holds the settings of the runner and the default of every parameter.
Global:
  repeat: 1                 # how often the whole list is run

Name: walk                  # what an experiment is called; `skip` leaves it out
Module: modules.example     # modules/example.py: main(exp) does the work
YamlLog: data/log.yaml      # where the record of each run is appended
steps: 1000
step: 1.0
seed: 0
---
# Every later document is an experiment. What it does not write comes from above.
Name: small
step: 0.5
---
# `parse` computes a value; E holds the experiments before this one.
Name: parse f"half of {E[-1].Name}"
step: parse E[-1].step / 2
---
Name: repeated
Repeat: 3                   # three copies, which differ in REP
seed: parse REP
""",
    "modules/__init__.py": "",
    "modules/example.py": '''\
"""A random walk: how far from home does it end?"""

import random


def main(exp):
    """Read parameters from `exp`; what is set in it is a result and goes into the log."""
    walk = random.Random(exp.seed)
    position = 0.0
    for _ in range(exp.steps):
        position += walk.choice((-exp.step, exp.step))
    exp.DISTANCE = abs(position)
    print(f"ended {exp.DISTANCE:g} from home")
''',
}


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_command(
        "init",
        help="make a project that runs at once",
        handler=init,
        description="Make a small project: a definition and the module that it runs.",
        examples=("coolrun init", "coolrun init my-study && cd my-study && coolrun"),
    )
    parser.add_option(
        "folder", command="init", nargs="?", default=".", help="where (default: here)"
    )


def init(config: Config) -> int:
    """Write the files; refuse to touch any that is there."""
    folder = config.cwd / config.option("folder")
    there = [name for name in FILES if (folder / name).exists() and FILES[name]]
    if there:
        raise UsageError(
            f"{there[0]!r} is there already; nothing was written",
            cure="name another folder: coolrun init FOLDER",
        )
    try:
        for name, text in FILES.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write in {str(folder)!r}: {error.strerror}") from error
    for name in FILES:
        print(f"wrote {_shown(folder / name, config.cwd)}")
    from shlex import quote

    enter = "" if folder == config.cwd else f"cd {quote(_shown(folder, config.cwd))} && "
    print(f"next: {enter}coolrun --dry, then coolrun")
    return 0


def _shown(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)
