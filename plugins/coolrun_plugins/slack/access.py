"""How messages may reach Slack: the token of a bot, or a webhook, from outside the definition."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from coolrun import CoolrunError, UsageError
from coolrun_plugins.slack import CONFIG
from coolrun_plugins.slack.addresses import checked
from coolrun_plugins.slack.settings import BY_BOT, BY_WEBHOOK, Settings

if TYPE_CHECKING:
    from pathlib import Path

API = "SLACK_API_URL"
API_DEFAULT = "https://slack.com/api/"
_LARGEST = 4096  # bytes of a file with a token
_GUIDE = "docs/notifications.md says how to get one"


@dataclass(frozen=True)
class Access:
    """A bot's token or a webhook, one of the two; neither is ever shown."""

    token: str | None = field(default=None, repr=False)
    webhook: str | None = field(default=None, repr=False)
    api: str = API_DEFAULT

    @property
    def secret(self) -> str:
        return self.token or self.webhook or ""


def access_of(
    settings: Settings, cwd: Path, tell: Callable[[str], None] = lambda _: None
) -> Access:
    """How this session reaches Slack; a token is taken where there are both.

    `tell` is told what a person should know of it.

    Raises:
        CoolrunError: there is neither, or what there is cannot be used; it is not shown.
    """
    token, webhook = _found(settings, cwd, tell)
    api = checked(os.environ.get(API) or API_DEFAULT, API, shows=True)
    if token is None:
        if settings.channel_short or settings.channel_final:
            tell("Slack: a webhook writes into its own channel, whichever the settings name")
        return Access(webhook=webhook, api=api)
    if not (settings.channel_short or settings.channel_final):
        raise UsageError(
            "Slack has a token, and no channel to write into",
            cure=f"name one: `Global: {{slack: true, {CONFIG}: {{channel_short: '#runs'}}}}`",
        )
    if find_spec("slack_sdk") is None:
        raise CoolrunError(
            "slack_sdk is not installed, which a bot's token needs",
            cure="pip install 'coolrun[slack]'; a webhook does without",
        )
    return Access(token=token, api=api)


def _found(
    settings: Settings, cwd: Path, tell: Callable[[str], None]
) -> tuple[str | None, str | None]:
    token, where = os.environ.get(BY_BOT, "").strip(), BY_BOT
    webhook = os.environ.get(BY_WEBHOOK, "").strip()
    if not (token or webhook) and settings.token_file is not None:
        token, where = _read(settings.token_file, cwd, tell), settings.token_file
        if "://" in token:
            token, webhook = "", token
    if token:
        if not re.fullmatch(r"[!-~]{8,1000}", token):
            raise UsageError(f"{where} holds no token of Slack", cure=_GUIDE)
        return token, None
    if webhook:
        return None, checked(webhook, where if where != BY_BOT else BY_WEBHOOK, shows=False)
    raise UsageError(
        "Slack is on, and there is neither a token nor a webhook",
        cure=f"set {BY_BOT} or {BY_WEBHOOK} in the environment, or name a file with "
        f"{CONFIG}.token_file; {_GUIDE}",
    )


def _read(name: str, cwd: Path, tell: Callable[[str], None]) -> str:
    """The first line of the file that holds the token."""
    path = cwd / os.path.expanduser(name)
    try:
        with open(path, "rb", opener=lambda p, flags: os.open(p, flags | os.O_NONBLOCK)) as file:
            state = os.fstat(file.fileno())
            data = file.read(_LARGEST) if stat.S_ISREG(state.st_mode) else b""
    except OSError as error:
        raise UsageError(
            f"cannot read the token from {name!r}: {error.strerror}",
            cure=f"write it there, or set {BY_BOT} in the environment",
        ) from error
    if state.st_mode & 0o077:
        tell(f"others can read the token in {name!r}: chmod 600 {name}")
    lines = data.decode("utf-8", errors="replace").split()
    if not lines:
        raise UsageError(f"there is no token in {name!r}", cure=_GUIDE)
    return lines[0]
