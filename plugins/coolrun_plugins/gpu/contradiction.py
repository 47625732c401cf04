"""Variables of a user's own that contradict the GPUs that a run was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from coolrun import Config, DefinitionError, Experiment, Lease, Run, hookimpl
from coolrun_plugins.gpu.confinement import VISIBLE
from coolrun_plugins.gpu.needs import GPUS

if TYPE_CHECKING:
    from coolrun.plain import Plain


def refuse_contradiction(experiment: Experiment) -> None:
    """Refuse an experiment that names its GPUs itself.

    Raises:
        DefinitionError: it does.
    """
    written: Plain = experiment.get("Env")
    if isinstance(written, Mapping) and VISIBLE in written:
        error = DefinitionError(
            f"{VISIBLE} is set where GPUs are handed out",
            cure=f"leave it out and say how many with `{GPUS}`; `--gpus none` leaves GPUs alone",
        )
        raise experiment.blame(error, ("Env", VISIBLE))


class LastWord:
    """Has the last word about what a run sees; called when all others have given their leases."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._told = False
        self._token = ""
        self._given: Mapping[str, str] = {}

    def remember(self, token: str, given: Mapping[str, str]) -> None:
        """These variables were given to the run that is being started."""
        self._token, self._given = token, given

    @hookimpl(trylast=True)
    def coolrun_pre_launch(self, run: Run) -> Lease | None:
        if run.token != self._token or self._given.items() <= run.environment.items():
            return None
        if not self._told:
            self._told = True
            self._config.warn(f"{VISIBLE} of EnvFile does not count: GPUs are handed out")
        return Lease(environment=self._given)
