"""Starting the keeper, and ending it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, NoReturn

from coolrun import SessionError
from coolrun_plugins.local.channel import Channel

if TYPE_CHECKING:
    from coolrun import Config

LEAVE = 5.0  # seconds for a keeper without runs to leave


class KeeperProcess:
    """The keeper as its runner sees it.

    Attributes:
        is_ready: whether it has loaded everything, and starts runs at once.
    """

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid = pid
        self.channel = Channel(end)
        self.is_ready = False
        self._socket = end

    def kill(self) -> None:
        """End it at once. Its end is seen on the channel."""
        os.kill(self.pid, signal.SIGKILL)

    def bury(self) -> int:
        """Wait for it, now that the channel is closed; its status."""
        self.channel.close()
        return os.waitpid(self.pid, 0)[1]

    def close(self, *, wait: bool) -> None:
        """Tell it that nothing more will come. It leaves when nothing runs any more."""
        if not wait:
            self.channel.close()
            return
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(LEAVE)
        try:
            while self._socket.recv(1 << 16):
                pass  # what is said now is about runs that have ended
        except TimeoutError:
            self.kill()
        self.bury()


def start_keeper(config: Config) -> KeeperProcess:
    """Fork the keeper from this process. It loads what is to be preloaded, and serves then."""
    ours, theirs = socket.socketpair()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    runner = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        ours.close()
        theirs.close()
        raise SessionError(f"cannot start a process: {error.strerror}") from error
    if pid == 0:
        ours.close()
        _become_keeper(theirs, config, runner)
    theirs.close()
    return KeeperProcess(pid, ours)


def _become_keeper(end: socket.socket, config: Config, runner: int) -> NoReturn:
    """Serve until there is nothing left to do. Never returns to the code of the runner."""
    import gc

    code = 1
    try:
        from coolrun_plugins.local.keeper import Keeper
        from coolrun_plugins.local.processes import (
            become_subreaper,
            die_with,
            outlive_the_parent,
        )
        from coolrun_plugins.local.surroundings import (
            Surroundings,
            detach_streams,
            open_streams,
            settle_down,
        )

        die_with(runner)  # without it nobody would end a module that hangs when it is imported
        settle_down(str(config.cwd), [end.fileno()])
        open_streams()
        channel = Channel(end)
        surroundings = Surroundings(config.cwd, fresh=config.setting("isolate") == "spawn")
        become_subreaper()
        if _preload(surroundings, channel, config):
            _load_what_works(config)
            detach_streams()
            gc.freeze()
            outlive_the_parent()
            channel.send(("ready",), patience=LEAVE)
            Keeper(channel, surroundings, config).serve()
            code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)
    raise AssertionError  # never reached: `_exit` does not return


def _load_what_works(config: Config) -> None:
    """Import the whole of every plugin that does the work of runs.

    What it imports when it is called would be imported by every fork anew: twice the cost of one.
    """
    from importlib import import_module
    from pkgutil import iter_modules

    for implementation in config.hook.coolrun_execute.get_hookimpls():
        home = sys.modules[implementation.function.__module__]
        for found in iter_modules(getattr(home, "__path__", ()), f"{home.__name__}."):
            try:
                import_module(found.name)
            except Exception:  # noqa: S112 - a run that needs it fails of it, and says so
                continue


def _preload(surroundings: object, channel: Channel, config: Config) -> bool:
    from coolrun_plugins.local.surroundings import Surroundings

    assert isinstance(surroundings, Surroundings)
    modules = () if config.ending else config.setting("preload")
    name = ""
    try:
        if config.setting("isolate") == "fork":
            for name in modules:
                surroundings.preload([name])
            surroundings.preload(modules)
    # Whatever a module does while it is imported: told, and nothing runs.
    except BaseException as error:
        from coolrun.failure import printed

        sys.stderr.write(printed(error))
        text = f"cannot preload {name!r}: {type(error).__name__}: {error}"
        cure = "correct the setting `preload`, or leave this module out of it"
        channel.send(("failed", text, cure), patience=LEAVE)
        return False
    reason = surroundings.reason_not_to_fork() if modules else None
    if reason is not None:
        surroundings.always_start_fresh()
        notice = f"every run starts an interpreter of its own: {reason}, so a fork is not safe"
        channel.send(("notice", notice), patience=LEAVE)
    return True
