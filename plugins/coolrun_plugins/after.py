"""`After: name`: an experiment starts when others have ended, without reading anything of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from coolrun import Config, DefinitionError, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Experiment, Plan
    from coolrun.plain import Plain

KEY = "After"
PREVIOUS = "previous"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        KEY,
        type="name, position or a list of them",
        help="starts when these have ended; `previous`: the one before it",
        schema={
            "type": ["string", "integer", "array", "null"],
            "minimum": 0,
            "items": {"type": ["string", "integer"], "minimum": 0},
        },
    )


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """
    Raises:
        DefinitionError: there is no such experiment, or some wait for one another.
    """
    waiting = [e for e in plan.experiments if e.get(KEY) is not None]
    if not waiting:
        return
    names = Names(plan.experiments)
    for experiment in waiting:
        experiment.after |= frozenset(_needs(experiment, names, plan))
    cycle = _cycle(waiting, plan)
    if cycle:
        labels = " -> ".join(plan.experiments[position].label for position in cycle)
        error = DefinitionError(
            f"these experiments wait for one another: {labels}",
            cure="take one out of an After: each starts when those it names have ended",
        )
        last = next(p for p in cycle if plan.experiments[p].get(KEY) is not None)
        raise plan.experiments[last].blame(error, (KEY,))


class Names:
    """The experiments by name and by place, pass by pass."""

    def __init__(self, experiments: Iterable[Experiment]) -> None:
        self._named: dict[tuple[int, str], list[int]] = {}
        self._before: dict[int, int | None] = {}
        last: dict[int, int] = {}
        for experiment in experiments:
            series, position = experiment.series, experiment.position
            self._named.setdefault((series, experiment.name), []).append(position)
            self._before[position] = last.get(series)
            last[series] = position

    def named(self, name: str, experiment: Experiment) -> list[int]:
        """All of that name in the same pass."""
        return self._named.get((experiment.series, name), [])

    def before(self, experiment: Experiment) -> list[int]:
        """The one before it in the same pass; the first has none."""
        position = self._before[experiment.position]
        return [] if position is None else [position]

    def near(self, name: str, experiment: Experiment) -> str | None:
        from difflib import get_close_matches

        known = {known for series, known in self._named if series == experiment.series}
        return next(iter(get_close_matches(name, known, n=1)), None)


def _needs(experiment: Experiment, names: Names, plan: Plan) -> list[int]:
    written = experiment[KEY]
    needs: list[int] = []
    for number, item in enumerate(written if isinstance(written, list) else [written]):
        path = (KEY, number) if isinstance(written, list) else (KEY,)
        found = _named(item, experiment, names, plan)
        if isinstance(found, DefinitionError):
            raise experiment.blame(found, path)
        if experiment.position in found:
            error = DefinitionError(
                f"it would wait for itself: {item!r} is its own name or position",
                cure=f"write `{KEY}: null` in it, or name others",
            )
            raise experiment.blame(error, path)
        needs += found
    return needs


def _named(
    item: Plain, experiment: Experiment, names: Names, plan: Plan
) -> list[int] | DefinitionError:
    """The positions that one name or position means, or what is wrong with it."""

    from coolrun import Marked

    forms = f"write a name, a position as `--dry` shows it, {PREVIOUS!r} or a list of these"
    if isinstance(item, (Marked, bool)) or not isinstance(item, (str, int)):
        return DefinitionError(f"{item!r} names no experiment", cure=forms)
    if isinstance(item, int):
        count = len(plan.experiments)
        if 0 <= item < count:
            return [item]
        return DefinitionError(
            f"there is no experiment {item}", cure=f"they are numbered 0 to {count - 1}"
        )
    if item == PREVIOUS:
        return names.before(experiment)
    found = names.named(item, experiment)
    if found:
        return found
    near = names.near(item, experiment)
    cure = f"did you mean {near!r}?" if near else forms
    return DefinitionError(f"no experiment has the name {item!r}", cure=cure)


def _cycle(starts: Iterable[Experiment], plan: Plan) -> list[int]:
    """Positions that wait for one another, the first one at the end again; empty if none do."""
    done: set[int] = set()
    for start in starts:
        path: list[int] = []
        on_path: set[int] = set()
        stack = [(start.position, False)]
        while stack:
            position, left = stack.pop()
            if left:
                path.pop()
                on_path.discard(position)
                done.add(position)
            elif position in on_path:
                return [*path[path.index(position) :], position]
            elif position not in done:
                path.append(position)
                on_path.add(position)
                stack.append((position, True))
                stack += [(need, False) for need in plan.experiments[position].after]
    return []
