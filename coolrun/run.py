"""A run: one attempt at one experiment; how it ended; and the record of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coolrun.errors import CoolrunError
from coolrun.experiment import RECORD_KEYS as RECORD_KEYS
from coolrun.experiment import Experiment
from coolrun.plain import encode

if TYPE_CHECKING:
    from coolrun.plain import Plain


class Status(str, Enum):
    """How a run ended. FINAL ones are never run again by themselves."""

    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    ABORTED = "aborted"
    LOST = "lost"
    BLOCKED = "blocked"

    @property
    def final(self) -> bool:
        return self in {Status.DONE, Status.FAILED, Status.TIMEOUT, Status.INTERRUPTED}

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Lease:
    """What a run was given for as long as it runs.

    Attributes:
        environment: what is added to the run's environment.
        folder: where the run's files go instead of its session's folder.
        cwd: the working directory of the run instead of the project's.
        record: what is added to the record of the run.
        descriptors: open files that the process of the run inherits, such as a lock that is to
            last as long as its last holder. They stay the plugin's, which closes them in `release`.
        note: what the plugin wants to find again after a crash of the runner: it is journalled, and
            part of `run.note` of a run that a resumed session has adopted. Keys that begin with the
            plugin's name keep notes apart.
        release: called once when the run has ended, or was not started after all. What it returns
            is added to the record as well.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    cwd: Path | None = None
    record: Mapping[str, Plain] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    note: Mapping[str, Plain] = field(default_factory=dict)
    release: Callable[[], Mapping[str, Plain] | None] | None = None

    def __post_init__(self) -> None:
        """Refuse here what would fail where nobody knows any more whose it is."""
        for name in ("environment", "record", "note"):
            value = getattr(self, name)
            _expect(f"{name} of a lease", value, Mapping, "a mapping")
            encode(dict(value))
        for key, value in self.environment.items():
            _expect(f"{key!r} in the environment of a lease", value, str, "text")
            if not key or "=" in key or "\0" in key + value:
                raise ValueError(f"no environment can hold {key!r}: {value!r:.60}")
        for name in ("folder", "cwd"):
            if getattr(self, name) is not None:
                _expect(f"{name} of a lease", getattr(self, name), Path, "a Path")
        for number in self.descriptors:
            os.fstat(number)
        if self.release is not None:
            _expect("release of a lease", self.release, Callable, "a function")


def _expect(what: str, value: object, kind: Any, words: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{what} is {value!r:.60}, not {words}")


class Busy(CoolrunError):
    """What the run needs is taken: ask again when something has ended."""


class Halt(CoolrunError):
    """Nothing more is to be launched in this session; what runs may finish."""


@dataclass(frozen=True)
class Blocked:
    """An experiment that cannot be launched any more, and why."""

    reason: str

    def __post_init__(self) -> None:
        _expect("the reason of a Blocked", self.reason, str, "text")


@dataclass(frozen=True)
class Retry:
    """An experiment is to be run again, after `delay` seconds, as it was or changed."""

    experiment: Experiment
    delay: float = 0.0

    def __post_init__(self) -> None:
        _expect("the experiment of a Retry", self.experiment, Experiment, "an Experiment")
        _expect("the delay of a Retry", self.delay, int | float, "a number of seconds")
        if not (isfinite(self.delay) and self.delay >= 0):
            raise ValueError(f"the delay of a Retry is {self.delay!r}, not a number of seconds")


@dataclass(frozen=True)
class Run:
    """One attempt at one experiment.

    Attributes:
        session: the name of the session.
        experiment: what to run, with its final values.
        attempt: counts from 1.
        token: a secret of this attempt; what is written by another attempt is not believed.
        folder: where its files go; shared by the attempts of one experiment.
        environment: what the leases of the run add to its environment.
        cwd: its working directory where that is not the project's.
        extra: what the leases of the run add to its record.
        note: what the leases of the run have journalled.
        descriptors: what its process inherits from its leases, as numbers in the runner.
        moved: whether a lease has given it another folder than the one in its session's.
    """

    session: str
    experiment: Experiment
    attempt: int
    token: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    extra: Mapping[str, Plain] = field(default_factory=dict)
    note: Mapping[str, Plain] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    moved: bool = False

    @property
    def id(self) -> str:
        """The identity of the run in every file: session, position and attempt."""
        return f"{self.session}.{self.experiment.position}.{self.attempt}"

    @cached_property
    def output(self) -> Path:
        """The file that holds everything the run printed."""
        return self.folder / self._file("output", "log")

    @cached_property
    def results(self) -> Path:
        """The file to which the run's own process appends its results and its exit."""
        return self.folder / self._file("results", "jsonl")

    @cached_property
    def written(self) -> Path:
        """The file in which a program may write its results."""
        return self.folder / self._file("results", "yaml")

    def _file(self, stem: str, suffix: str) -> str:
        return f"{stem}.{suffix}" if self.attempt == 1 else f"{stem}.{self.attempt}.{suffix}"


@dataclass(frozen=True)
class Exit:
    """How the process of a run ended, as its launcher tells it.

    Attributes:
        token: which attempt ended.
        failure: one line of reason, or None when all went well.
        started: when the work began, as local ISO 8601 text with seconds.
        elapsed: seconds inside the work itself, start-up apart.
        results: what the run set, in order. Kept even when it failed.
        warnings: what a person should know about the run.
        lost: whether nobody saw how it ended: it is to be run again.
        trouble: what kept its work from beginning and will pass, such as a full disk: nothing is
            started until there is room, and then it is run again. `lost` as well.
    """

    token: str
    failure: str | None
    started: str
    elapsed: float
    results: Mapping[str, Plain] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    lost: bool = False
    trouble: str | None = None

    @property
    def ok(self) -> bool:
        return self.failure is None

    def because(self, reason: str) -> Exit:
        """The same exit with another reason."""
        return replace(self, failure=reason)


@dataclass(frozen=True)
class Record:
    """What is known about a run that ended.

    `replayed` records were not written when their run ended; a log may hold them all the same.
    """

    run: Run
    exit: Exit
    status: Status
    replayed: bool = False
    host: str = field(default_factory=lambda: os.uname().nodename)

    @property
    def failure(self) -> str | None:
        return self.exit.failure

    def document(self) -> dict[str, Plain]:
        """The record as it is written: parameters, results, then what the runner knows.

        The runner's keys win over results of the same name.
        """
        experiment = self.run.experiment
        own: dict[str, Any] = {
            "HOST": self.host,
            "RUN_ID": self.run.id,
            "STARTED": self.exit.started,
            "TIME_ELAPSED": round(self.exit.elapsed, 6),
            "STATUS": str(self.status),
        }
        if self.failure is not None:
            own["FAILURE"] = self.failure
        parameters = {k: v for k, v in experiment.parameters.items() if k not in RECORD_KEYS}
        taken = {*RECORD_KEYS, *parameters}
        own |= {k: v for k, v in self.run.extra.items() if k not in taken}
        if self.run.attempt > 1:
            own["ATTEMPT"] = self.run.attempt
        reserved = {*RECORD_KEYS, *experiment.given}
        results = {k: v for k, v in self.exit.results.items() if k not in reserved}
        given = {k: v for k, v in experiment.given.items() if k not in parameters}
        return {**parameters, **results, **given, **own}
