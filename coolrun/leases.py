"""What runs are given for as long as they run, by whichever plugins give it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from coolrun.errors import PluginError
from coolrun.plain import encode
from coolrun.run import Lease, Run

if TYPE_CHECKING:
    from coolrun.config import Config
    from coolrun.experiment import Experiment
    from coolrun.plain import Plain
    from coolrun.session import Session


class Leases:
    """The leases of a session, by the token of the run that has them."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._held: dict[str, list[tuple[str | None, Lease]]] = {}

    def take(self, run: Run, session: Session) -> None:
        """Ask every plugin what it gives a run: all of it or, with an exception, nothing.

        Raises:
            Busy: what it needs is taken.
            Halt: nothing more is to be started.
        """
        leases = self._held[run.token] = []
        environment: dict[str, str] = {}
        run = replace(run, environment=environment)
        each = self._config.pluginmanager.each
        try:
            for plugin, lease in each(
                "coolrun_pre_launch", run=run, session=session, config=self._config
            ):
                if isinstance(lease, Lease):
                    leases.append((plugin, lease))
                    environment.update(lease.environment)
                elif lease is not None:
                    raise PluginError.answered(plugin, "coolrun_pre_launch", lease, "a Lease")
        except BaseException:
            self.release(run.token)
            raise

    def add(self, token: str, lease: Lease) -> None:
        """Have a lease end together with a run that was begun without it."""
        self._held.setdefault(token, []).append((None, lease))

    def release(self, token: str) -> dict[str, Plain]:
        """Give everything back, the last one first; what the plugins have found out meanwhile.

        A failure is told once per plugin: the run has ended, and the others get theirs back.
        """
        found: dict[str, Plain] = {}
        for plugin, lease in reversed(self._held.pop(token, [])):
            try:
                found.update(_given_back(lease))
            except (Exception, SystemExit) as error:
                self._config.pluginmanager.tell_failure_of_release(error, plugin, self._config)
        return found

    def applied(self, run: Run, experiment: Experiment) -> Run:
        """The run with all that it was given, and the experiment as it is to run."""
        if not self._held.get(run.token) and experiment is run.experiment:
            return run
        environment: dict[str, str] = {}
        extra: dict[str, Plain] = {}
        note: dict[str, Plain] = {}
        descriptors: list[int] = []
        folder, cwd = None, None
        for _, lease in self._held.get(run.token, ()):
            environment.update(lease.environment)
            extra.update(lease.record)
            note.update(lease.note)
            descriptors += lease.descriptors
            folder, cwd = lease.folder or folder, lease.cwd or cwd
        return replace(
            run,
            experiment=experiment,
            environment=environment,
            extra=extra,
            note=note,
            descriptors=tuple(descriptors),
            folder=folder or run.folder,
            cwd=cwd,
            moved=folder is not None,
        )


def _given_back(lease: Lease) -> dict[str, Plain]:
    found = lease.release() if lease.release is not None else None
    if not isinstance(found, Mapping | None):
        raise TypeError(f"it returned {found!r:.60}, not a mapping")
    found = dict(found or {})
    encode(found)
    return found
