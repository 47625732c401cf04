"""The runner's side: submits runs to a keeper and tells how they ended."""

from __future__ import annotations

import copy
import dataclasses
import errno
import os
import pickle
import select
import selectors
from typing import TYPE_CHECKING, Any

from coolrun import CoolrunError, Exit, PluginError, Run, hookimpl
from coolrun.execution import environment_of
from coolrun.results import Written, forbid, read_results
from coolrun.run import RECORD_KEYS
from coolrun_plugins.local.channel import MOST, ChannelClosed
from coolrun_plugins.local.messages import (
    CLAIMED,
    FULL,
    UNSEEN,
    Adoption,
    Ending,
    Order,
    ProgramOrder,
    failure_of,
)
from coolrun_plugins.local.processes import is_alive, process_of
from coolrun_plugins.local.start import KeeperProcess, start_keeper
from coolrun_plugins.local.surroundings import early_names

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from coolrun import Config, Experiment

STARTS = 3  # keepers in a row that may go before they are ready; one may be killed by chance
PATIENCE = 10.0  # seconds for a keeper to take a message


class LocalLauncher:
    """Runs on this machine, each in a process of its own that a keeper forks."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._runs: dict[str, Run] = {}
        self._exits: list[Exit] = []
        self._again: set[str] = set()
        self._sources: dict[int, int] = {}
        self._kept: list[Any] = []
        self._selector = selectors.DefaultSelector()
        self._keeper: KeeperProcess | None = None
        self._stillborn = 0
        self._start()

    @hookimpl
    def coolrun_check(self) -> None:
        """Nothing is written before everything is loaded that is to be preloaded."""
        while not (keeper := self._keeper or self._start()).is_ready:
            select.select([keeper.channel], [], [])
            self._listen()

    def fileno(self) -> int:
        """The selector's own descriptor: it stays the same when the keeper does not."""
        return self._selector.fileno()

    def submit(self, runs: Sequence[Run]) -> None:
        self._runs.update((run.token, run) for run in runs)
        if self._keeper is None:
            self._start()
        alone = [run for run in runs if run.descriptors]
        if together := [self._order(run) for run in runs if not run.descriptors]:
            self._send(("submit", together))
        for run in alone:
            # Where they are too many the keeper finds that they are missing.
            files = run.descriptors if len(run.descriptors) <= MOST else ()
            self._send(("submit", [self._order(run)]), files)

    def cancel(self, tokens: Collection[str], *, grace: float) -> None:
        known = [token for token in tokens if token in self._runs]
        if known:
            self._send(("cancel", known, grace))

    def poll(self) -> Sequence[Exit]:
        if self._keeper is not None:
            self._listen()
        exits, self._exits = self._exits, []
        return exits

    def attach(self, runs: Sequence[Run]) -> Sequence[Run]:
        alive = []
        adoptions = []
        for run in runs:
            pid = _process_of(run)
            if pid:
                alive.append(run)
                adoptions.append(Adoption(pid, run.token, str(run.results)))
        if alive:
            self._runs.update((run.token, run) for run in alive)
            if self._keeper is None:
                self._start()
            self._send(("adopt", adoptions))
        return alive

    def close(self) -> None:
        keeper = self._keeper
        if keeper is not None:
            self._release(keeper)
            if self._config.pluginmanager.is_registered(self):
                self._config.pluginmanager.unregister(self)
            if keeper.is_ready:
                keeper.close(wait=not self._runs)
            else:
                keeper.kill()
                keeper.bury()
        self._selector.close()

    # The keeper

    def _start(self) -> KeeperProcess:
        self._sources.clear()
        self._kept.clear()
        self._keeper = start_keeper(self._config)
        self._selector.register(self._keeper.channel, selectors.EVENT_READ)
        return self._keeper

    def _send(self, message: tuple[Any, ...], files: Sequence[int] = ()) -> None:
        """Send to the keeper. One that does not take it is found to be gone by `poll`."""
        if self._keeper is None:
            return
        try:
            self._keeper.channel.send(message, patience=PATIENCE, files=files)
        except ChannelClosed:
            self._keeper.kill()

    def _listen(self) -> None:
        assert self._keeper is not None
        messages, is_open = self._keeper.channel.receive()
        for kind, *rest in messages:
            self._take(self._keeper, kind, rest)
        if not is_open:
            self._bury()

    def _take(self, keeper: KeeperProcess, kind: str, rest: list[Any]) -> None:
        if kind == "endings":
            for ending in rest[0]:
                if not self._is_elsewhere(ending):
                    self._end(ending)
        elif kind == "notice":
            self._config.warn(rest[0])
        elif kind == "ready":
            keeper.is_ready = True
        elif kind == "failed":
            self._release(keeper)
            keeper.bury()
            raise CoolrunError(rest[0], cure=rest[1])

    def _bury(self) -> None:
        """The keeper has gone: another one takes over what lives, the rest has ended.

        Raises:
            CoolrunError: it was never ready to start any, like those before it.
        """
        assert self._keeper is not None
        keeper = self._keeper
        self._release(keeper)
        how = failure_of(keeper.bury()) or "it ended"
        self._stillborn = 0 if keeper.is_ready else self._stillborn + 1
        if self._stillborn == STARTS:
            raise CoolrunError(
                f"the process that keeps the runs has gone before it could start any ({how})",
                cure="it may have been killed for want of memory; or leave out some of `preload`",
            )
        runs = list(self._runs.values())
        # What has not begun may be about to: of two processes only one claims the work.
        again = [run for run in runs if not run.results.exists()]
        if keeper.is_ready:
            again = [run for run in again if run.token not in self._again]
        self._again.update(run.token for run in again)
        others = [run for run in runs if run not in again]
        kept = {run.token for run in [*self.attach(others), *again]}
        if again:
            self.submit(again)
        for token in [run.token for run in runs if run.token not in kept]:
            reason = f"the process that keeps the runs has gone ({how})"
            started = self._config.clock.now().isoformat(timespec="seconds")
            self._end(Ending(token, reason, started, 0.0, ()), lost=True)

    def _is_elsewhere(self, ending: Ending) -> bool:
        """Whether this process ended because another one does the work of its run."""
        run = self._runs.get(ending.token)
        return ending.status == CLAIMED and run is not None and bool(self.attach([run]))

    def _release(self, keeper: KeeperProcess) -> None:
        self._keeper = None
        self._selector.unregister(keeper.channel)

    # Runs

    def _order(self, run: Run) -> Order:
        """The run without the text of its definition, which is sent once."""
        added = environment_of(run, self._config)
        environment = {os.fsencode(name): os.fsencode(value) for name, value in added.items()}
        always = (run.token, str(run.output), str(run.results), environment)
        program = self._program(run)
        if program is not None:
            return Order(*always, (), False, -1, b"", program, len(run.descriptors))
        experiment = copy.copy(run.experiment)
        source, experiment.source = experiment.source, None
        number = -1
        if source is not None:
            number = self._sources.setdefault(id(source), len(self._sources))
            if number == len(self._kept):
                self._kept.append(source)  # its id stays its own
                self._send(("source", number, source))
        data = pickle.dumps(_sendable(run, experiment), protocol=5)
        return Order(
            *always,
            early_names(run.environment),
            run.cwd is not None,
            number,
            data,
            files=len(run.descriptors),
        )

    def _program(self, run: Run) -> ProgramOrder | None:
        """The program that does the work; None where that is a Python function's."""
        if run.cwd is not None or "PATH" in run.environment:
            return None  # it is started from a process that is there, and looks there
        try:
            program = self._config.pluginmanager.ask(
                "coolrun_program", experiment=run.experiment, config=self._config
            )
        except PluginError:
            raise
        except CoolrunError:
            return None  # told by the run itself, which fails in the same way
        if program is None:
            return None
        return ProgramOrder(
            program.file,
            program.arguments,
            str(run.written),
            (*run.experiment, *RECORD_KEYS),
        )

    def _end(self, ending: Ending, *, lost: bool = False) -> None:
        run = self._runs.pop(ending.token, None)
        if run is None:
            return
        written = read_results(run.results, run.token)
        exited = written.exit
        failure = failure_of(ending.status)
        if exited is None:
            trouble = None
            number = _why_without_files(run, ending.status, written)
            if number:
                failure = f"cannot write in {str(run.folder)!r}: {os.strerror(number)}"
                trouble = failure if number in FULL else None
            exited = written.end(run.token, failure, ending.started, ending.elapsed)
            unseen = ending.status in {CLAIMED, UNSEEN} or trouble is not None
            exited = dataclasses.replace(exited, lost=lost or unseen, trouble=trouble)
        elif failure is not None and exited.failure != failure and isinstance(ending.status, int):
            warning = f"after its work was over: {failure}"
            exited = dataclasses.replace(exited, warnings=(*exited.warnings, warning))
        if ending.warnings:
            exited = dataclasses.replace(exited, warnings=(*exited.warnings, *ending.warnings))
        self._exits.append(exited)


def _sendable(run: Run, experiment: Experiment) -> Run:
    """The run without what means something in this process only."""
    return dataclasses.replace(run, experiment=experiment, descriptors=())


def _process_of(run: Run) -> int:
    """The living process of a run, or 0. Where there is none, there never will be one."""
    written = read_results(run.results, run.token)
    if not written.believed:
        if forbid(run.results, run.token):
            return 0
        written = read_results(run.results, run.token)
    if written.exit is not None:
        return 0
    if written.pid == 0:
        return process_of(run.token, run.results)
    known = is_alive(written.pid, run.token, run.results) or written.is_there
    return written.pid if known else 0


def _why_without_files(run: Run, status: int | str, written: Written) -> int:
    """Why a run could not make its files, or not complete them; 0 if that is not what happened.

    Its process says it as its exit code, as it can say it nowhere else.
    """
    number = os.waitstatus_to_exitcode(status) if isinstance(status, int) else 0
    known = written.unfinished if written.believed else run.folder.exists()
    return number if known and number > 0 and number in errno.errorcode else 0
