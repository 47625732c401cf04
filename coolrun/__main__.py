"""`coolrun` and `python -m coolrun`."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the command. The version is answered before anything is loaded."""
    if sys.argv[1:] == ["--version"]:
        from coolrun import __version__

        print(f"coolrun {__version__}")
        return
    from coolrun.cli import main as run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
