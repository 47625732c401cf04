"""A Slack on loopback that does what a test says, and remembers what it was sent."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

TOKEN = "xoxb-1234567890-abcdefghij"


@dataclass
class Request:
    """What was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        return str(self.body["text"])


Answer = Callable[["Handler"], None]


@dataclass
class FakeSlack:
    """The server; `answers` are given one by one, and after them it takes everything."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def environment(self) -> dict[str, str]:
        """Of a coolrun that takes this for Slack."""
        return {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": f"{self.url}/api/"}

    @property
    def texts(self) -> list[str]:
        return [request.text for request in self.requests]

    @property
    def titles(self) -> list[str]:
        return [text.splitlines()[0] for text in self.texts]

    def wait_for(self, words: str, process: subprocess.Popen[str] | None = None) -> Request:
        """The first message with these words in it; a `process` has to run until then."""

        def found() -> list[Request]:
            return [request for request in self.requests if words in request.text]

        deadline = time.monotonic() + 60
        with self.arrived:
            while not self.arrived.wait_for(found, 0.1):
                if process is not None and process.poll() is not None and not found():
                    raise AssertionError(f"it has ended: {process.communicate()[0]}")
                assert time.monotonic() < deadline, f"{words!r} is in none of {self.texts}"
        return found()[0]

    def take(self, request: Request) -> tuple[Answer | None, str]:
        with self.arrived:
            self.requests.append(request)
            number = len(self.requests)
            self.arrived.notify_all()
            return (self.answers.pop(0) if self.answers else None), f"1700000000.{number:06}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    slack: FakeSlack

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        as_json = "json" in self.headers.get("Content-Type", "")
        body = json.loads(data) if as_json else dict(parse_qsl(data.decode()))
        sent = Request(self.command, self.path, dict(self.headers.items()), body)
        answer, ts = self.slack.take(sent)
        if answer is not None:
            answer(self)
        elif self.path.startswith("/services/"):
            self.say(200, b"ok")
        else:
            taken = {"ok": True, "ts": ts, "channel": body.get("channel")}
            self.say(200, json.dumps(taken).encode())

    def say(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            return  # it did not wait for the answer

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def start_slack() -> Iterator[Callable[[], FakeSlack]]:
    """Starts servers, each on a port of its own."""
    running: list[tuple[FakeSlack, ThreadingHTTPServer, threading.Thread]] = []

    def start() -> FakeSlack:
        fake = FakeSlack()
        handler = type("OwnHandler", (Handler,), {"slack": fake})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = False
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((fake, server, thread))
        return fake

    yield start
    for fake, server, thread in running:
        fake.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def slack(start_slack: Callable[[], FakeSlack]) -> FakeSlack:
    return start_slack()


@pytest.fixture(autouse=True)
def _no_slack_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL", "SLACK_API_URL"):
        monkeypatch.delenv(name, raising=False)
