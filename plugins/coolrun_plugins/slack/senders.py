"""The two ways into Slack: a bot, which answers in threads, and a webhook, which cannot."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import Request

from coolrun.outbox import Later, Undelivered
from coolrun_plugins.slack.exchange import SECONDS, code_of, exchange

if TYPE_CHECKING:
    from coolrun_plugins.slack.access import Access

TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,12}")  # the time of a message, which is its name
_PASSING = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})
_CURES = {
    "invalid_auth": "the token is not valid: copy it again",
    "not_authed": "there is no token",
    "token_revoked": "make a new token",
    "token_expired": "make a new token",
    "account_inactive": "the bot or its workspace is gone: make a new token",
    "missing_scope": "the bot needs the scope chat:write",
    "channel_not_found": "no such channel, or a private one that the bot is not in",
    "not_in_channel": "invite the bot: type `/invite @its-name` in the channel",
    "is_archived": "the channel is archived: name another",
}


class Sender(Protocol):
    """Writes a message and returns its `ts`, by which it is answered in a thread, if it has one."""

    def send(self, text: str, channel: str, thread: str | None, *, shows: bool) -> str | None:
        """`shows`: an answer in a thread is shown in the channel as well."""


class Bot:
    """Writes by a bot's token, through slack_sdk."""

    def __init__(self, access: Access, seconds: float = SECONDS) -> None:
        self._access = access
        self._seconds = seconds
        self._client: Any = None

    def send(self, text: str, channel: str, thread: str | None, *, shows: bool) -> str | None:
        from slack_sdk.errors import SlackApiError, SlackRequestError

        if self._client is None:
            self._client = _client(self._access, self._seconds)
        answer: dict[str, object] = {"thread_ts": thread, "reply_broadcast": shows}
        try:
            said = self._client.chat_postMessage(
                channel=channel,
                text=text,
                unfurl_links=False,
                unfurl_media=False,
                **(answer if thread else {}),
            )
        except SlackApiError as error:
            raise _judged(error.response.get("error"), channel) from None
        except SlackRequestError as error:
            raise Undelivered(f"slack_sdk refuses it ({type(error).__name__})") from None
        ts = said.get("ts")
        return ts if isinstance(ts, str) and TS.fullmatch(ts) else None


def _judged(error: object, channel: str) -> Exception:
    code = code_of(error)
    if code in _PASSING:
        return Later(f"Slack has trouble of its own ({code})")
    if code == "ratelimited":
        return Later("Slack takes no more messages for now", 30.0)
    cure = f": {_CURES[code]}" if code in _CURES else ""
    where = f" for {channel}" if "channel" in code or code == "is_archived" else ""
    return Undelivered(f"{code}{where}{cure}")


def _client(access: Access, seconds: float) -> Any:
    from slack_sdk import WebClient

    class Client(WebClient):  # type: ignore[misc, unused-ignore]
        """slack_sdk's own way reads answers of any size and follows redirects with the token."""

        def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
            body = exchange(req, seconds)
            try:
                document = json.loads(body)
            except (ValueError, RecursionError):
                document = None
            if not isinstance(document, dict):
                raise Undelivered("its answer is not one of Slack's")
            return {"status": 200, "headers": {}, "body": json.dumps(document)}

    # What goes wrong is told by the outbox.
    silent = logging.Logger("slack_sdk")  # noqa: LOG001 - a logger that nobody else has
    silent.addHandler(logging.NullHandler())
    return Client(token=access.token, base_url=access.api, retry_handlers=[], logger=silent)


class Webhook:
    """Writes through an incoming webhook."""

    def __init__(self, address: str, seconds: float = SECONDS) -> None:
        self._address = address
        self._seconds = seconds

    def send(self, text: str, channel: str, thread: str | None, *, shows: bool) -> None:
        body = {"text": text, "unfurl_links": False, "unfurl_media": False}
        exchange(
            Request(  # noqa: S310 - the address has been checked
                self._address,
                json.dumps(body).encode(),
                {"Content-Type": "application/json; charset=utf-8"},
                method="POST",
            ),
            self._seconds,
        )
