"""A line that says how far long work has come: on a terminal only, and nothing of it stays."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from typing import TextIO

import pytest

from coolrun.clock import Clock
from coolrun.progress import ProgressLine


class Stopped(Clock):
    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Stopped:
    return Stopped()


class Terminal:
    def __init__(self, reader: int, stream: TextIO) -> None:
        self._reader = reader
        self.stream = stream

    def read(self) -> str:
        self.stream.write("|")
        self.stream.flush()
        data = b""
        while not data.endswith(b"|"):
            data += os.read(self._reader, 1000)
        return data.decode().removesuffix("|")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    reader, writer = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with open(writer, "w") as stream:
        yield Terminal(reader, stream)
    os.close(reader)


def test_it_says_what_is_done_how_much_and_how_long_the_rest_takes(
    terminal: Terminal, clock: Stopped
) -> None:
    with ProgressLine(clock, terminal.stream) as line:
        clock.time = 3.0
        line.show("reading", 0.25)
        assert terminal.read() == "\r\x1b[Kreading  25%  about 9 s left"
        clock.time = 4.0
        line.show("reading: 7 so far")
        assert terminal.read() == "\r\x1b[Kreading: 7 so far"
    assert terminal.read() == "\r\x1b[K"


def test_short_work_is_not_worth_a_line_and_a_line_not_ten_changes_at_once(
    terminal: Terminal, clock: Stopped
) -> None:
    with ProgressLine(clock, terminal.stream) as line:
        clock.time = 0.9
        line.show("reading", 0.9)
        assert terminal.read() == ""
        for _ in range(9):
            clock.time += 0.02
            line.show("reading")
        assert terminal.read().count("reading") == 1


def test_an_error_finds_an_empty_line(terminal: Terminal, clock: Stopped) -> None:
    def fail() -> None:
        with ProgressLine(clock, terminal.stream) as line:
            clock.time = 2.0
            line.show("reading")
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert terminal.read() == "\r\x1b[Kreading\r\x1b[K"


def test_it_never_wraps(terminal: Terminal, clock: Stopped) -> None:
    with ProgressLine(clock, terminal.stream) as line:
        clock.time = 2.0
        line.show("x" * 500)
        assert terminal.read() == f"\r\x1b[K{'x' * 76}..."


def test_what_is_no_terminal_gets_nothing(
    terminal: Terminal,
    clock: Stopped,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ProgressLine(clock) as line:
        clock.time = 2.0
        line.show("reading")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("TERM", "dumb")
    with ProgressLine(clock, terminal.stream) as line:
        clock.time = 4.0
        line.show("reading")
    assert terminal.read() == ""
