"""`Hello: TEXT`: what is said when a run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Parser, Record, Run, Session


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        "Hello",
        type="text",
        help="what is said when the run has ended",
        schema={"type": "string"},
    )


@hookimpl
def coolrun_post_run(run: Run, record: Record, session: Session) -> None:
    text = run.experiment.get("Hello")
    if text is not None:
        session.config.warn(f"hello: {text} ({record.status})")
