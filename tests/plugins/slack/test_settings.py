"""What is wrong with the settings is told before the first run, and no token is ever shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from coolrun.errors import UsageError
from coolrun.testing import Project
from coolrun_plugins.slack import KEYS
from coolrun_plugins.slack.access import Access
from coolrun_plugins.slack.addresses import checked, is_loopback
from coolrun_plugins.slack.settings import Settings

TOKEN = "xoxb-1234567890-abcdefghij"
HOOK = "https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnop"
HEAD = "Global: {slack: true, slack_config: {channel_short: '#runs'}}\n"
REST = "Command: 'true'\n---\n{}\n"


def said(project: Project, head: str, *args: str, **environment: str) -> str:
    """What is said about a definition that is refused; nothing has begun."""
    outcome = project({"experiment.yaml": head + REST}).run(*args, env=environment)
    assert outcome.code == 4, outcome
    assert outcome.records == []
    assert not (project.path / ".coolrun").exists()
    assert "abcdefghij" not in outcome.out + outcome.err
    return outcome.err


@pytest.mark.parametrize("args", [[], ["--dry"]], ids=["run", "dry"])
@pytest.mark.parametrize(
    ("head", "place"),
    [
        (f"Global: {{slack: {TOKEN}}}\n", "experiment.yaml:1:17"),
        (f"Global: {{slack: true, slack_config: {{token: {TOKEN}}}}}\n", ":1:45"),
        (f"Global: {{slack: true, slack_config: {{say: {TOKEN}}}}}\n", ":1:43"),
        (f"Global: {{slack: true}}\ntoken: {TOKEN}\n", "experiment.yaml:2:8"),
        (f"Global: {{slack: true}}\n# mine is {TOKEN}\n", "experiment.yaml:2:11"),
        (f"Global: {{slack: true}}\nhook: {HOOK}\n", "experiment.yaml:2:15"),
        (
            "Global: {slack: true}\nk: xoxe.xoxb-1-abcdefghijklmno\n",
            "experiment.yaml:2:4",
        ),
        ("Global: {slack: true}\nk: xapp-1-A0-1-abcdefghijklmno\n", "experiment.yaml:2:4"),
    ],
)
def test_a_token_in_the_definition_is_refused_where_slack_is_on(
    project: Project, head: str, place: str, args: list[str]
) -> None:
    told = said(project, head, *args, SLACK_BOT_TOKEN=TOKEN)
    assert place in told
    assert "a token of Slack stands in the definition; it is copied into the session's" in told
    assert "SLACK_BOT_TOKEN" in told
    assert "SLACK_WEBHOOK_URL" in told


@pytest.mark.parametrize("key", ["token", "webhook", "url", "Token"])
def test_a_place_for_a_token_is_refused_whatever_stands_there(project: Project, key: str) -> None:
    told = said(project, f"Global: {{slack: true, slack_config: {{{key}: abcdefghijk}}}}\n")
    assert f"key 'Global.slack_config.{key}': a token has no place in the definition" in told
    assert "SLACK_BOT_TOKEN" in told


def test_a_token_on_the_command_line_is_refused(project: Project) -> None:
    told = said(project, HEAD, f"+Global.slack_config.channel_final={TOKEN}")
    assert "a token of Slack stands on the command line" in told


def test_a_token_elsewhere_is_no_matter_of_ours_where_slack_is_off(project: Project) -> None:
    project({"experiment.yaml": f"note: {TOKEN}\n{REST}"})
    assert project.run().code == 0


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("Global: {slack: 'yes'}\n", "experiment.yaml:1:17: key 'Global.slack': expected true"),
        ("Global: {slack: [a]}\n", "experiment.yaml:1:17: key 'Global.slack': expected true"),
        ("Global: {slack: {a: b}}\n", "key 'Global.slack': expected true"),
        ("Global: {slack: true, slack_config: '#runs'}\n", "expected a mapping, such as"),
        ("Global: {slack: true, slack_config: [a]}\n", ":1:37: key 'Global.slack_config'"),
        (
            "Global: {slack: true, slack_config: {chanel_short: a}}\n",
            "'Global.slack_config.chanel_short': there is no such setting\n  did you mean",
        ),
        ("Global: {slack: true, slack_config: {zzz: a}}\n", "there are channel_short, channel_fi"),
        ("Global: {slack: true, slack_config: {channel_short: 5}}\n", "expected text or null"),
        ("Global: {slack: true, slack_config: {say: ' '}}\n", "expected text or null"),
        (
            "Global: {slack: true, slack_config: {say: ACC +}}\n",
            "experiment.yaml:1:43: key 'Global.slack_config.say': ",
        ),
        ("Global: {slack: true, slack_config: {say: ().__class__}}\n", "Global.slack_config.say"),
        ("Global: {slack: true}\nslack_config: {say: ACC}\n", "slack_config is a setting"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(project: Project, head: str, words: str) -> None:
    assert words in said(project, head, SLACK_BOT_TOKEN=TOKEN)
    assert words in said(project, head, "--dry")


@pytest.mark.parametrize(
    ("head", "environment", "words"),
    [
        (HEAD, {}, "Slack is on, and there is neither a token nor a webhook\n  set SLACK_BOT_T"),
        (HEAD, {"SLACK_BOT_TOKEN": "  "}, "neither a token nor a webhook"),
        ("Global: {slack: true}\n", {"SLACK_BOT_TOKEN": TOKEN}, "no channel to write into"),
        (HEAD, {"SLACK_BOT_TOKEN": "short"}, "SLACK_BOT_TOKEN holds no token"),
        (HEAD, {"SLACK_BOT_TOKEN": "abcdefghij\nX-A: b"}, "SLACK_BOT_TOKEN holds no token"),
        (HEAD, {"SLACK_WEBHOOK_URL": "abcdefghij"}, "SLACK_WEBHOOK_URL holds no address"),
        (
            HEAD,
            {"SLACK_WEBHOOK_URL": "http://hooks.example/abcdefghij"},
            "SLACK_WEBHOOK_URL is not an address of https",
        ),
        (
            HEAD,
            {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": "http://slack.example/api/"},
            "SLACK_API_URL is not an address of https ('http://slack.example/api/')",
        ),
        (
            HEAD,
            {"SLACK_BOT_TOKEN": TOKEN, "COOLRUN_PLUGINS": "no:notify"},
            "the plugin 'notify', which makes the messages, is blocked",
        ),
    ],
)
def test_what_is_missing_is_told_before_the_first_run(
    project: Project, head: str, environment: dict[str, str], words: str
) -> None:
    assert words in said(project, head, **environment)


def test_a_missing_slack_sdk_is_told_with_the_command_that_installs_it(project: Project) -> None:
    block = "import sys\nsys.modules['slack_sdk'] = None\n"
    project({"without.py": block})
    environment = {"PYTHONPATH": str(project.path), "COOLRUN_PLUGINS": "without"}
    told = said(project, HEAD, SLACK_BOT_TOKEN=TOKEN, **environment)
    assert "slack_sdk is not installed, which a bot's token needs" in told
    assert "pip install 'coolrun[slack]'" in told


# A file outside the definition


def with_file(project: Project, text: str, mode: int = 0o600) -> Path:
    head = HEAD.replace("}}", ", token_file: ../slack.txt}}")
    project({"experiment.yaml": head + REST})
    file = project.path.parent / "slack.txt"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.parametrize("text", [TOKEN, f"{TOKEN}\n", f"\n  {TOKEN} \nand more\n"])
def test_a_token_may_stand_in_a_file(project: Project, slack: Any, text: str) -> None:
    with_file(project, text)
    outcome = project.run(env={"SLACK_API_URL": f"{slack.url}/api/"})
    assert (outcome.code, outcome.err) == (0, "")
    assert {r.headers["Authorization"] for r in slack.requests} == {f"Bearer {TOKEN}"}


def test_a_webhook_may_stand_in_a_file(project: Project, slack: Any) -> None:
    with_file(project, f"{slack.url}/services/T/B/abcdefghij\n")
    outcome = project.run()
    assert outcome.code == 0
    assert len(slack.requests) == 2
    assert outcome.err.count("a webhook writes into its own channel") == 1


def test_the_environment_comes_before_the_file(project: Project, slack: Any) -> None:
    with_file(project, "xoxb-another-one-of-them")
    project.run(env=slack.environment)
    assert slack.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_file_that_others_can_read_is_told_once(project: Project, slack: Any) -> None:
    with_file(project, TOKEN, 0o644)
    outcome = project.run(env={"SLACK_API_URL": f"{slack.url}/api/"})
    assert outcome.err.count("others can read the token in '../slack.txt': chmod 600") == 1


@pytest.mark.parametrize("kind", ["missing", "empty", "folder", "pipe"])
def test_a_file_without_a_token_is_told(project: Project, kind: str) -> None:
    file = with_file(project, "")
    if kind != "empty":
        file.unlink()
    if kind == "folder":
        file.mkdir()
    if kind == "pipe":
        os.mkfifo(file)
    outcome = project.run(timeout=30)
    assert outcome.code == 4
    assert "'../slack.txt'" in outcome.err


# Parts


@pytest.mark.parametrize(
    "address",
    ["https://slack.com/api/", "http://127.0.0.1:80/", "http://localhost:8/x", "http://[::1]:5/"],
)
def test_a_secret_goes_over_https_or_stays_on_this_machine(address: str) -> None:
    assert checked(address, "X", shows=True) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "slack.com",
        "http://slack.com/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/",
        "https://me:pass@slack.com/",
        "http://2130706433/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https://[",
        "https://slack.com:99999/",
        "https://slack.com/ x",
        "https://slack.com/\r\nX: y",
        "https://släck.com/",
    ],
)
def test_other_addresses_are_refused_and_not_shown_where_they_are_secret(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked(address, "X", shows=False)
    assert len(address) < 9 or address not in str(caught.value)


def test_the_loopback_is_known_by_its_number_or_name() -> None:
    assert is_loopback("https://127.8.9.10/x")
    assert not is_loopback("https://10.0.0.1/x")


def test_what_is_kept_of_a_token_is_never_shown() -> None:
    assert TOKEN not in repr(Access(token=TOKEN))
    assert HOOK not in repr(Access(webhook=HOOK))


def test_the_keys_are_those_that_the_schema_tells() -> None:
    assert set(KEYS) == set(Settings.__dataclass_fields__)
