"""Finding programs, and running one below this process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from coolrun import CoolrunError, DefinitionError

if TYPE_CHECKING:
    from coolrun import Config, Program


def find_program(name: str, config: Config) -> str:
    """The file of a program, looked for as a shell does, with the project's folder as the first.

    Raises:
        DefinitionError: there is none, or it cannot be executed.
    """
    if "/" in name:
        path = os.path.join(config.cwd, name)
        if os.path.isdir(path):
            raise DefinitionError(f"{name!r} is a folder, not a program")
        if os.access(path, os.X_OK):
            return path
        if os.path.exists(path):
            starter = "python " if name.endswith(".py") else "sh " if name.endswith(".sh") else ""
            raise DefinitionError(
                f"the program {name!r} cannot be executed",
                cure=f"make it executable with `chmod +x {name}`"
                + (f", or write `{starter}{name}`" if starter else ""),
            )
        raise DefinitionError(f"there is no program {name!r} (looked for in {str(config.cwd)!r})")
    for folder in os.get_exec_path():
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    if not (config.cwd / name).is_file():
        cure = _near(name)
    elif name.endswith(".py"):
        cure = f"it is in this folder: write `python {name}`"
    else:
        cure = f"it is in this folder: write `./{name}`"
    raise DefinitionError(f"there is no program {name!r} on the PATH", cure=cure)


def _near(name: str) -> str | None:
    """A program on the PATH that may have been meant."""
    from difflib import get_close_matches

    files: dict[str, str] = {}
    for folder in os.get_exec_path():
        try:
            names = os.listdir(folder)
        except OSError:  # as a shell does, that looks on in the next one
            continue
        for one in names:
            files.setdefault(one, os.path.join(folder, one))
    for near in get_close_matches(name, files, n=3, cutoff=0.7):
        if os.access(files[near], os.X_OK) and not os.path.isdir(files[near]):
            return f"did you mean {near!r}?"
    return None


def run_below(program: Program, parameters: Any, config: Config) -> None:
    """Run the program with the streams and the environment of this process, and wait for it.

    Raises:
        CoolrunError: it could not be started, or did not end well.
    """
    import subprocess

    from coolrun.programs import ended_badly, read_written
    from coolrun.run import RECORD_KEYS

    try:
        # What this process was told to inherit, the program inherits as well.
        process = subprocess.Popen(program.arguments, executable=program.file, close_fds=False)
    except OSError as error:
        raise CoolrunError(
            f"{program.arguments[0]!r} cannot be started: {error.strerror}"
        ) from None
    interrupted = None
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt as error:
            interrupted = error  # the program was told as well, and may have to tidy up
    reserved = (*parameters, *RECORD_KEYS)
    results, warnings = read_written(os.environ["COOLRUN_RESULTS"], reserved)
    parameters |= results
    for text in warnings:
        config.warn(text)
    if interrupted is not None:
        raise interrupted
    failure = ended_badly(code)
    if failure is not None:
        raise CoolrunError(failure)
