"""What is seen on a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coolrun.testing import Project

DEADLINE = 30.0  # seconds for anything to appear

WAITING = """
    import os, time
    def main(exp):
        print(f"hello from {exp.Name}")
        print("50%\\r60%", end="", flush=True)
        deadline = time.monotonic() + 60
        while not os.path.exists(f"go-{exp.Name}"):
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.01)
        print("\\x1b[2J\\x1b[32mgreen\\x1b[0m")
        exp.ACC = 0.5
    """
TWO = {
    "experiment.yaml": "Module: m\n---\nName: one\n---\nName: two\n",
    "m.py": WAITING,
}


class Terminal:
    """A command on a terminal of its own, and everything it has written there."""

    def __init__(self, pid: int, master: int) -> None:
        self.pid = pid
        self.master = master
        self.written = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until the pattern is there."""
        deadline = time.monotonic() + DEADLINE
        while (found := re.search(pattern, self.written)) is None:
            if not self._read(deadline):
                break
        assert found is not None, f"no {pattern!r} in:\n{self.written!r}"
        return found

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more came after:\n{self.written!r}"
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:  # how Linux says that the other side was closed
            return False
        self.written += data.decode(errors="replace")
        return bool(data)

    @property
    def lines(self) -> list[str]:
        """The lines that stay: what the line of progress wrote and took back is left out."""
        screen: list[str] = [""]
        row = 0
        for piece in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|[\r\n])", self.written):
            if piece == "\n":
                row += 1
                screen += [""] * (row + 1 - len(screen))
            elif piece == "\x1b[2K":
                screen[row] = ""
            elif piece == "\x1b[1A":
                row -= 1
            elif not piece.startswith(("\x1b", "\r")):
                screen[row] += piece
        return screen


@contextmanager
def terminal(
    project: Project, *args: str, columns: int = 80, env: dict[str, str] | None = None
) -> Iterator[Terminal]:
    command, environment, _ = project.command(*args)
    environment |= {"TERM": "xterm-256color", **(env or {})}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        if name not in (env or {}):
            environment.pop(name, None)
    pid, master = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.chdir(project.path)
            os.execve(command[0], command, environment)
        finally:
            os._exit(127)
    shown = Terminal(pid, master)
    try:
        yield shown
    finally:
        if shown.pid:
            os.kill(shown.pid, 9)
            os.waitpid(shown.pid, 0)
        os.close(master)


def go(project: Project, *names: str) -> None:
    for name in names:
        (project.path / f"go-{name}").touch()


def test_the_line_of_progress_follows_the_runs_and_leaves_nothing_behind(project: Project) -> None:
    with terminal(project(TWO)) as shown:
        shown.wait_for(r"hello from one\r\n")
        shown.wait_for(r"60%\s+0 one  \d+ s  0 done, 0 failed, 1 left")
        go(project, "one")
        shown.wait_for(r"1 two  \d+ s  1 done, 0 failed, 0 left")
        go(project, "two")
        assert shown.end() == 0
    lines = [re.sub(r"\d+\.?\d* (m?s)\b", "TIME", line.rstrip()) for line in shown.lines]
    assert lines[:8] == [
        "started     0 one",
        "hello from one",
        "60%green",
        "done        0 one  TIME  ACC: 0.5",
        "started     1 two",
        "hello from two",
        "60%green",
        "done        1 two  TIME  ACC: 0.5",
    ]
    assert not [line for line in lines if " left" in line]
    assert "2 done in" in "\n".join(lines)
    assert "\x1b[2J" not in shown.written
    assert shown.written.count("\x1b[?25h") >= shown.written.count("\x1b[?25l")
    assert "\x1b[32mgreen" in shown.written


def test_without_colour_there_is_none(project: Project) -> None:
    go(project, "one", "two")
    with terminal(project(TWO), env={"NO_COLOR": "1"}) as shown:
        assert shown.end() == 0
    assert not re.findall(r"\x1b\[[0-9;]*m", shown.written)
    assert "60%green\r\n" in shown.written


def test_a_dumb_terminal_gets_plain_lines(project: Project) -> None:
    go(project, "one", "two")
    with terminal(project(TWO), env={"TERM": "dumb"}) as shown:
        assert shown.end() == 0
    assert "\x1b[1A" not in shown.written
    assert "started     0 one\r\nhello from one\r\n" in shown.written


def test_a_narrow_terminal_is_never_wrapped_by_the_line_of_progress(project: Project) -> None:
    with terminal(project(TWO), columns=30) as shown:
        shown.wait_for(r"0 one  \d+ s  0 of 2")
        go(project, "one", "two")
        assert shown.end() == 0
    assert not [line for line in shown.lines if " of 2" in line]
    assert any("STATUS" in line and len(line) <= 30 for line in shown.lines)


@pytest.mark.parametrize("presses", [1, 2])
def test_interrupts_leave_the_terminal_in_order(project: Project, presses: int) -> None:
    with terminal(project(TWO)) as shown:
        shown.wait_for(r"0 one  \d+ s")
        shown.press("\x03")
        shown.wait_for(r"note: stopped; press Ctrl-C again")
        if presses == 2:
            shown.press("\x03")
        else:
            shown.wait_for(r"1 two  \d+ s")
            go(project, "two")
        code = shown.end()
    text = "\n".join(shown.lines)
    assert code == (2 if presses == 2 else 1)
    assert "interrupted 0 one" in text
    assert ("not run: 1" in text) is (presses == 2)
    assert ("done        1 two" in text) is (presses == 1)
    assert " left" not in text
    assert shown.written.count("\x1b[?25h") >= shown.written.count("\x1b[?25l")


def test_notes_come_above_the_line_of_progress(project: Project) -> None:
    plugin = """
        from coolrun import hookimpl

        @hookimpl
        def coolrun_session_start(session):
            said = []
            def say():
                if not said and session.running:
                    said.append(session.config.warn("a \\x1b[2J note"))
            session.every(0.3, say)
        """
    path = {"PYTHONPATH": str(project.path), "COOLRUN_PLUGINS": "noting"}
    project({**TWO, "noting.py": plugin})
    with terminal(project, env=path) as shown:
        shown.wait_for(r"note: a \\x1b\[2J note\r\n")
        shown.wait_for(r"(?s)note: a .*0 one  \d+ s")
        go(project, "one", "two")
        assert shown.end() == 0
    assert "note: a \\x1b[2J note" in shown.lines
