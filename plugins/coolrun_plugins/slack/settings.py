"""What a definition says about Slack: channels and words, never a token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from coolrun import DefinitionError, ExpressionError, Marked, Place, UsageError
from coolrun.expression import Evaluator
from coolrun_plugins.slack import CONFIG, SETTING

if TYPE_CHECKING:
    from coolrun import Config, Plan, Source

BY_BOT = "SLACK_BOT_TOKEN"
BY_WEBHOOK = "SLACK_WEBHOOK_URL"
# https://api.slack.com/concepts/token-types
_SECRET = re.compile(r"\b(?:xox[a-z][.-]|xapp-)[\w.-]{8,}|\bhooks\.slack[\w.-]*/\w[\w/-]{8,}")
_SECRET_KEYS = frozenset({"token", "bot_token", "slack_token", "webhook", "webhook_url", "url"})
_CURE = (
    f"put a bot's token into the environment variable {BY_BOT}, a webhook into {BY_WEBHOOK}, "
    f"or either into a file that {CONFIG}.token_file names; and revoke it if others could see it"
)


@dataclass(frozen=True)
class Settings:
    """Where messages go and what they say.

    Attributes:
        channel_short: the channel of the session's thread; None: that of the final report.
        channel_final: the channel of the final report; None: that of the thread.
        say: the expression that tells the best results.
        token_file: the file that holds the token.
    """

    channel_short: str | None = None
    channel_final: str | None = None
    say: str | None = None
    token_file: str | None = None


def settings_of(config: Config, source: Source | None = None) -> Settings:
    """The settings of the session.

    Raises:
        DefinitionError: something is wrong with them, or a token stands in the definition. No
            message shows a value that may be a token.
        UsageError: a token stands on the command line.
    """
    if source is not None:
        _refuse_secrets(source, config)
    if not isinstance(config.setting(SETTING), bool):
        raise _wrong((SETTING,), "expected true, false or null", source)
    written = config.setting(CONFIG)
    if written is None:
        return Settings()
    if not isinstance(written, Mapping):
        raise _wrong((CONFIG,), "expected a mapping, such as {channel_short: '#runs'}", source)
    _refuse_keys(written, source)
    values = {key: _text(key, value, source) for key, value in written.items()}
    settings = Settings(**values)
    if settings.say is not None:
        try:
            Evaluator().sort_key(settings.say)
        except ExpressionError as error:
            place = _place(source, (CONFIG, "say"))
            raise error.at(place=place, key=f"Global.{CONFIG}.say") from error
    return settings


def refuse_parameters(plan: Plan) -> None:
    """It is a setting: as a key of the default config it would be a parameter of every run.

    Raises:
        DefinitionError: it stands there.
    """
    for experiment in plan.experiments[:1]:
        if CONFIG in experiment:
            error = DefinitionError(f"{CONFIG} is a setting", cure="write it below Global")
            raise experiment.blame(error, (CONFIG,))


def _refuse_secrets(source: Source, config: Config) -> None:
    reason = "it is copied into the session's files, where others may read it"
    text = source.data.decode("utf-8", errors="replace")
    found = _SECRET.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        raise DefinitionError(
            f"a token of Slack stands in the definition; {reason}",
            place=Place(source.path, line, column),
            cure=_CURE,
        )
    if any(_SECRET.search(word) for word in config.argv):
        raise UsageError(f"a token of Slack stands on the command line; {reason}", cure=_CURE)


def _refuse_keys(written: Mapping[Any, Any], source: Source | None) -> None:
    known = Settings.__dataclass_fields__
    for key in written:
        if str(key).lower() in _SECRET_KEYS:
            message = "a token has no place in the definition, which is copied into logs"
            raise _wrong((CONFIG, key), message, source, _CURE)
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise _wrong((CONFIG, key), "there is no such setting", source, cure)


def _text(key: str, value: object, source: Source | None) -> str | None:
    if isinstance(value, Marked):
        value = value.expression
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise _wrong((CONFIG, key), "expected text or null", source)
    return value


def _wrong(
    path: tuple[str, ...], message: str, source: Source | None, cure: str | None = None
) -> DefinitionError:
    key = ".".join(("Global", *path))
    return DefinitionError(message, place=_place(source, path), key=key, cure=cure)


def _place(source: Source | None, path: tuple[str, ...]) -> Place | None:
    return source.place(0, ("Global", *path)) if source is not None else None
