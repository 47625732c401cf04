"""Secrets are known by the names of their variables, and blanked in texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coolrun.concealment import BLANK, concealed, names_secret, secrets_in


@pytest.mark.parametrize(
    "name", ["SLACK_BOT_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "OPENAI_API_KEY", "apikey"]
)
def test_a_name_that_looks_like_a_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["HOME", "CUDA_VISIBLE_DEVICES", "KEYBOARD", "PATH"])
def test_a_name_that_does_not(name: str) -> None:
    assert not names_secret(name)


def test_values_are_blanked_wherever_they_stand() -> None:
    secrets = secrets_in({"A_TOKEN": "abcdef", "HOME": "/root"})
    assert concealed("abcdef at /root, xabcdefx", secrets) == f"{BLANK} at /root, x{BLANK}x"


def test_a_secret_that_holds_another_is_blanked_whole() -> None:
    assert concealed("abcdefghi", ["abcdef", "abcdefghi"]) == BLANK


def test_a_short_value_would_blank_too_much() -> None:
    assert concealed("the true one", ["true", "1", ""]) == "the true one"


@given(st.text(), st.lists(st.text("abc", min_size=6, max_size=9)))
def test_no_secret_is_left(text: str, secrets: list[str]) -> None:
    held = concealed(text + "".join(secrets), secrets)
    assert not any(secret in held for secret in secrets)
