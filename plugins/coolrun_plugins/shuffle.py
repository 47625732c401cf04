"""`--shuffle [SEED]`: experiments start in a random order that can be repeated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coolrun import Config, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Plan

SETTING = "shuffle"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_setting(
        SETTING,
        type=_seed,
        default=False,
        help="start in random order: true, or a seed",
        schema={"type": ["boolean", "integer", "null"], "minimum": 0},
    )
    parser.add_option(
        "--shuffle",
        setting=SETTING,
        nargs="?",
        const=True,
        type=int,
        metavar="SEED",
        grammar=re.compile(r"\d+"),
        help="start in random order; the seed that is printed repeats it",
    )


def _seed(value: object) -> int:
    """A bool, or the seed.

    Raises:
        ValueError: it is neither.
    """
    if value is None:
        return False
    if not isinstance(value, int) or value < 0:
        raise ValueError("expected true, false or a whole number")
    return value


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """Kept with the settings of the plan, so that a resumed session goes on in the same order."""
    seed = config.setting(SETTING)
    if seed is True:
        import secrets

        seed = secrets.randbelow(1_000_000)
    if seed is not False:
        plan.settings = {**plan.settings, SETTING: seed}


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    seed = plan.settings.get(SETTING)
    if seed is None or isinstance(seed, bool):
        return
    plan.order = order(seed, len(plan.experiments))
    config.warn(f"starting in random order; --shuffle {seed} repeats it")


def order(seed: int, number: int) -> list[int]:
    """Positions in the order of the seed; any part of them keeps its order among itself."""
    from hashlib import blake2b

    def key(position: int) -> bytes:
        return blake2b(b"%d %d" % (seed, position), digest_size=8).digest()

    return sorted(range(number), key=key)
