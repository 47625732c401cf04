"""A run that is performed in another interpreter.

`python -m coolrun.handover` performs the run that its input holds: `task` makes that.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
import sys
import tempfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.run import Run


def pack(run: Run, config: Config) -> bytes:
    """All that another interpreter needs in order to perform a run."""
    settings = {name: config.setting(name) for name in config.parser.settings}
    sent = dataclasses.replace(run, descriptors=())
    return pickle.dumps((str(config.cwd), list(config.argv), settings, sent))


def unpack(packed: bytes) -> tuple[Run, Config]:
    """The run and a Config like the one it was packed with; the working directory is its own."""
    from coolrun.cli import configure

    cwd, argv, settings, run = pickle.loads(packed)  # noqa: S301 - from our own runner
    os.chdir(cwd)
    config = configure(argv)
    for name, value in settings.items():
        declared = config.parser.settings[name]
        config.parser.settings[name] = dataclasses.replace(declared, default=value)
    return run, config


def task(run: Run, config: Config) -> IO[bytes]:
    """The input of `python -m coolrun.handover`: an open file that has no name."""
    run.folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(pack(run, config))
    file.flush()
    file.seek(0)
    return file


def main() -> None:
    """Perform the run that the input holds."""
    from coolrun.execution import Performance, prepare

    packed = sys.stdin.buffer.read()
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    run, config = unpack(packed)
    if sys.path[:1] != [str(config.cwd)]:
        sys.path.insert(0, str(config.cwd))
    prepare(run, config)
    Performance(run, config).perform()


if __name__ == "__main__":
    main()
