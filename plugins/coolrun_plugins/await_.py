"""`await`: values that need the results of earlier runs. Understood and shown; not run yet."""

from __future__ import annotations

from coolrun import Config, Experiment, Marked, Parser, Plan, UsageError, hookimpl

WORD = "await"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_word(WORD, help="computed at launch, from the results of earlier runs", spreads=True)


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    for experiment in plan.chosen:
        key = min([*experiment.pending, *_unread(experiment)], default=None)
        if key is not None:
            raise experiment.blame(
                UsageError(
                    "the value waits for results of earlier runs (await), which "
                    "this version of coolrun shows in --dry and cannot run yet",
                    cure="leave the experiment out with --pick, or write the value itself",
                ),
                (key,),
            )


def _unread(experiment: Experiment) -> list[str]:
    """The keys that hold such a value and that nobody found while the definition was read."""
    return [
        key for key, value in experiment.items() if isinstance(value, Marked) and value.word == WORD
    ]
