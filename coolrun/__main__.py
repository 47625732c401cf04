"""`coolrun` and `python -m coolrun`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """The entry point of the command. The version is answered before anything is loaded."""
    if sys.argv[1:] == ["--version"]:
        from coolrun import __version__

        print(f"coolrun {__version__}")
        return
    _open_streams()
    sys.exit(_run())


def _run() -> int:
    try:
        from coolrun.cli import main as run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while everything is loaded: nothing has begun yet
        return 2


def _open_streams() -> None:
    """Whatever was closed by `>&-` leads nowhere, or the next file opened would take its place."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)
            setattr(sys, name, open(descriptor, "w" if descriptor else "r"))  # noqa: SIM115


if __name__ == "__main__":
    main()
