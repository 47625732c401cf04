"""The public names, frozen: adding one is a decision, removing one breaks strangers."""

from __future__ import annotations

import pytest

import coolrun
import coolrun.testing

PUBLIC = """
Blocked Busy Config CoolrunError Definition DefinitionError Exit ExitCode Experiment ExpressionError
Halt Launcher Lease Marked NothingToRun Parser Place Plan PluginError Program Queue Record Retry Run
Session SessionError Source Status UsageError hookimpl hookspec plan
"""


def test_the_public_names_are_these_and_sorted() -> None:
    assert coolrun.__all__ == sorted(PUBLIC.split())


def test_every_public_name_is_there() -> None:
    for name in coolrun.__all__:
        assert getattr(coolrun, name) is not None
    assert set(coolrun.__all__) <= set(dir(coolrun))


def test_the_names_for_tests_are_these_sorted_and_there() -> None:
    names = "LauncherSuite Outcome Project QueueSuite project wait_for"
    assert coolrun.testing.__all__ == names.split()
    for name in coolrun.testing.__all__:
        assert getattr(coolrun.testing, name) is not None
    assert set(coolrun.testing.__all__) <= set(dir(coolrun.testing))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        coolrun.testing.nothing  # noqa: B018
