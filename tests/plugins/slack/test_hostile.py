"""A Slack that is slow, fails or lies: every message has its end, and the token stays here."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from coolrun.outbox import Later, Undelivered
from coolrun.testing import Project
from coolrun_plugins.slack.access import Access
from coolrun_plugins.slack.exchange import LARGEST, WAIT, waiting_time
from coolrun_plugins.slack.senders import Bot, Sender, Webhook

TOKEN = "xoxb-1234567890-abcdefghij"
SECONDS = 0.3

Answer = Callable[[Any], None]


def says(code: int, body: object = b"", **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda handler: handler.say(code, data, **headers)


def never_answers(handler: Any) -> None:
    handler.server.RequestHandlerClass.slack.released.wait(60)


def closes(handler: Any) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def stops_halfway(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"ok"')
    closes(handler)


def trickles(handler: Any) -> None:
    """A byte now and then: each is in time, and all of them never are."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    released = handler.server.RequestHandlerClass.slack.released
    while not released.wait(SECONDS / 10):
        handler.wfile.write(b" ")


def is_huge(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1024):
        handler.wfile.write(b" " * 1024 * 1024)


def speaks_no_http(handler: Any) -> None:
    handler.wfile.write(b"220 smtp.example ESMTP\r\n")
    closes(handler)


def has_endless_headers(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5000)))
    closes(handler)


@pytest.fixture(params=["bot", "webhook"])
def sender(request: pytest.FixtureRequest, slack: Any) -> Sender:
    if request.param == "bot":
        return Bot(Access(token=TOKEN, api=f"{slack.url}/api/"), SECONDS)
    return Webhook(f"{slack.url}/services/T/B/secret", SECONDS)


def outcome(sender: Sender, slack: Any, answer: Answer) -> Exception:
    """What a message comes to; never more than the time that it is given."""
    slack.answers = [answer]
    begun = time.monotonic()
    with pytest.raises((Later, Undelivered, OSError)) as caught:
        sender.send("text", "#runs", None, shows=False)
    assert time.monotonic() - begun < 20
    assert TOKEN not in str(caught.value)
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("answer", [never_answers, trickles], ids=lambda f: f.__name__)
def test_no_answer_in_time_is_an_error_of_the_network(
    sender: Sender, slack: Any, answer: Answer
) -> None:
    assert isinstance(outcome(sender, slack, answer), OSError)


@pytest.mark.parametrize(
    "answer", [closes, stops_halfway, speaks_no_http, has_endless_headers], ids=lambda f: f.__name__
)
def test_a_broken_answer_is_tried_again(sender: Sender, slack: Any, answer: Answer) -> None:
    assert isinstance(outcome(sender, slack, answer), (Later, OSError))


def test_a_huge_answer_is_not_read(sender: Sender, slack: Any) -> None:
    error = outcome(sender, slack, is_huge)
    assert isinstance(error, Undelivered)
    assert str(error) == "its answer is too large"


def test_an_answer_below_the_limit_is_read(slack: Any) -> None:
    slack.answers = [says(200, {"ok": True, "ts": "1.5", "more": "x" * (LARGEST - 100)})]
    bot = Bot(Access(token=TOKEN, api=f"{slack.url}/api/"))
    assert bot.send("text", "#runs", None, shows=False) == "1.5"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    sender: Sender, slack: Any, start_slack: Callable[[], Any], code: int
) -> None:
    elsewhere = start_slack()
    error = outcome(sender, slack, says(code, Location=f"{elsewhere.url}/api/chat.postMessage"))
    assert isinstance(error, Undelivered)
    assert "redirects" in str(error)
    assert elsewhere.requests == []


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_trouble_of_slacks_own_is_tried_again(sender: Sender, slack: Any, code: int) -> None:
    error = outcome(sender, slack, says(code, b"<html>"))
    assert isinstance(error, Later)
    assert error.seconds is None


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_what_is_refused_is_given_up(sender: Sender, slack: Any, code: int) -> None:
    error = outcome(sender, slack, says(code, b"no_service"))
    assert str(error) == f"it is refused (HTTP {code}, no_service)"


def test_a_reason_that_is_no_code_of_slacks_is_not_repeated(sender: Sender, slack: Any) -> None:
    echo = f"<b>your token was {TOKEN} for /services/T/B/secret</b>".encode()
    assert str(outcome(sender, slack, says(403, echo))) == "it is refused (HTTP 403)"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 12 ", 12),
        ("86400", 86400),
        ("999999999", 999999999),
        (None, WAIT),
        ("", WAIT),
        ("-5", WAIT),
        ("1e9", WAIT),
        ("nan", WAIT),
        ("soon", WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", WAIT),
        ("9" * 5000, WAIT),
        ("١٢", WAIT),
    ],
)
def test_the_time_to_wait_is_a_number_of_seconds(value: str | None, seconds: float) -> None:
    assert waiting_time(value) == seconds


@pytest.mark.parametrize("value", ["3", None, "soon"])
def test_a_limit_is_honoured(sender: Sender, slack: Any, value: str | None) -> None:
    headers = {"Retry_After": value} if value is not None else {}
    error = outcome(sender, slack, says(429, {"ok": False, "error": "ratelimited"}, **headers))
    assert isinstance(error, Later)
    assert error.seconds == waiting_time(value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("invalid_auth", "invalid_auth: the token is not valid: copy it again"),
        ("missing_scope", "missing_scope: the bot needs the scope chat:write"),
        (
            "channel_not_found",
            "channel_not_found for #runs: no such channel, or a private one that the bot is not in",
        ),
        (
            "not_in_channel",
            "not_in_channel for #runs: invite the bot: type `/invite @its-name` in the channel",
        ),
        ("something_new", "something_new"),
        (f"your token {TOKEN} is bad", "an unknown error"),
        (None, "an unknown error"),
        ([1, {"a": 2}], "an unknown error"),
    ],
)
def test_an_error_of_slacks_is_told_with_its_cure(slack: Any, code: object, words: str) -> None:
    bot = Bot(Access(token=TOKEN, api=f"{slack.url}/api/"), SECONDS)
    error = outcome(bot, slack, says(200, {"ok": False, "error": code}))
    assert isinstance(error, Undelivered)
    assert str(error) == words


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "ratelimited"])
def test_an_error_that_passes_is_tried_again(slack: Any, code: str) -> None:
    bot = Bot(Access(token=TOKEN, api=f"{slack.url}/api/"), SECONDS)
    assert isinstance(outcome(bot, slack, says(200, {"ok": False, "error": code})), Later)


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"<html>", b"[1]", b"null", b'"ok"', b"\xff\xfe", b'{"ok": tru', b"[" * 9000],
)
def test_garbage_is_not_taken_for_an_answer(slack: Any, body: bytes) -> None:
    bot = Bot(Access(token=TOKEN, api=f"{slack.url}/api/"), SECONDS)
    assert "not one of Slack's" in str(outcome(bot, slack, says(200, body)))


@pytest.mark.parametrize("ts", [None, 5, ["1.0"], {}, "", "1", "1.0\n", "9" * 99])
def test_a_message_without_its_time_is_answered_by_none(slack: Any, ts: object) -> None:
    bot = Bot(Access(token=TOKEN, api=f"{slack.url}/api/"), SECONDS)
    slack.answers = [says(200, {"ok": True, "ts": ts})]
    assert bot.send("text", "#runs", None, shows=False) is None


def test_a_proxy_is_not_asked_for_this_machine_itself(
    sender: Sender, slack: Any, start_slack: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = start_slack()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    sender.send("text", "#runs", None, shows=False)
    assert (len(slack.requests), proxy.requests) == (1, [])


# A whole session


DEFINITION = """
    Global: {slack: true, slack_config: {channel_short: "#runs"}}
    Command: "true"
    ---
    {Repeat: 3}
    """


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (never_answers, "Slack: 2 messages were not sent: no answer within 5 seconds"),
        (trickles, "Slack: 2 messages were not sent: no answer within 5 seconds"),
        (
            says(429, Retry_After="100"),
            "Slack: 2 messages were not sent: Slack takes no more messages for 100 seconds",
        ),
        (
            says(429, Retry_After="999999999"),
            "Slack: a message was not sent: Slack takes no more messages for 999999999 seconds",
        ),
        (
            says(200, {"ok": False, "error": "invalid_auth"}),
            "Slack: a message was not sent: invalid_auth: the token is not valid: copy it again",
        ),
        (says(302, Location="https://x.y"), "Slack: a message was not sent: it redirects to"),
        (is_huge, "Slack: a message was not sent: its answer is too large"),
    ],
    ids=["never", "trickle", "limit", "absurd", "auth", "redirect", "huge"],
)
def test_no_run_waits_or_fails_and_one_line_says_what_was_not_sent(
    project: Project, slack: Any, answer: Answer, line: str
) -> None:
    slack.answers = [answer] * 10
    begun = time.monotonic()
    outcome = project({"experiment.yaml": DEFINITION}).run(env=slack.environment)
    assert time.monotonic() - begun < 30
    assert outcome.code == 0
    assert [record["STATUS"] for record in outcome.records] == ["done"] * 3
    assert outcome.err.count("Slack") == line.count("Slack")
    assert line in outcome.err
    assert TOKEN not in outcome.out + outcome.err


def test_a_short_limit_delays_a_message_and_loses_none(project: Project, slack: Any) -> None:
    slack.answers = [says(429, Retry_After="1")]
    outcome = project({"experiment.yaml": DEFINITION}).run(env=slack.environment)
    assert len(slack.requests) == 3
    assert slack.requests[0].text == slack.requests[1].text
    assert outcome.err == ""


def test_a_server_that_is_not_there_is_one_line(project: Project) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{server.getsockname()[1]}/services/secret-of-the-hook"
        outcome = project({"experiment.yaml": DEFINITION}).run(env={"SLACK_WEBHOOK_URL": url})
    assert outcome.code == 0
    assert "Slack: 2 messages were not sent: Connection refused" in outcome.err
    assert "secret" not in outcome.err


def test_the_keeper_of_runs_can_be_started_anew_while_a_message_is_under_way(
    project: Project, slack: Any
) -> None:
    work = """
        import os, signal

        def main(exp):
            if exp.get("deadly"):
                os.kill(os.getppid(), signal.SIGKILL)
            exp.FINE = True
        """
    text = """
        Global: {slack: true, slack_config: {channel_short: "#runs"}}
        Module: work
        ---
        {deadly: true}
        ---
        {Repeat: 3}
        """
    slack.answers = [never_answers] * 10
    outcome = project({"work.py": work, "experiment.yaml": text}).run(env=slack.environment)
    assert [record.get("FINE") for record in outcome.records][-3:] == [True] * 3
    assert outcome.err.count("Slack: ") == 1
