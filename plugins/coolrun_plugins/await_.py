"""`await`: values that need the results of earlier runs. Understood and shown; not run yet."""

from __future__ import annotations

from coolrun import Config, Parser, Plan, UsageError, hookimpl


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_word(
        "await", help="computed at launch, from the results of earlier runs", spreads=True
    )


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    for experiment in plan.chosen:
        if experiment.pending:
            key = min(experiment.pending)
            raise experiment.blame(
                UsageError(
                    f"key {key!r} waits for results of earlier runs (await), "
                    "which this version of coolrun shows in --dry and cannot run yet",
                    cure="leave the experiment out with --pick, or write the value itself",
                ),
                (key,),
            )
