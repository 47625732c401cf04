"""Orders to a session: they arrive, in order, or it is said that nobody obeys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coolrun.control import Control, send_order
from coolrun.experiment import Experiment
from coolrun.journal import Journal
from coolrun.steering import NotObeyed, give_order
from coolrun.store import SessionFolder
from coolrun.testing.sessions import write_session


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[SessionFolder]:
    """A session that this process runs."""
    folder = write_session(tmp_path, [Experiment({"x": 1})])
    folder.lock()
    yield folder
    folder.unlock()


@pytest.fixture
def control(folder: SessionFolder) -> Iterator[Control]:
    control = Control(folder.control)
    yield control
    control.close()


def test_orders_arrive_once_and_in_order(folder: SessionFolder, control: Control) -> None:
    assert send_order(folder.control, ["pause"])
    assert send_order(folder.control, ["retry", "a 'cause'\nof ä"])
    assert list(control.orders()) == [["pause"], ["retry", "a 'cause'\nof ä"]]
    assert list(control.orders()) == []


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b"[1]\n", b'{"a": 1}\n', b"\xff\n"])
def test_what_is_no_order_is_dropped(folder: SessionFolder, control: Control, line: bytes) -> None:
    with folder.control.open("wb", buffering=0) as pipe:
        pipe.write(line)
    send_order(folder.control, ["look"])
    assert list(control.orders()) == [["look"]]


def test_without_a_session_nobody_listens(folder: SessionFolder) -> None:
    assert not send_order(folder.control, ["pause"])
    os.mkfifo(folder.control)
    assert not send_order(folder.control, ["pause"])


def test_an_order_is_given_once_and_its_effect_is_waited_for(
    folder: SessionFolder, control: Control
) -> None:
    looks = []

    def until(standing: object) -> bool:
        looks.append(standing)
        if len(looks) == 2:
            journal = Journal(folder.journal)
            journal.held(("paused", "why"))
            journal.close()
        return len(looks) == 3

    assert give_order(folder, ["pause"], until).state == "paused"
    assert list(control.orders()) == [["pause"]]


def test_where_it_is_not_obeyed_in_time_that_is_an_error(
    folder: SessionFolder, control: Control
) -> None:
    with pytest.raises(NotObeyed, match=f"session {folder.name} does not answer") as caught:
        give_order(folder, ["pause"], lambda _: False, within=0.05)
    assert str(os.getpid()) in str(caught.value)


def test_a_session_that_does_not_listen_yet_or_has_no_room_is_waited_for(
    folder: SessionFolder,
) -> None:
    with pytest.raises(NotObeyed):
        give_order(folder, ["pause"], lambda _: True, within=0.05)
    control = Control(folder.control)
    try:
        while True:
            send_order(folder.control, ["x"])
    except BlockingIOError:
        with pytest.raises(NotObeyed):
            give_order(folder, ["pause"], lambda _: True, within=0.05)
    finally:
        control.close()


def test_a_session_that_has_ended_needs_no_order(folder: SessionFolder) -> None:
    folder.unlock()
    assert give_order(folder, ["pause"], lambda _: False).state == "ended"
