"""Messages are delivered in their order while nobody waits, and given up in one line."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.error import URLError

import pytest

from coolrun.outbox import TOGETHER, Later, Outbox, Undelivered
from coolrun.testing.waiting import wait_for


class Receiver:
    """Does what the test says, message by message; the last answer is given for ever."""

    def __init__(self) -> None:
        self.answers: list[BaseException | None] = [None]
        self.tried: list[str] = []
        self.thread: threading.Thread | None = None
        self.open = threading.Event()
        self.open.set()

    def __call__(self, message: str) -> None:
        self.thread = threading.current_thread()
        self.tried.append(message)
        assert self.open.wait(30)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.open.set()
    if made.thread is not None:
        made.thread.join(30)


Told = list[str]


def opened(receiver: Receiver, **more: Any) -> tuple[Outbox[str], Told]:
    told: Told = []
    return Outbox("post", receiver, told.append, **more), told


def send(receiver: Receiver, *answers: BaseException | None, **more: Any) -> Told:
    """Send two messages, wait for both, and return what was told."""
    receiver.answers = [*answers, None]
    outbox, told = opened(receiver, **more)
    outbox.put("one")
    outbox.put("two")
    outbox.close(30)
    return told


def test_messages_arrive_in_their_order(receiver: Receiver) -> None:
    assert send(receiver) == []
    assert receiver.tried == ["one", "two"]


def test_putting_never_waits_for_the_receiver(receiver: Receiver) -> None:
    receiver.open.clear()
    outbox, told = opened(receiver)
    for number in range(20):
        outbox.put(str(number))
    assert told == []
    receiver.open.set()
    outbox.close(30)
    assert receiver.tried == [str(number) for number in range(20)]


def test_there_is_no_thread_until_there_is_a_message(receiver: Receiver) -> None:
    before = threading.active_count()
    outbox, told = opened(receiver)
    assert threading.active_count() == before
    outbox.close()
    assert told == []


@pytest.mark.parametrize(
    "answer", [Later("busy", 0.01), Later("busy", 0), Later("busy", -5)], ids=repr
)
def test_what_is_to_be_sent_later_is_tried_again(receiver: Receiver, answer: Exception) -> None:
    assert send(receiver, answer, answer) == []
    assert receiver.tried == ["one", "one", "one", "two"]


@pytest.mark.parametrize(
    "error",
    [ConnectionRefusedError(111, "Connection refused"), URLError(TimeoutError()), OSError("odd")],
    ids=repr,
)
def test_an_error_of_the_network_is_tried_again(receiver: Receiver, error: OSError) -> None:
    assert send(receiver, error) == []
    assert receiver.tried == ["one", "one", "two"]


def test_what_is_given_up_is_told_in_one_line_and_the_next_one_is_sent(receiver: Receiver) -> None:
    assert send(receiver, Undelivered("no such\nplace")) == [
        "post: a message was not sent: no such place"
    ]
    assert receiver.tried == ["one", "two"]


def test_a_mistake_in_the_plugin_is_told_and_stops_nothing(receiver: Receiver) -> None:
    (line,) = send(receiver, KeyError("ts"))
    assert line == "post: a message was not sent: KeyError: 'ts'"
    assert receiver.tried == ["one", "two"]


def test_a_service_that_leaves_the_process_only_fails(receiver: Receiver) -> None:
    (line,) = send(receiver, SystemExit(3))
    assert line == "post: a message was not sent: SystemExit: 3"
    assert receiver.tried == ["one", "two"]


def test_a_reason_is_told_once(receiver: Receiver) -> None:
    told = send(receiver, Undelivered("no"), Undelivered("no"))
    assert told == ["post: a message was not sent: no"]


def test_a_look_tells_what_was_given_up_so_far(receiver: Receiver) -> None:
    receiver.answers = [Undelivered("no"), None]
    outbox, told = opened(receiver)
    outbox.put("one")

    def looked() -> bool:
        outbox.look()
        return bool(told)

    wait_for(looked)
    outbox.close(30)
    assert told == ["post: a message was not sent: no"]


def test_secrets_are_blanked_in_what_is_told(receiver: Receiver) -> None:
    (line,) = send(receiver, Undelivered("bad token xoxb-123"), secrets=["xoxb-123"])
    assert line == "post: a message was not sent: bad token [secret]"


def test_a_reason_of_any_length_is_one_short_line(receiver: Receiver) -> None:
    (line,) = send(receiver, Undelivered("x\n" * 100_000))
    assert len(line) <= 300
    assert "\n" not in line


def test_after_a_time_that_is_too_long_nothing_is_tried_before_it(receiver: Receiver) -> None:
    """Who asks for an hour is not asked again by the next message."""
    receiver.answers = [Later("limited", 600), None]
    outbox, told = opened(receiver)
    outbox.put("one")
    wait_for(lambda: receiver.tried)
    outbox.put("two")
    outbox.close(0.2)
    assert receiver.tried == ["one"]
    assert told == ["post: 2 messages were not sent: limited"]


def test_a_message_is_given_up_when_patience_ends(receiver: Receiver) -> None:
    receiver.answers = [Later("limited", 3600)]
    outbox, told = opened(receiver, patience=900)
    outbox.put("one")
    outbox.put("two")
    wait_for(lambda: not outbox._waiting)
    outbox.close()
    assert receiver.tried == ["one"]
    assert told == ["post: a message was not sent: limited"]


def test_closing_waits_no_longer_than_it_says(receiver: Receiver) -> None:
    receiver.open.clear()
    outbox, told = opened(receiver)
    outbox.put("one")
    outbox.put("two")
    wait_for(lambda: receiver.tried)
    outbox.close(0.05)
    assert told == ["post: 2 messages were not sent: no answer within 0.05 seconds"]
    receiver.open.set()
    assert receiver.thread is not None
    receiver.thread.join(30)
    assert receiver.tried == ["one"], "nothing is sent any more"


def test_closing_does_not_wait_for_a_time_that_comes_too_late(receiver: Receiver) -> None:
    receiver.answers = [Later("limited", 30)]
    outbox, told = opened(receiver)
    outbox.put("one")
    wait_for(lambda: receiver.tried)
    outbox.close(20)
    assert told == ["post: a message was not sent: limited"]


def test_closing_twice_tells_nothing_new_and_what_comes_late_is_not_sent(
    receiver: Receiver,
) -> None:
    outbox, told = opened(receiver)
    outbox.put("one")
    outbox.close(30)
    outbox.put("late")
    outbox.close(30)
    assert (receiver.tried, told) == (["one"], [])


def test_more_messages_than_there_is_room_for_push_out_the_oldest(receiver: Receiver) -> None:
    receiver.open.clear()
    outbox, told = opened(receiver, room=3)
    outbox.put("0")
    wait_for(lambda: receiver.tried)
    for number in range(1, 6):
        outbox.put(str(number))
    receiver.open.set()
    outbox.close(30)
    assert receiver.tried == ["0", "4", "5"]
    assert told == ["post: a message was not sent: more than 3 were waiting"]


class Session:
    """What an outbox needs of a session."""

    def __init__(self) -> None:
        self.config = self
        self.pluginmanager = self
        self.plugins: dict[str, object] = {}
        self.told: Told = []
        self.timers: list[Callable[[], None]] = []
        self.cleanups: list[Callable[[], None]] = []

    def get_plugin(self, name: str) -> object:
        return self.plugins.get(name)

    def register(self, plugin: object, name: str) -> None:
        self.plugins[name] = plugin

    def warn(self, message: str) -> None:
        self.told.append(message)

    def every(self, seconds: float, function: Callable[[], None]) -> None:
        self.timers.append(function)

    def add_cleanup(self, function: Callable[[], None]) -> None:
        self.cleanups.append(function)


def finish(cleanups: Sequence[Callable[[], None]]) -> None:
    for function in cleanups:
        function()


def test_a_session_looks_after_its_outbox(receiver: Receiver) -> None:
    session = Session()
    receiver.answers = [Undelivered("no")]
    outbox = Outbox.of(session, "post", receiver)  # type: ignore[arg-type]
    outbox.put("one")
    finish(session.cleanups)
    assert session.told == ["post: a message was not sent: no"]
    assert len(session.timers) == 1


def test_many_receivers_that_never_answer_keep_a_session_no_longer_than_one() -> None:
    session, never = Session(), threading.Event()
    outboxes: list[Outbox[str]] = [
        Outbox.of(session, f"post {n}", lambda _: never.wait())  # type: ignore[arg-type]
        for n in range(5)
    ]
    for outbox in outboxes:
        outbox.put("one")
    assert len(session.cleanups) == 1
    begun = time.monotonic()
    session.plugins[TOGETHER].close(0.5)  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 1.5
    assert session.told == [
        f"post {n}: a message was not sent: no answer within 0.5 seconds" for n in range(5)
    ]
    never.set()


def test_a_real_connection_that_is_refused_is_told_in_words() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        told: Told = []
        outbox = Outbox[str](
            "post", lambda _: socket.create_connection(("127.0.0.1", port)), told.append
        )
        outbox.put("one")
        outbox.close(0.2)
    assert told == ["post: a message was not sent: Connection refused"]
