"""A free port for a run on several GPUs, or with `FreePort: true`: no two runs have the same.

A port belongs to whoever holds the lock on a file that is named by it. The process of the run has
that file open as well, so that the lock ends with its last holder, whatever dies first. Sources of
facts: flock(2); PyTorch's "Distributed communication package" for MASTER_ADDR and MASTER_PORT.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from coolrun import DefinitionError, Parser, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coolrun import Blocked, Experiment, Lease, Plan, Run

KEY = "FreePort"
# Below what systems give to connections, and below the port that PyTorch takes by itself.
PORTS = range(28500, 29500)
FOLDER = "/tmp"  # noqa: S108 - the same for everybody, whatever TMPDIR says


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        KEY,
        type="true or false",
        help="whether the run gets a free port in COOLRUN_PORT and MASTER_PORT "
        "(default: if it has several GPUs)",
        schema={"type": ["boolean", "null"]},
    )


@hookimpl
def coolrun_plan(plan: Plan) -> None:
    from coolrun import Marked

    for experiment in plan.experiments:
        if KEY in experiment and not isinstance(experiment[KEY], Marked):
            wanted(experiment)


@hookimpl
def coolrun_ready(experiment: Experiment) -> Blocked | None:
    from coolrun import Blocked

    try:
        wanted(experiment)
    except DefinitionError as error:
        return Blocked(f"key {error.key!r}: {error.message}")
    return None


@hookimpl(trylast=True)
def coolrun_pre_launch(run: Run) -> Lease | None:
    """What the user has set, for all runs or for this one, stays as it is.

    Raises:
        Busy: no port is free.
    """
    asked = wanted(run.experiment)
    if not (_has_several_gpus(run) if asked is None else asked):
        return None
    from coolrun import Busy, Lease

    leased = lease_port()
    if leased is None:
        raise Busy(f"no port from {PORTS[0]} to {PORTS[-1]} is free")
    port, lock = leased
    own = {**os.environ, **run.environment}
    given = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    given = {name: value for name, value in given.items() if name not in own}
    return Lease(
        environment={**given, "COOLRUN_PORT": str(port)},
        descriptors=(lock,),
        release=lambda: os.close(lock),
    )


def wanted(experiment: Experiment) -> bool | None:
    """Whether the experiment asks for a port; None: it does not say.

    Raises:
        DefinitionError: it says something else than yes or no.
    """
    written = experiment.get(KEY)
    if written is None or isinstance(written, bool):
        return written
    error = DefinitionError(
        f"{KEY} is {written!r} (expected true or false)",
        cure="a port of your own goes into Env: {MASTER_PORT: ...}"
        if isinstance(written, int)
        else None,
    )
    raise experiment.blame(error, (KEY,))


def _has_several_gpus(run: Run) -> bool:
    count = run.experiment.get("Gpus")
    several = isinstance(count, int) and count > 1
    return several or "," in run.environment.get("CUDA_VISIBLE_DEVICES", "")


def lease_port(ports: Sequence[int] = PORTS, folder: str = FOLDER) -> tuple[int, int] | None:
    """A port that nothing listens on, and the open file whose lock reserves it; None: all taken."""
    for port in ports:
        lock = _locked(os.path.join(folder, f"coolrun-port-{port}.lock"))
        if lock is not None:
            if _is_free(port):
                return port, lock
            os.close(lock)
    return None


def _locked(path: str) -> int | None:
    """The open file with its lock; None if another has it, or it cannot be had."""
    import fcntl

    # A link is not followed, and a pipe not waited for: anybody may put one there.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(descriptor, 0o644)  # whatever the umask is, for others to open it
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _is_free(port: int) -> bool:
    """Whether a server could listen there, on all addresses of this machine."""
    import errno
    import socket

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(("", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            # A machine without one of the two families has nothing there that is taken.
    return True
