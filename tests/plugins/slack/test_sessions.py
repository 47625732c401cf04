"""Whole sessions of the real command, as Slack sees them."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from coolrun.store import SessionFolder
from coolrun.testing import Project
from coolrun.testing.waiting import wait_for

WORK = """
    import os, time

    def main(exp):
        print("working at <b> & co")
        if exp.get("broken"):
            raise ValueError(f"no luck with {exp.REP}")
        deadline = time.monotonic() + 60
        while exp.get("waits") and not os.path.exists("go"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        exp.ACC = exp.get("lr", 0)
    """
STUDY = """
    Global:
      slack: true
      slack_config: {channel_short: "#runs", say: "ACC, f'{Name}: {ACC:.2f}'"}
      jobs: 4
    Module: work
    Name: base
    ---
    {Name: bad, broken: true, Repeat: 3}
    ---
    {Name: good, lr: 0.9}
    ---
    {Name: better, lr: 0.95, waits: true}
    """


@pytest.fixture
def study(project: Project) -> Project:
    return project({"work.py": WORK, "experiment.yaml": STUDY})


@contextmanager
def started(project: Project, env: dict[str, str], *args: str) -> Iterator[subprocess.Popen[str]]:
    command, environment, _ = project.command(*args, env=env)
    process = subprocess.Popen(
        command,
        cwd=project.path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def replay(study: Project, slack: Any, env: dict[str, str]) -> str:
    """Run the study; the last run ends once the failures are told. Returns what was printed."""
    with started(study, env) as process:
        slack.wait_for("failed so far", process)
        (study.path / "go").touch()
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 1
    return str(printed)


def test_a_session_is_one_thread(study: Project, slack: Any) -> None:
    printed = replay(study, slack, slack.environment)
    first, failed, last = slack.requests
    assert {r.path for r in slack.requests} == {"/api/chat.postMessage"}
    assert {r.headers["Authorization"] for r in slack.requests} == {
        f"Bearer {slack.environment['SLACK_BOT_TOKEN']}"
    }
    assert {r.body["channel"] for r in slack.requests} == {"#runs"}
    assert "thread_ts" not in first.body
    assert [r.body["thread_ts"] for r in (failed, last)] == ["1700000000.000001"] * 2
    assert not failed.body.get("reply_broadcast")
    assert last.body["reply_broadcast"], "the end is seen in the channel too"
    assert first.text.startswith("*experiment.yaml started: 5 runs, 4 at once*\nsession 2")
    assert "Slack" not in printed
    assert slack.environment["SLACK_BOT_TOKEN"] not in printed


def test_failures_are_told_once_with_their_cause_and_the_last_lines(
    study: Project, slack: Any
) -> None:
    replay(study, slack, slack.environment)
    title, cause, *lines = slack.requests[1].text.splitlines()
    assert title == "*experiment.yaml: 3 runs failed so far*"
    example = re.fullmatch(
        r"3 x ValueError: no luck with N \(such as experiment ([012]) 'bad'\)", cause
    )
    assert example
    assert lines[0] == lines[-1] == "```"
    assert lines[-2] == f"ValueError: no luck with {example[1]}"
    assert sum("no luck" in text for text in slack.texts) == 2, "here, and in the report"


def test_the_end_tells_counts_the_time_and_the_best_results(study: Project, slack: Any) -> None:
    replay(study, slack, slack.environment)
    title, *told = slack.texts[-1].splitlines()
    assert title.startswith("*experiment.yaml finished in ")
    assert "3 failed" in title
    assert "2 done" in title
    assert told[0].startswith("session 2")
    assert told[1:4] == ["best:", "better: 0.95", "good: 0.90"]
    assert told[4].startswith("3 x ValueError: no luck with N (such as experiment ")
    assert told[-2].startswith("ValueError: no luck with ")


def test_the_final_report_can_have_a_channel_of_its_own(study: Project, slack: Any) -> None:
    study({"experiment.yaml": STUDY.replace('"#runs"', '"#runs", channel_final: "#results"')})
    replay(study, slack, slack.environment)
    short, final = slack.requests[-2:]
    assert [r.body["channel"] for r in slack.requests] == ["#runs", "#runs", "#runs", "#results"]
    assert short.body["thread_ts"] == "1700000000.000001"
    assert len(short.text.splitlines()) == 1
    assert "thread_ts" not in final.body
    assert "better: 0.95" in final.text


def test_a_webhook_gets_the_same_without_threads(study: Project, slack: Any) -> None:
    replay(study, slack, {"SLACK_WEBHOOK_URL": f"{slack.url}/services/T0/B0/secret-of-the-hook"})
    assert [r.path for r in slack.requests] == ["/services/T0/B0/secret-of-the-hook"] * 3
    assert all("Authorization" not in r.headers for r in slack.requests)
    assert all(set(r.body) == {"text", "unfurl_links", "unfurl_media"} for r in slack.requests)


def test_a_session_that_is_ended_says_so_and_goes_on_in_its_thread(
    study: Project, slack: Any
) -> None:
    with started(study, slack.environment) as process:
        slack.wait_for("failed so far", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 2
    ended = slack.wait_for("was ended after", process)
    assert "1 aborted" in ended.text
    assert "\ngo on with: coolrun --resume 2" in ended.text
    (study.path / "go").touch()
    before = len(slack.requests)
    assert study.run("--resume", env=slack.environment).code == 1
    again = slack.requests[before:]
    assert again[0].text.startswith("*experiment.yaml goes on: ")
    assert {r.body["thread_ts"] for r in again} == {"1700000000.000001"}


def test_a_thousand_equal_failures_are_a_few_messages(project: Project, slack: Any) -> None:
    text = """
        Global: {slack: true, slack_config: {channel_final: C1}, jobs: 2}
        Module: work
        ---
        {broken: true, Repeat: 300}
        """
    project({"work.py": WORK, "experiment.yaml": text})
    outcome = project.run(env=slack.environment)
    assert len(outcome.records) == 300
    assert len(slack.requests) <= 5
    assert "300 x ValueError: no luck with N" in slack.texts[-1]


def test_a_dry_run_sends_nothing_and_needs_no_token(study: Project, slack: Any) -> None:
    assert study.run("--dry", env=slack.environment).code == 0
    assert study.run("--dry").code == 0
    assert slack.requests == []


def test_without_the_setting_nothing_is_sent(study: Project, slack: Any) -> None:
    study({"experiment.yaml": "Module: work\n---\n{}\n"})
    assert study.run(env=slack.environment).code == 0
    assert slack.requests == []


def test_what_a_run_prints_of_its_environments_secrets_is_blanked(
    project: Project, slack: Any
) -> None:
    work = """
        import os

        def main(exp):
            print("key", os.environ["MY_API_KEY"], os.environ["SLACK_BOT_TOKEN"])
            raise ValueError("cannot log in with " + os.environ["MY_API_KEY"])
        """
    text = "Global: {slack: true, slack_config: {channel_final: C1}}\nModule: work\n---\n{}\n"
    project({"work.py": work, "experiment.yaml": text})
    project.run(env={**slack.environment, "MY_API_KEY": "key-0123456789"})
    assert "[secret]" in slack.texts[-1]
    assert not any("key-0123456789" in text or "xoxb" in text for text in slack.texts)


def test_no_file_of_the_session_holds_the_token(study: Project, slack: Any) -> None:
    study({"experiment.yaml": STUDY.replace("waits: true", "waits: false")})
    study.run(env=slack.environment)
    token = slack.environment["SLACK_BOT_TOKEN"].encode()
    files = [file for file in (study.path / ".coolrun").rglob("*") if file.is_file()]
    assert len(files) > 5
    assert not [file for file in files if token in file.read_bytes()]


def test_markup_in_names_is_shown_and_not_obeyed(project: Project, slack: Any) -> None:
    text = """
        Global: {slack: true, slack_config: {channel_final: C1, say: Name}}
        Module: work
        ---
        Name: <!channel> & <https://evil.example|click>
        """
    project({"work.py": WORK, "experiment.yaml": text})
    project.run(env=slack.environment)
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;" in slack.texts[-1]
    assert "<" not in "".join(slack.texts)


def test_a_session_without_a_terminal_is_told_as_well(study: Project, slack: Any) -> None:
    assert study.run("--detach", env=slack.environment).code == 0
    slack.wait_for("failed so far")
    (study.path / "go").touch()
    slack.wait_for("finished in")
    (folder,) = SessionFolder.all(study.path)
    wait_for(lambda: not folder.is_held())


def test_a_session_that_is_only_ended_needs_no_token_and_sends_nothing(
    study: Project, slack: Any
) -> None:
    with started(study, slack.environment) as process:
        slack.wait_for("failed so far", process)
        process.kill()
        process.wait()
    before = len(slack.requests)
    outcome = study.run("abort", "--yes")
    assert "Slack" not in outcome.err
    assert study.run("status").code == 0
    assert len(slack.requests) == before
