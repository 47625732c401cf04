"""`Global.trackers: [wandb, mlflow]`: what a run is called where its tracker shows it.

Only environment variables are set, which both take note of by themselves. Sources of facts: the
environment variables of Weights & Biases (docs.wandb.ai, "Environment variables"); for MLflow its
`environment_variables.py` and the context provider of `MLFLOW_RUN_CONTEXT`, which reads tags as a
JSON object. MLflow has no variable for the name of a run: that is the tag `mlflow.runName`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Lease, Parser, Plan, Run
    from coolrun.plain import Plain

SETTING = "trackers"
KNOWN = ("wandb", "mlflow")
COMPARED = 1000  # experiments that are looked through for what tells them apart
LONGEST = 100  # columns of a name
WIDTH = 24  # columns of a value in it
NOTES = 4000  # characters; a variable holds 128 KiB, and JSON takes up to twelve for a character


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_setting(
        SETTING,
        type=_names,
        default=(),
        help="trackers that are told by environment variables what a run is called: "
        "[wandb, mlflow]",
        schema={
            "anyOf": [
                {"enum": [*KNOWN, False, None]},
                {"type": "array", "items": {"enum": [*KNOWN]}},
            ]
        },
    )


def _names(value: object) -> tuple[str, ...]:
    if value is None or value is False:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(name in KNOWN for name in names):
        raise ValueError(f"expected {' or '.join(KNOWN)}, or a list of these")
    return tuple(names)


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    if config.setting(SETTING):
        config.pluginmanager.register(Trackers(plan, config), "trackers-names")


class Trackers:
    """Names the runs of one session."""

    def __init__(self, plan: Plan, config: Config) -> None:
        from coolrun.differences import differences

        self._config = config
        self._names = config.setting(SETTING)
        self._stem = os.path.splitext(os.path.basename(plan.source.path))[0]
        self._title = _title(self._stem, config)
        some = plan.chosen[:COMPARED]
        ignored = {*config.parser.keys, *(key for one in some for key in one.given)}
        found = differences(some, ignored) if some else []
        self._keys = tuple(dict.fromkeys(key for values in found for key in values))

    @hookimpl(trylast=True)
    def coolrun_pre_launch(self, run: Run) -> Lease:
        """What the user has set, for all runs or for this one, stays as it is."""
        from coolrun import Lease

        own = {**os.environ, **run.environment}
        given: dict[str, str] = {}
        if "wandb" in self._names:
            given |= self._wandb(run, own)
        if "mlflow" in self._names:
            given |= self._mlflow(run, own)
        return Lease(environment=given)

    def _wandb(self, run: Run, own: Mapping[str, str]) -> dict[str, str]:
        given = {
            "WANDB_NAME": self._name(run.experiment),
            "WANDB_RUN_GROUP": f"{self._title}-{run.session}",
            "WANDB_DIR": str(self._folder(run)),
        }
        notes = self._notes(run.experiment)
        if notes:
            given["WANDB_NOTES"] = notes
        if "WANDB_RUN_ID" not in own:
            # All attempts are one run there; `allow` begins it where there is none yet.
            given["WANDB_RUN_ID"] = f"{run.session}-{run.experiment.position}"
            given["WANDB_RESUME"] = "allow"
        return {name: value for name, value in given.items() if name not in own}

    def _mlflow(self, run: Run, own: Mapping[str, str]) -> dict[str, str]:
        given = {}
        # MLflow refuses a name beside an identity that is not of this name.
        if not own.keys() & {"MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"}:
            given["MLFLOW_EXPERIMENT_NAME"] = self._title
        attempt = f" (attempt {run.attempt})" if run.attempt > 1 else ""
        tags = {
            "mlflow.runName": self._name(run.experiment) + attempt,
            "coolrun.run": run.id,
            "coolrun.session": run.session,
        }
        notes = self._notes(run.experiment)
        if notes:
            tags["mlflow.note.content"] = notes
        context = _with_tags(own.get("MLFLOW_RUN_CONTEXT"), tags)
        if context is not None:
            given["MLFLOW_RUN_CONTEXT"] = context
        return given

    def _name(self, experiment: Experiment) -> str:
        """`base lr=0.1 #3`: the name, what differs, and the position."""
        from coolrun.display import shortened, shown, visible

        # One without a name of its own is called like its definition.
        words = [visible(experiment.name)] if experiment.name != self._stem else []
        for key in self._keys:
            value = _value_at(experiment, key)
            if value is not None:
                words.append(f"{key}={shown(value, WIDTH)}")
        end = f"#{experiment.position}"
        text = shortened(" ".join(words), LONGEST - len(end) - 1)
        return f"{text or self._title} {end}"

    def _notes(self, experiment: Experiment) -> str:
        config = self._config
        comment = config.setting("comment") if config.declares_setting("comment") else None
        text = "\n\n".join(str(text) for text in (experiment.get("Desc"), comment) if text)
        return text if len(text) <= NOTES else f"{text[: NOTES - 3]}..."

    def _folder(self, run: Run) -> object:
        """Where the files of the run will be; `Output` moves them."""
        moved = run.experiment.get("Output")
        return self._config.cwd / moved if isinstance(moved, str) else run.folder


def _title(stem: str, config: Config) -> str:
    """What the definition is called; the usual name of one says nothing, its folder's does."""
    return config.cwd.name if stem in {"", "experiment"} and config.cwd.name else stem


def _value_at(experiment: Experiment, key: str) -> Plain:
    value: Plain = dict(experiment)
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _with_tags(written: str | None, tags: Mapping[str, str]) -> str | None:
    """The tags as MLflow reads them, the user's own last; None: theirs can hold no more."""
    import json

    try:
        own = json.loads(written) if written is not None else {}
    except ValueError:
        return None
    return json.dumps({**tags, **own}) if isinstance(own, dict) else None
