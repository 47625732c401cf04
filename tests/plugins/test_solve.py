from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest

from coolrun import hookspecs
from coolrun.errors import ExpressionError
from coolrun.experiment import Experiment
from coolrun.parameters import Parameters, unread
from coolrun.plain import Marked
from coolrun_plugins import solve


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - known:
        del sys.modules[name]


def s(expression: str) -> Marked:
    return Marked("solve", expression)


def built(own: dict[str, Any], cwd: Path = Path.cwd(), **defaults: Any) -> Parameters:  # noqa: B008
    experiment = Experiment(own=own, defaults=defaults)
    parameters = Parameters(experiment.values_by_key)
    wrapper: Any = solve.coolrun_execute(experiment, parameters, config(cwd))
    next(wrapper)
    with pytest.raises(StopIteration) as ended:
        wrapper.send("result")
    assert ended.value.value == "result"
    return parameters


def config(cwd: Path = Path("/")) -> Any:
    return SimpleNamespace(cwd=cwd)


def failure(own: dict[str, Any]) -> str:
    with pytest.raises(ExpressionError) as caught:
        built(own)
    return str(caught.value)


def test_a_dotted_path_is_imported_and_called_with_keys_of_the_experiment() -> None:
    exp = built({"_kwds": {"numerator": 3}, "value": s("fractions.Fraction(**_kwds)")})
    assert exp.value == Fraction(3)


def test_defaults_are_visible_whatever_the_order() -> None:
    exp = built({"value": s("fractions.Fraction(**_kwds)")}, _kwds={"numerator": 3})
    assert exp.value == Fraction(3)


def test_a_module_a_class_and_a_function_are_objects_too() -> None:
    exp = built({"a": s("os.path"), "b": s("collections.OrderedDict.fromkeys"), "c": s("len")})
    assert exp.a.join("x", "y") == "x/y"
    assert exp.b("a") == {"a": None}
    assert exp.c is len


def test_submodules_are_imported_as_far_as_needed(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "most.py").write_text("class Thing:\n    size = 3\n")
    exp = built({"size": s("deep.er.most.Thing.size + len([deep.er.most])")}, tmp_path)
    assert exp.size == 4


def test_deeper_levels_win_and_those_above_are_seen() -> None:
    exp = built(
        {
            "lr": 1,
            "momentum": 2,
            "optimizer": {"lr": 10, "value": s("(lr, momentum)"), "deep": [{"x": s("lr")}]},
        }
    )
    assert exp.optimizer.value == (10, 2)
    assert exp.optimizer.deep[0].x == 10


def test_values_in_lists_and_tuples_are_built() -> None:
    exp = built({"layers": [s("int('1')"), ({"a": s("int('2')")}, 3)]})
    assert exp.layers == [1, ({"a": 2}, 3)]


def test_later_values_refer_to_earlier_ones() -> None:
    exp = built({"a": s("fractions.Fraction(1, 2)"), "b": s("a + 1"), "c": {"d": s("b + a")}})
    assert exp.c.d == Fraction(2)
    assert exp.a is exp.a


def test_comprehensions_and_lambdas_see_the_names() -> None:
    exp = built(
        {"n": 3, "a": s("[i * n for i in range(n)]"), "b": s("lambda x, y=n: x + y + n + sum(a)")}
    )
    assert exp.a == [0, 3, 6]
    assert exp.b(1) == 1 + 3 + 3 + 9


def test_a_bound_name_is_not_imported() -> None:
    exp = built({"f": s("lambda antigravity: antigravity.real"), "g": s("(y := 3) + y")})
    assert exp.f(2) == 2
    assert exp.g == 6
    assert "antigravity" not in sys.modules


def test_a_key_hides_built_in_names_and_modules_but_not_for_itself() -> None:
    exp = built({"len": 5, "a": s("len + 1"), "fractions": s("fractions.Fraction(1)")})
    assert exp.a == 6
    assert exp.fractions == 1


def test_other_marked_text_and_plain_text_stay() -> None:
    exp = built({"a": Marked("parse", "1 + 1"), "b": "solve 1 + 1"})
    assert exp.a == "parse 1 + 1"
    assert exp.b == "solve 1 + 1"


def test_the_function_to_call_is_left_to_who_calls_it() -> None:
    exp = built({"Run": s("not_there.main"), "Module": s("nor.this")})
    assert exp.Run == "solve not_there.main"
    assert built({"Run": s("functools.partial(int, '3')")}).Run() == 3
    assert built({"a": {"Run": s("int")}}).a.Run is int


def test_the_experiment_keeps_the_text_and_only_used_names_count_as_read() -> None:
    experiment = Experiment(own={"a": 1, "b": 2, "c": s("a + 1")})
    parameters = Parameters(experiment.values_by_key)
    list(solve.coolrun_execute(experiment, parameters, config()))
    assert experiment["c"] == "solve a + 1"
    assert unread(parameters) == ["b", "c"]
    assert parameters.c == 2


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("nowhere.Thing()", "'nowhere' is no key above this one, no built-in name and no module"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("fractions.Fractoin(1)", "module 'fractions' has no attribute 'Fractoin'"),
        ("email.not_there.x", "No module named 'email.not_there'"),
        ("later + 1", "'later' is built later than this key: move it up"),
        ("1 +", "not a Python expression: invalid syntax"),
    ],
)
def test_a_failure_names_key_expression_and_reason(expression: str, reason: str) -> None:
    message = failure({"Name": "x", "optimizer": {"value": s(expression)}, "later": s("1")})
    assert "an experiment 'x', key 'optimizer.value'" in message
    assert repr(f"solve {expression}") in message
    assert reason in message


def test_a_slip_of_the_pen_is_told_before_the_first_run() -> None:
    fine, wrong = Experiment(own={"a": s("not_there.f(1)")}), Experiment(own={"a": s("f(1")})
    plan: Any = SimpleNamespace(chosen=[fine])
    solve.coolrun_check(plan)
    plan.chosen = [fine, wrong]
    with pytest.raises(ExpressionError, match="not a Python expression"):
        solve.coolrun_check(plan)


def test_objects_are_there_when_the_work_is_done() -> None:
    manager = pluggy.PluginManager("coolrun")
    manager.add_hookspecs(hookspecs)
    manager.register(solve)

    class Work:
        @hookspecs.hookimpl
        def coolrun_execute(self, parameters: Parameters) -> Callable[[], None]:
            return lambda: parameters.update(SEEN=parameters.value)

    manager.register(Work())
    experiment = Experiment(own={"value": s("fractions.Fraction(1)")})
    parameters = Parameters(experiment.values_by_key)
    work = manager.hook.coolrun_execute(
        experiment=experiment, parameters=parameters, config=config()
    )
    work()
    assert Fraction(1) == parameters.SEEN


def test_the_word_is_declared() -> None:
    words: list[str] = []
    parser: Any = SimpleNamespace(add_word=lambda name, **_: words.append(name))
    solve.coolrun_addoption(parser)
    assert words == ["solve"]
