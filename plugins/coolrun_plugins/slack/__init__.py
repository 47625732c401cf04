"""`Global.slack: true`: what becomes of a session, in a thread of a channel of Slack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config, Parser, Plan, Session

SETTING = "slack"
CONFIG = "slack_config"
KEYS = ("channel_short", "channel_final", "say", "token_file")
MESSAGES = "notify"


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_setting(
        SETTING,
        type=_unseen,
        default=False,
        help="true: tell Slack what becomes of the session",
        schema={"type": ["boolean", "null"]},
    )
    parser.add_setting(
        CONFIG,
        type=_unseen,
        default=None,
        help="channel_short, channel_final, say and token_file; never a token",
        schema={
            "type": ["object", "null"],
            "properties": {key: {"type": ["string", "null"]} for key in KEYS},
            "additionalProperties": False,
        },
    )


def _unseen(value: object) -> object:
    """It is looked at when Slack is on: the usual error would show what may be a token."""
    return value


@hookimpl
def coolrun_plan(plan: Plan, config: Config) -> None:
    """Refuse what is wrong with the settings; a dry run tells it too."""
    if is_on(config):
        from coolrun_plugins.slack.settings import refuse_parameters, settings_of

        settings_of(config, plan.source)
        refuse_parameters(plan)


@hookimpl
def coolrun_check(plan: Plan, config: Config) -> None:
    """Find out before the first run whether messages can be sent at all."""
    if not is_on(config):
        return
    from coolrun import UsageError
    from coolrun_plugins.slack.access import access_of
    from coolrun_plugins.slack.settings import settings_of

    access_of(settings_of(config, plan.source), config.cwd, config.warn)
    if not config.pluginmanager.has_plugin(MESSAGES):
        raise UsageError(
            f"Slack is on, and the plugin {MESSAGES!r}, which makes the messages, is blocked",
            cure=f"do without `-p no:{MESSAGES}`",
        )


@hookimpl(optionalhook=True)
def coolrun_say(config: Config) -> str | None:
    if not is_on(config):
        return None
    from coolrun_plugins.slack.settings import settings_of

    return settings_of(config).say


@hookimpl
def coolrun_session_start(session: Session) -> None:
    if is_on(session.config):
        from coolrun_plugins.slack.service import Service

        session.config.pluginmanager.register(Service(session), "slack-service")


def is_on(config: Config) -> bool:
    """Whether this session is told; one that is only ended is not."""
    wanted = config.setting(SETTING)
    return wanted is not None and wanted is not False and not config.ending
