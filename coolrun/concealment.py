"""What is secret on this machine, and texts without it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

BLANK = "[secret]"
SHORTEST = 6  # characters; shorter values would blank what is no secret

_NAME = re.compile(r"token|secret|passw|passphrase|credential|api_?key|private|auth", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Whether the name of a variable looks like that of a secret."""
    return _NAME.search(name) is not None


def secrets_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values in an environment whose names look like those of secrets."""
    return tuple({value for name, value in environment.items() if names_secret(name)})


def concealed(text: str, secrets: Iterable[str]) -> str:
    """The text with each of the secrets blanked, those shorter than six characters apart."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, BLANK)
    return text
