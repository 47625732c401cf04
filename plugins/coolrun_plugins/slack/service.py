"""Takes what is told about a session and has it written in Slack."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coolrun import hookimpl
from coolrun.concealment import concealed
from coolrun.files import atomic_write
from coolrun.outbox import Outbox
from coolrun_plugins.slack.access import access_of
from coolrun_plugins.slack.senders import TS, Bot, Sender, Webhook
from coolrun_plugins.slack.settings import settings_of
from coolrun_plugins.slack.text import heading, markup

if TYPE_CHECKING:
    from coolrun import Session
    from coolrun_plugins.notify.notification import Notification

THREADS = "slack.json"  # in the session's folder: a session that is taken up goes on in its thread


@dataclass(frozen=True)
class Post:
    """One message; in the session's thread unless it `stands_alone`.

    One in a thread that `shows` is shown in the channel as well.
    """

    text: str
    channel: str
    stands_alone: bool
    shows: bool


class Service:
    """The thread of one session."""

    def __init__(self, session: Session) -> None:
        settings = settings_of(session.config)
        access = access_of(settings, session.config.cwd)
        self._sender: Sender = Webhook(access.webhook) if access.webhook else Bot(access)
        self._secret = access.secret
        self._file = session.folder.path / THREADS
        self._threads = self._known_threads()
        self._short = settings.channel_short or settings.channel_final or ""
        self._final = settings.channel_final or self._short
        self._outbox: Outbox[Post] = Outbox.of(session, "Slack", self._deliver, [access.secret])

    @hookimpl(optionalhook=True)
    def coolrun_notify(self, notification: Notification) -> None:
        if notification.last and self._final != self._short:
            self._put(heading(notification), self._short)
            self._put(markup(notification), self._final, stands_alone=True)
        else:
            self._put(markup(notification), self._short, shows=notification.last)

    def _put(
        self, text: str, channel: str, *, stands_alone: bool = False, shows: bool = False
    ) -> None:
        harmless = concealed(text, [self._secret])
        self._outbox.put(Post(harmless, channel, stands_alone, shows))

    # In the outbox's thread

    def _deliver(self, post: Post) -> None:
        thread = None if post.stands_alone else self._threads.get(post.channel)
        shows = post.shows and thread is not None
        ts = self._sender.send(post.text, post.channel, thread, shows=shows)
        if thread is None and ts is not None and not post.stands_alone:
            self._threads[post.channel] = ts
            try:
                atomic_write(self._file, json.dumps(self._threads).encode())
            except OSError:
                return  # the message is sent; a session that is taken up begins another thread

    def _known_threads(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_bytes())
            return {str(k): v for k, v in known.items() if TS.fullmatch(v)}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # a thread of its own begins
