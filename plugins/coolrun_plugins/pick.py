"""`--pick 0,2`: run only some of the experiments, by the numbers that `--dry` shows, or by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from coolrun import UsageError, hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser, Plan

# More digits than that are no position.
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_RANGE = re.compile(r"(-?[0-9]{1,18})-(-?[0-9]{1,18})")


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_option(
        "--pick",
        "--cherrypick-experiments",
        dest="pick",
        action="append",
        metavar="WHICH",
        grammar=re.compile(r"-?\d[-\d,]*"),
        help="run only these: 0,2 or 0 2 or 3-5 or -1 (the last) or a name",
    )


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    given = config.option("pick")
    if given is None:
        return
    text = ",".join(given)
    names: dict[str, list[int]] = {}
    for experiment in plan.experiments:
        names.setdefault(experiment.name, []).append(experiment.position)
    words = [word for word in text.split(",") if word.strip()]
    picked = {position for word in words for position in _positions(word, plan, names)}
    if not picked:
        raise UsageError(f"--pick {text!r} names no experiment", cure="write --pick 0,2 or a name")
    for experiment in plan.experiments:
        if experiment.position not in picked:
            plan.skip(experiment.position, "not picked")


def _positions(word: str, plan: Plan, names: Mapping[str, list[int]]) -> list[int]:
    word = word.strip()
    if _NUMBER.fullmatch(word):
        return [_position(int(word), word, plan)]
    span = _RANGE.fullmatch(word)
    if span:
        first, last = (_position(int(end), word, plan) for end in span.groups())
        if first > last:
            raise UsageError(f"--pick {word}: the range goes backwards")
        return list(range(first, last + 1))
    if word not in names:
        from difflib import get_close_matches

        near = get_close_matches(word[:100], names, n=1)
        cure = f"did you mean {near[0]!r}?" if near else "`--dry` lists positions and names"
        raise UsageError(f"--pick {word!r}: no experiment has this name", cure=cure)
    return names[word]


def _position(number: int, word: str, plan: Plan) -> int:
    count = len(plan.experiments)
    if not -count <= number < count:
        raise UsageError(
            f"--pick {word}: there is no experiment {number}",
            cure=f"they are numbered 0 to {count - 1}; `--dry` lists them"
            if count
            else "the definition holds no experiment",
        )
    return number % count
