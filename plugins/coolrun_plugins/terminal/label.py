"""What a line calls a run by: its position, its name, and the parameters that tell it apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coolrun.differences import common, differences, same
from coolrun.display import cells, shortened, shown, visible
from coolrun.plain import Marked

if TYPE_CHECKING:
    from coolrun import Config, Experiment, Plan, Run
    from coolrun.plain import Plain

NAME = 40  # columns
KEY = 20
VALUE = 16
MOST = 4  # parameters
COMPARED = 30  # experiments: what is the same in all of them is the same in the session


class Labels:
    """Names the runs of one session."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._plan: Plan | None = None
        self._common: dict[str, Plain] = {}
        self._kept: dict[int, tuple[Experiment, tuple[str, list[str]]]] = {}

    def learn(self, plan: Plan) -> None:
        """See what the experiments of a session have in common."""
        chosen = plan.chosen
        some = chosen[:: len(chosen) // COMPARED + 1]
        self._plan = plan
        self._common = common(some) if len(some) > 1 else {}

    def forget(self, run: Run) -> None:
        """It has ended, and is not named again."""
        self._kept.pop(run.experiment.position, None)

    def short(self, run: Run) -> str:
        """`24 walk (attempt 2)`."""
        attempt = f" (attempt {run.attempt})" if run.attempt > 1 else ""
        return f"{run.experiment.position} {self._texts(run)[0]}{attempt}"

    def long(self, run: Run, room: int) -> str:
        """`24 walk lr=0.1 norm=new`, with at most so many columns of parameters."""
        label = self.short(run)
        if self._plan is None or len(self._plan.experiments) == 1:
            return label  # there is nothing to tell it from
        for text in self._texts(run)[1][:MOST]:
            room -= cells(text) + 1
            if room < 0:
                break
            label += f" {text}"
        return label

    def _texts(self, run: Run) -> tuple[str, list[str]]:
        """The name and the parameters of a run: they stay the same from its start to its end."""
        experiment = run.experiment
        known, texts = self._kept.get(experiment.position, (None, ("", [])))
        if known is not experiment:
            name = shown(experiment.name, NAME)
            texts = name, self._parameters(experiment, name)
            self._kept[experiment.position] = experiment, texts
        return texts

    def _parameters(self, experiment: Experiment, name: str) -> list[str]:
        """Those of its own that the name does not tell, the swept ones first."""
        (values,) = differences([experiment])
        swept = [key for key in values if _is_swept(key, experiment.swept)]
        texts = []
        for key in dict.fromkeys([*swept, *values]):
            value = values[key]
            if isinstance(value, (dict, list, tuple, Marked)) or self._is_ours(key):
                continue  # an expression that was not computed has not come to a value
            if key in self._common and same(self._common[key], value):
                continue
            if not _is_told(key, value, name):
                text = shown(value, VALUE)
                text = f"'{text}'" if " " in text else text
                texts.append(f"{visible(shortened(key, KEY))}={text}")
        return texts

    def _is_ours(self, key: str) -> bool:
        return self._config.declares_key(key.partition(".")[0])


def _is_swept(key: str, swept: tuple[str, ...]) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in swept)


def _is_told(key: str, value: Plain, name: str) -> bool:
    """Whether a name says a value. A whole number in it alone may be anything."""
    if isinstance(value, int) and key.rpartition(".")[2] not in name:
        return False
    before, after = (r"(?<![\d.])", r"(?!\.?\d)")
    if isinstance(value, str):
        before, after = r"(?<![^\W_])", r"(?![^\W_])"
    return re.search(f"{before}{re.escape(str(value))}{after}", name) is not None
