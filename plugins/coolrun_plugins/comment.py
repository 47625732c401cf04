"""`Desc` and `--comment TEXT`: words for people, kept where they look for results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import Config, Parser, hookimpl

if TYPE_CHECKING:
    from coolrun import Lease, Plan

SETTING = "comment"
RESULT = "COMMENT"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key("Desc", type="text", help="what the experiment is about; recorded, not read")
    parser.add_setting(
        SETTING,
        type=_text,
        default=None,
        help="what the session is about; in every record",
        schema={"type": ["string", "null"]},
    )
    parser.add_option(
        "--comment",
        setting=SETTING,
        metavar="TEXT",
        help="what this session is about, kept with it and in every record",
    )


def _text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("expected text or null")
    return value


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """Kept with the settings of the plan, so that a resumed session has it as well."""
    comment = config.setting(SETTING)
    if comment is not None:
        plan.settings = {**plan.settings, SETTING: comment}


@hookimpl
def coolrun_pre_launch(config: Config) -> Lease | None:
    from coolrun import Lease

    comment = config.setting(SETTING)
    return None if comment is None else Lease(record={RESULT: comment})
