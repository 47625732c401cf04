"""`Global.apprise: true`: mail, ntfy and the like tell what becomes of a session, by Apprise."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser, Plan, Session
    from coolrun_plugins.notify.notification import Notification

SETTING = "apprise"
VARIABLE = "COOLRUN_APPRISE_URLS"
PATIENCE = 60.0  # seconds; Apprise does not say why a message was not taken
_LARGEST = 64 * 1024  # bytes of a file with addresses
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9]*://\S*")
_TYPES = {"failed": "warning", "paused": "warning", "interrupted": "failure"}


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_setting(
        SETTING,
        type=_unseen,
        default=False,
        help="true, or a file with addresses: tell services of Apprise what becomes of the session",
    )


def _unseen(value: object) -> object:
    """It is looked at when the session is planned: the usual error would show passwords."""
    return value


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """Refuse addresses in the definition; a dry run does so too."""
    from coolrun import DefinitionError

    written = config.setting(SETTING)
    if written is None or isinstance(written, bool):
        return
    place, key = plan.source.place(0, ("Global", SETTING)), f"Global.{SETTING}"
    if not isinstance(written, str) or "://" in written:
        raise DefinitionError(
            "addresses hold passwords, and a definition is copied into logs",
            cure=f"write true, and the addresses into the environment variable {VARIABLE} "
            "or into a file that is named here",
            place=place,
            key=key,
        )
    if not written.strip():
        message = "expected true, false or the name of a file"
        raise DefinitionError(message, place=place, key=key)


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    """Find out before the first run whether Apprise knows every address."""
    if is_on(config):
        services_of(config)


@hookimpl
def coolrun_session_start(session: Session) -> None:
    if is_on(session.config):
        for number, (address, service) in enumerate(services_of(session.config)):
            told = Service(session, address, service)
            session.config.pluginmanager.register(told, f"apprise-service-{number}")


def is_on(config: Config) -> bool:
    """Whether this session is told; one that is only ended is not."""
    written = config.setting(SETTING)
    return written is not None and written is not False and not config.ending


class Service:
    """One service, with an outbox of its own: the others do not wait for it."""

    def __init__(self, session: Session, address: str, service: Any) -> None:
        from coolrun.outbox import Outbox

        self._service = service
        self._outbox: Outbox[Notification] = Outbox.of(
            session, f"apprise ({service.service_name})", self._deliver, [address], PATIENCE
        )

    @hookimpl(optionalhook=True)
    def coolrun_notify(self, notification: Notification) -> None:
        self._outbox.put(notification)

    def _deliver(self, notification: Notification) -> None:
        from coolrun.outbox import Later

        good = "success" if notification.kind == "finished" else "info"
        taken = self._service.notify(
            title=notification.title,
            body=notification.text or notification.title,
            notify_type=_TYPES.get(notification.kind, good),
            body_format="text",
        )
        if not taken:
            raise Later("it did not take the message")


def services_of(config: Config) -> list[tuple[str, Any]]:
    """The addresses, and the services of Apprise behind them.

    Raises:
        UsageError: there is none, or one that Apprise does not know; no address is shown.
    """
    import logging

    from apprise import Apprise

    from coolrun import UsageError

    # It would print addresses; what goes wrong is told by the outbox.
    logging.getLogger("apprise").addHandler(logging.NullHandler())
    where, addresses = _addresses(config)
    if not addresses:
        raise UsageError(
            f"apprise is on, and there is no address in {where}",
            cure=f"set {VARIABLE}='ntfy://my-topic', or name a file: `Global: {{apprise: FILE}}`",
        )
    services = []
    for number, address in enumerate(addresses, start=1):
        service = Apprise.instantiate(address)
        if service is None:
            kind = address.partition("://")[0] if _ADDRESS.fullmatch(address) else ""
            raise UsageError(
                f"apprise knows no address such as number {number} in {where}"
                + (f", of the kind {kind!r}" if kind else ""),
                cure="see https://github.com/caronc/apprise/wiki for how they are written",
            )
        services.append((address, service))
    return services


def _addresses(config: Config) -> tuple[str, list[str]]:
    """Where they stand, and what stands there."""
    from coolrun import UsageError

    written = config.setting(SETTING)
    if written is True:
        return f"the environment variable {VARIABLE}", os.environ.get(VARIABLE, "").split()
    path = config.cwd / os.path.expanduser(written)
    try:
        with open(path, encoding="utf-8", errors="replace", opener=_without_waiting) as file:
            lines = file.read(_LARGEST).splitlines()
    except OSError as error:
        raise UsageError(
            f"cannot read addresses from {written!r}: {error.strerror}",
            cure=f"write them there, one a line, or write `apprise: true` and set {VARIABLE}",
        ) from error
    stripped = [line.strip() for line in lines]
    return repr(written), [line for line in stripped if line and not line.startswith("#")]


def _without_waiting(path: str, flags: int) -> int:
    """Open what may be a pipe that nobody writes to."""
    return os.open(path, flags | os.O_NONBLOCK)
