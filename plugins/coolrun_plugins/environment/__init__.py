"""`Env: {NAME: value}` and `EnvFile: path`: the environment of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from coolrun import Config, DefinitionError, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Blocked, Experiment, Lease, Plan, Run
    from coolrun.plain import Plain

ENV = "Env"
FILE = "EnvFile"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        ENV,
        type="mapping",
        help="environment variables of the run: {NAME: value}",
        schema={
            "type": ["object", "null"],
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
    )
    parser.add_key(
        FILE,
        type="path",
        help="a file of NAME=value lines; Env wins over it",
        schema={"type": ["string", "null"]},
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(Environments(config), "environment-files")


@hookimpl
def coolrun_plan(plan: Plan) -> None:
    for experiment in plan.experiments:
        written = experiment.get(ENV)
        if written is not None and not _is_pending(written):
            variables(experiment)


class Environments:
    """Makes the environment of each run; every file is read once, before the first launch."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._files: dict[str, Mapping[str, str]] = {}

    @hookimpl
    def coolrun_check(self, plan: Plan) -> None:
        from coolrun import Marked

        for experiment in plan.chosen:
            if not isinstance(experiment.get(FILE), Marked):
                self._from_file(experiment)

    @hookimpl
    def coolrun_ready(self, experiment: Experiment) -> Blocked | None:
        from coolrun import Blocked

        try:
            self._environment(experiment)
        except DefinitionError as error:
            return Blocked(f"key {error.key or FILE!r}: {error.message}")
        return None

    @hookimpl
    def coolrun_pre_launch(self, run: Run) -> Lease | None:
        from coolrun import Lease

        environment = self._environment(run.experiment)
        return Lease(environment=environment) if environment else None

    def _environment(self, experiment: Experiment) -> dict[str, str]:
        if experiment.get(ENV) is None and experiment.get(FILE) is None:
            return {}
        return {**self._from_file(experiment), **variables(experiment)}

    def _from_file(self, experiment: Experiment) -> Mapping[str, str]:
        written = experiment.get(FILE)
        if written is None:
            return {}
        if not isinstance(written, str) or not written.strip():
            error = DefinitionError(f"{FILE} is {written!r} (expected a path)")
            raise experiment.blame(error, (FILE,))
        if written not in self._files:
            try:
                text = (self._config.cwd / written).read_text(encoding="utf-8")
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                wrong = DefinitionError(f"cannot read {written!r}: {reason}")
                raise experiment.blame(wrong, (FILE,)) from error
            from coolrun_plugins.environment.file import read_variables

            self._files[written] = read_variables(text, written)
        return self._files[written]


def variables(experiment: Experiment) -> dict[str, str]:
    """What `Env` says, as text.

    Raises:
        DefinitionError: a name or a value that no environment can hold.
    """
    written = experiment.get(ENV)
    if written is None:
        return {}
    if not isinstance(written, Mapping):
        error = DefinitionError(f"{ENV} is no mapping", cure=f"write {ENV}: {{NAME: value}}")
        raise experiment.blame(error, (ENV,))
    from coolrun_plugins.environment.file import problem_of

    made = {}
    for name, value in written.items():
        problem = problem_of(name, value)
        if problem is not None:
            raise experiment.blame(DefinitionError(problem), (ENV, name))
        made[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return made


def _is_pending(written: Plain) -> bool:
    from coolrun import Marked

    values = written.values() if isinstance(written, Mapping) else [written]
    return any(isinstance(value, Marked) for value in values)
