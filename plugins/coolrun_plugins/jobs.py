"""`-j N`: how many runs may go on at once."""

from __future__ import annotations

import argparse

from coolrun import Config, Parser, hookimpl

AUTO = "auto"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_setting(
        "jobs",
        type=_jobs,
        default=1,
        help="how many runs may go on at once; auto: one per CPU",
        schema={"anyOf": [{"const": AUTO}, {"type": "integer", "minimum": 1}]},
    )
    parser.add_option(
        "-j",
        "--jobs",
        setting="jobs",
        type=_given,
        metavar="N",
        help="how many runs may go on at once; auto: one per CPU (default: 1)",
    )


@hookimpl
def coolrun_capacity(config: Config) -> int | None:
    if config.origin("jobs") == "default":
        return None  # whoever knows better says it
    jobs = config.setting("jobs")
    if jobs != AUTO:
        return int(jobs)
    from coolrun.cgroups import allowed_cpus

    return allowed_cpus()


def _jobs(value: object) -> int | str:
    if value == AUTO:
        return AUTO
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"expected a positive whole number or {AUTO!r}")
    return value


def _given(text: str) -> int | str:
    try:
        return _jobs(AUTO if text == AUTO else int(text))
    except ValueError:
        message = f"invalid jobs value {text!r} (expected a positive whole number or {AUTO!r})"
        raise argparse.ArgumentTypeError(message) from None
