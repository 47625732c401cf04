"""`env.NAME` in expressions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

import coolrun
from coolrun.testing import Project

Make: TypeAlias = Callable[[str], object]


@pytest.fixture
def plan(project: Project, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.chdir(project.path)
    monkeypatch.setenv("STUDY", "digits")
    monkeypatch.setenv("MY_API_KEY", "hidden")

    def make(expression: str) -> object:
        project({"a.yaml": f"Module: m\n---\nx: parse {expression}\n"})
        return coolrun.plan("a.yaml").experiments[0]["x"]

    return make


@pytest.mark.parametrize("expression", ["env.STUDY", "env['STUDY']", "f'{env.STUDY}'"])
def test_a_variable_is_reached_by_its_name(plan: Make, expression: str) -> None:
    assert plan(expression) == "digits"


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("env.NOT_SET_ANYWHERE", "environment variable NOT_SET_ANYWHERE is not set"),
        ("env.MY_API_KEY", "its name looks like a secret's"),
        ("env['SLACK_TOKEN']", "its name looks like a secret's"),
        ("env.DB_PASSWORD", "its name looks like a secret's"),
        ("env", "env"),
        ("[env]", "env"),
    ],
)
def test_what_is_not_to_be_read_is_refused(plan: Make, expression: str, reason: str) -> None:
    with pytest.raises(coolrun.ExpressionError, match=reason) as caught:
        plan(expression)
    assert "hidden" not in str(caught.value)
    assert "key 'x'" in str(caught.value)


@pytest.mark.parametrize("expression", ["list(env)", "len(env)", "[k for k in env]"])
def test_nothing_is_listed(plan: Make, expression: str) -> None:
    try:
        assert plan(expression) in ([], 0)
    except coolrun.ExpressionError as error:
        assert "digits" not in str(error)  # noqa: PT017 - refusing is as good


def test_a_dry_run_reads_nothing_and_shows_it_as_pending(project: Project) -> None:
    text = "Module: m\n---\nx: parse env.STUDY\ny: parse x + '!'\n---\nz: parse E[-1].y\n"
    project({"a.yaml": text})
    outcome = project.run(
        "--exp", "a.yaml", "--dry", "--format", "json", env={"STUDY": "secret-value"}
    )
    assert outcome.code == 0
    assert "secret-value" not in outcome.out + outcome.err
    parameters = json.loads(outcome.out)[0]["parameters"]
    assert (parameters["x"], parameters["y"]) == ("parse env.STUDY", "parse x + '!'")
    assert json.loads(outcome.out)[1]["parameters"]["z"] == "parse E[-1].y"


def test_a_key_called_env_hides_the_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project({"a.yaml": "Module: m\n---\nenv: {a: 1}\nx: parse env.a\n"}).path)
    assert coolrun.plan("a.yaml").experiments[0]["x"] == 1
