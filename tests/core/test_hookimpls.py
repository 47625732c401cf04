"""Functions that look like hooks: which of them would do what their author means."""

from __future__ import annotations

import pytest

from coolrun import hookspecs
from coolrun.hookimpls import ONE_BY_ONE, is_unmarked, trouble_of

PLAIN = {"wrapper": False, "hookwrapper": False}
WRAPS = {"wrapper": True, "hookwrapper": False}


def tells() -> None:
    """An observing hook."""


def yields():  # type: ignore[no-untyped-def]
    yield


async def waits() -> None:
    """Never awaited."""


@pytest.mark.parametrize("name", sorted(ONE_BY_ONE))
def test_what_is_called_plugin_by_plugin_is_a_hook_and_has_no_wrapper(name: str) -> None:
    specification = getattr(hookspecs, name)
    assert trouble_of(name, tells, PLAIN, specification) is None
    assert "nothing to surround" in str(trouble_of(name, yields, WRAPS, specification))


def test_every_hook_that_observes_or_sets_up_is_called_plugin_by_plugin() -> None:
    texts = {n: f.__doc__ for n, f in vars(hookspecs).items() if n.startswith("coolrun_")}
    alone = {n for n, text in texts.items() if "[observing]" in text or "[setup]" in text}
    assert len(alone) > 5
    assert alone <= ONE_BY_ONE


def test_what_never_runs_is_told() -> None:
    plan, collect = hookspecs.coolrun_plan, hookspecs.coolrun_collect
    assert "never awaited" in str(trouble_of("coolrun_plan", waits, PLAIN, plan))
    assert "never run" in str(trouble_of("coolrun_plan", yields, PLAIN, plan))
    assert trouble_of("coolrun_plan", yields, WRAPS, plan) is None
    assert trouble_of("coolrun_collect", yields, PLAIN, collect) is None
    assert trouble_of("coolrun_of_another_plugin", yields, PLAIN, None) is None


def test_only_a_function_with_the_name_of_a_hook_wants_its_mark() -> None:
    assert is_unmarked(tells, hookspecs.coolrun_plan)
    assert not is_unmarked(tells, None)
    assert not is_unmarked(pytest, hookspecs.coolrun_plan)
