"""`RetryOnOom: 2`: a run for which the GPU had too little memory is run again, alone on one.

That memory ran out is a cause of its own, told as `FAILURE: out of GPU memory: "..."`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coolrun import Config, DefinitionError, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Blocked, Exit, Experiment, Plan, Record, Retry, Run, Session
    from coolrun_plugins.gpu.changes import Changes
    from coolrun_plugins.gpu.needs import Wish

RETRIES = "RetryOnOom"
CHANGES = "OomSet"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        RETRIES,
        type="whole number",
        default=0,
        help="how often a run that was out of GPU memory is run again, alone on a GPU",
        schema={"type": ["integer", "null"], "minimum": 0},
    )
    parser.add_key(
        CHANGES,
        type="mapping",
        help="what is changed then: {batch_size: parse batch_size // 2}",
        schema={"type": ["object", "null"]},
    )


@hookimpl
def coolrun_configure(config: Config) -> None:
    config.pluginmanager.register(OutOfMemory(config), "gpu-oom")


@hookimpl(tryfirst=True)
def coolrun_parse(experiment: Experiment) -> None:
    """Keep what is to be computed when memory has run out from being computed now."""
    for level in (experiment.own, experiment.defaults):
        if CHANGES in level and isinstance(level, dict):
            from coolrun_plugins.gpu.changes import as_text

            level[CHANGES] = as_text(level[CHANGES])


@hookimpl
def coolrun_ready(experiment: Experiment) -> Blocked | None:
    from coolrun import Blocked

    try:
        retries(experiment)
    except DefinitionError as error:
        return Blocked(f"key {error.key!r}: {error.message}")
    return None


def retries(experiment: Experiment) -> int:
    """How often the experiment may be run again for this reason.

    Raises:
        DefinitionError: it is no whole number from 0.
    """
    written = experiment.get(RETRIES)
    if written is None:
        return 0
    if isinstance(written, bool) or not isinstance(written, int) or written < 0:
        error = DefinitionError(f"{RETRIES} is {written!r} (expected a whole number from 0)")
        raise experiment.blame(error, (RETRIES,))
    return written


class OutOfMemory:
    """Tells that memory ran out, and has such runs tried again."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._changes: Changes | None = None
        self._spent: dict[int, int] = {}
        self._kills: int | None = None

    # Before the first run

    @hookimpl
    def coolrun_plan(self, plan: Plan) -> None:
        from coolrun import Marked

        seen: set[int] = set()
        for experiment in plan.experiments:
            if RETRIES in experiment and not isinstance(experiment[RETRIES], Marked):
                retries(experiment)
            if CHANGES in experiment and experiment[CHANGES] is not None:
                # What many experiments share is tried out with the values of the first.
                document = experiment.document if CHANGES in experiment.own else -1
                if document not in seen:
                    seen.add(document)
                    self._check(experiment, plan)

    def _check(self, experiment: Experiment, plan: Plan) -> None:
        from coolrun.expression import Pending

        if all(other.get(RETRIES) is None for other in plan.experiments):
            error = DefinitionError(
                f"{CHANGES} is given without {RETRIES}",
                cure=f"say how often it is run again: {RETRIES}: 2",
            )
            raise experiment.blame(error, (CHANGES,))
        if experiment.pending:
            return
        try:
            self._changed(experiment)
        except Pending:
            return  # it reads what is known only when the definition is run

    def _changed(self, experiment: Experiment) -> dict[str, object]:
        from coolrun_plugins.gpu.changes import Changes

        if self._changes is None:
            self._changes = Changes(self._config)
        return self._changes.of(experiment)

    # When one has failed

    @hookimpl
    def coolrun_session_start(self) -> None:
        from coolrun.cgroups import kills_for_memory

        self._kills = kills_for_memory()

    @hookimpl
    def coolrun_diagnose(self, run: Run, exited: Exit) -> str | None:
        from coolrun.output import last_lines
        from coolrun_plugins.gpu.exhaustion import LINES, exhausted, killed, looks_killed

        failure = exited.failure or ""
        try:
            output = last_lines(run.output, LINES, width=1000)
        except OSError:
            output = []  # the run has put something else there: its own words have to do
        has_gpu = run.environment.get("CUDA_VISIBLE_DEVICES") != ""
        told = exhausted(failure, output, has_gpu=has_gpu)
        if told is None and looks_killed(failure, output) and self._kernel_was_short():
            told = killed(failure)
        return told

    def _kernel_was_short(self) -> bool:
        """Whether the kernel has killed a process that no run was told to have lost so far."""
        from coolrun.cgroups import kills_for_memory

        now = kills_for_memory()
        if self._kills is None or now is None or now <= self._kills:
            return False
        self._kills += 1
        return True

    # Once more

    @hookimpl(tryfirst=True)
    def coolrun_retry(self, run: Run, record: Record, session: Session) -> Retry | None:
        """Before others are asked: an attempt that is made for this reason is none of theirs."""
        from coolrun import Retry

        if session.state.ending or session.state.draining:
            return None
        experiment = run.experiment
        spent = self._spent.get(experiment.position, 0)
        if not _is_oom(record) or spent >= retries(experiment):
            return None
        from coolrun_plugins.gpu.changes import changed

        try:
            values = self._changed(experiment)
        except DefinitionError as error:
            self._config.warn(f"{experiment.label} is not run again: {error}")
            return None
        self._spent[experiment.position] = spent + 1
        self._tell(run, values)
        if values:
            experiment = changed(experiment, values)
            session.plan.take(experiment)  # whoever awaits it reads what it was in the end
        return Retry(experiment)

    @hookimpl
    def coolrun_post_run(self, run: Run, session: Session) -> None:
        if run.experiment.position in session.ended:
            self._spent.pop(run.experiment.position, None)

    def _tell(self, run: Run, values: dict[str, object]) -> None:
        from coolrun.display import shown

        gpus = run.extra.get("GPUS")
        count = len(gpus) if isinstance(gpus, Sequence) else 0
        alone = "" if not count else " alone on a GPU" if count == 1 else f" alone on {count} GPUs"
        news = ", ".join(f"{key}: {shown(value)}" for key, value in values.items())
        text = f"{run.experiment.label} was out of GPU memory: it is run again{alone}"
        self._config.warn(f"{text} with {news}" if news else text)

    @hookimpl(optionalhook=True)
    def coolrun_gpu_wish(self, run: Run) -> Wish | None:
        if run.experiment.position not in self._spent:
            return None
        from coolrun_plugins.gpu.needs import Wish

        return Wish(alone=True)


def _is_oom(record: Record) -> bool:
    from coolrun import Status
    from coolrun_plugins.gpu.exhaustion import GPU

    failure = record.failure or ""
    return record.status is Status.FAILED and failure.startswith(f"{GPU}: ")
