"""Tells what becomes of a session to whoever listens: Slack, mail, a telephone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser, Plan, Session
    from coolrun.plugins import PluginManager

SETTING = "say"


@hookimpl
def coolrun_addoption(parser: Parser, pluginmanager: PluginManager) -> None:
    from coolrun_plugins.notify import hookspecs

    pluginmanager.add_hookspecs(hookspecs)
    parser.add_setting(
        SETTING,
        type=_expression,
        default=None,
        help="the expression by which messages tell the best results, such as ACC",
        schema={"type": ["string", "null"], "pattern": r"\S"},
    )


def _expression(value: object) -> object:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ValueError("expected an expression or null")
    return value


@hookimpl(trylast=True)
def coolrun_say(config: Config) -> str | None:
    said: str | None = config.setting(SETTING)
    return said


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    """Refuse a `say` that no record could answer, before the first run."""
    said = config.setting(SETTING)
    if said is None:
        return
    from coolrun import ExpressionError
    from coolrun.expression import Evaluator

    try:
        Evaluator().sort_key(said)
    except ExpressionError as error:
        place = plan.source.place(0, ("Global", SETTING))
        raise error.at(place=place, key=f"Global.{SETTING}") from error


@hookimpl(trylast=True)
def coolrun_session_start(session: Session) -> None:
    """Watch the session, if anybody wants to be told; services have registered by now."""
    manager = session.config.pluginmanager
    if manager.hook.coolrun_notify.get_hookimpls():
        from coolrun_plugins.notify.watching import Watch

        watch = Watch(session)
        manager.register(watch, "notify-watch")
        watch.begin()
