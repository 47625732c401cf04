"""`Output: path` moves the folder of a run elsewhere; `Cwd: run` lets it work in that folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from coolrun import Config, DefinitionError, Parser, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from coolrun import Blocked, Experiment, Lease, Plan, Run
    from coolrun.plain import Plain

OUTPUT = "Output"
CWD = "Cwd"
PLACES = ("project", "run")


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        OUTPUT,
        type="path",
        help="the folder of the run (default: in its session's folder)",
        schema={"type": ["string", "null"], "pattern": r"\S"},
    )
    parser.add_key(
        CWD,
        type="project or run",
        default="project",
        help="where the run works: in the project's folder or in its own",
        schema={"enum": [*PLACES, None]},
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Folders(config.cwd, config), "folders-claims")


class Folders:
    """Gives every run a folder that no other run has."""

    def __init__(self, project: Path, config: Config) -> None:
        self._project = project
        self._config = config
        self._owners: dict[str, int] = {}

    @hookimpl
    def coolrun_plan(self, plan: Plan) -> None:
        for experiment in plan.chosen:
            _place(experiment)
            self._claim(experiment)

    @hookimpl
    def coolrun_check(self, plan: Plan) -> None:
        for experiment in plan.chosen:
            folder = self._claim(experiment)
            if folder is None:
                continue
            problem = _problem(folder)
            if problem is None and self._config.session_folder is None:
                problem = _earlier_run(experiment, folder)
            if problem is not None:
                error = DefinitionError(
                    f"{OUTPUT} {experiment[OUTPUT]!r} cannot be used: {problem}",
                    cure="move it away, or give each run a folder of its own: "
                    f'{OUTPUT}: parse f"results/{{Name}}-{{RND_IDX}}-{{REP}}"',
                )
                raise experiment.blame(error, (OUTPUT,))

    @hookimpl
    def coolrun_ready(self, experiment: Experiment) -> Blocked | None:
        from coolrun import Blocked

        try:
            _place(experiment)
            folder = self._claim(experiment)
        except DefinitionError as error:
            return Blocked(f"key {error.key!r}: {error.message}")
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return Blocked(f"key {OUTPUT!r}: cannot make {str(folder)!r}: {error.strerror}")
        return None

    @hookimpl
    def coolrun_pre_launch(self, run: Run) -> Lease | None:
        from coolrun import Lease

        folder = self._claim(run.experiment)
        cwd = (folder or run.folder) if _place(run.experiment) == "run" else None
        return Lease(folder=folder, cwd=cwd) if folder or cwd else None

    def _claim(self, experiment: Experiment) -> Path | None:
        """The folder that the experiment asks for, which is its own from now on.

        Raises:
            DefinitionError: it is no path, or another experiment's.
        """

        from coolrun import Marked

        written = experiment.get(OUTPUT)
        if written is None or isinstance(written, Marked):
            return None
        if not isinstance(written, str) or not written.strip() or "\0" in written:
            error = DefinitionError(f"{OUTPUT} is {written!r} (expected a path)")
            raise experiment.blame(error, (OUTPUT,))
        folder = self._project / written
        owner = self._owners.setdefault(os.path.realpath(folder), experiment.position)
        if owner != experiment.position:
            error = DefinitionError(
                f"{OUTPUT} {written!r} is the folder of experiment {owner} as well",
                cure=f'tell them apart: {OUTPUT}: parse f"results/{{Name}}-{{RND_IDX}}-{{REP}}"',
            )
            raise experiment.blame(error, (OUTPUT,))
        return folder


def _place(experiment: Experiment) -> Plain:
    from coolrun import Marked

    written = experiment.get(CWD)
    if written is None or isinstance(written, Marked):
        return PLACES[0]
    if written not in PLACES:
        error = DefinitionError(f"{CWD} is {written!r} (expected {' or '.join(PLACES)})")
        raise experiment.blame(error, (CWD,))
    return written


def _problem(folder: Path) -> str | None:
    """Why the folder cannot be made or written, as far as a look tells."""
    for path in (folder, *folder.parents):
        if path.exists() or path.is_symlink():
            if not path.is_dir():
                return f"{str(path)!r} is no folder"
            return None if os.access(path, os.W_OK | os.X_OK) else f"{str(path)!r} is read-only"
    return None


def _earlier_run(experiment: Experiment, folder: Path) -> str | None:
    """Nobody's results are overwritten, nor the files of a run that goes on in another session."""

    from coolrun import Run

    run = Run("", experiment, 1, "", folder)
    known = [file.name for file in (run.output, run.results) if file.exists()]
    return f"it holds files of an earlier run ({', '.join(known)})" if known else None
