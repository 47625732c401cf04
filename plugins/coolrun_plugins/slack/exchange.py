"""One request to Slack and its answer, whatever the other side does."""

from __future__ import annotations

import re
import time
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from coolrun.outbox import Later, Undelivered
from coolrun_plugins.slack.addresses import is_loopback

SECONDS = 10.0  # until the other side has to say something, and twice that until it has said all
LARGEST = 256 * 1024  # bytes of an answer; Slack's has the message in it
WAIT = 30.0  # seconds until the next try where a limit is told without a time
_CODE = re.compile(r"[a-z][a-z_]{2,60}")


class _NoRedirect(HTTPRedirectHandler):
    """A redirect would take the token to another address."""

    def redirect_request(self, *_: object) -> None:
        return None


def exchange(request: Request, seconds: float) -> bytes:
    """Send a request and return the answer, if it was taken.

    Raises:
        Later: it was not taken now.
        Undelivered: it is not going to be taken.
        OSError: there is no connection, or no answer in time.
    """
    try:
        with _opener(request.full_url).open(request, timeout=seconds) as answer:
            return _body(answer, seconds)
    except HTTPError as error:
        with error:
            raise _refusal(error, seconds) from None
    except HTTPException as error:
        raise Later(f"its answer is broken ({type(error).__name__})") from None


def _opener(address: str) -> OpenerDirector:
    # This machine itself is not behind its own proxy.
    proxies = [ProxyHandler({})] if is_loopback(address) else []
    return build_opener(_NoRedirect, *proxies)


def _body(answer: HTTPResponse | HTTPError, seconds: float) -> bytes:
    end = time.monotonic() + seconds
    data = bytearray()
    # `read` would wait for all that was announced, however slowly it comes.
    while piece := answer.read1(16 * 1024):
        data += piece
        if len(data) > LARGEST:
            raise Undelivered("its answer is too large")
        if time.monotonic() > end:
            raise TimeoutError
    if str(len(data)) != answer.headers.get("Content-Length", str(len(data))).strip():
        raise Later("its answer is broken (a part is missing)")
    return bytes(data)


def _refusal(error: HTTPError, seconds: float) -> Exception:
    if error.code == 429:
        wait = waiting_time(error.headers.get("Retry-After"))
        return Later(f"Slack takes no more messages for {wait:.0f} seconds", wait)
    if error.code >= 500:
        return Later(f"Slack has trouble of its own (HTTP {error.code})")
    if 300 <= error.code < 400:
        return Undelivered("it redirects to another address, which does not get the token")
    try:
        word = _body(error, seconds).decode("utf-8", errors="replace").strip()
    except (OSError, HTTPException, Later, Undelivered):
        word = ""  # why is not told
    known = f", {word}" if _CODE.fullmatch(word) else ""
    return Undelivered(f"it is refused (HTTP {error.code}{known})")


def waiting_time(value: str | None) -> float:
    """The seconds of a `Retry-After`; 30 where it says nothing that is a number of seconds."""
    return float(value) if value and re.fullmatch(r"\s*[0-9]{1,9}\s*", value) else WAIT


def code_of(value: object) -> str:
    """An error code of Slack, or words for what is none."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else "an unknown error"
