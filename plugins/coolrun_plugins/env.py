"""`env.HOME` in expressions: the environment, one variable at a time and never a secret."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Config


@hookimpl
def coolrun_names(config: Config) -> Mapping[str, object]:
    return {"env": Environment(looking=config.looking)}


class Environment(Mapping[str, str]):
    """The environment as expressions see it; with `looking` nothing of it is read."""

    def __init__(self, *, looking: bool) -> None:
        self._looking = looking

    def __getitem__(self, name: str) -> str:
        from coolrun.concealment import names_secret
        from coolrun.expression import GuardError, Pending

        # What definitions hold is copied into logs, and logs are shown around.
        if not isinstance(name, str) or names_secret(name):
            raise GuardError(
                f"env.{name} is not read: its name looks like a secret's",
                cure="let the program read it itself; what is computed here is copied into logs",
            )
        if self._looking:
            raise Pending(f"env.{name} is read when the definition is run")
        if name not in os.environ:
            raise GuardError(
                f"the environment variable {name} is not set",
                cure=f"set it: {name}=... coolrun ...",
            )
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        """Nothing is listed."""
        return iter(())

    def __len__(self) -> int:
        return 0
