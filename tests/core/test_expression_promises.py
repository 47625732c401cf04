"""What comes out is a plain copy; nothing changes; errors leak nothing (R6, R7, R9, R10)."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from coolrun.errors import ExpressionError, UsageError
from coolrun.expression import Earlier, Evaluator, GuardError, MissingName, Pending, order
from coolrun.plain import Marked


class View(Mapping[str, object]):
    """A mapping that is no dict, as the environment or a view of an experiment."""

    def __init__(self, values: dict[str, object]) -> None:
        self.values_ = values
        self.listed = False

    def __getitem__(self, key: str) -> object:
        if key == "LATER":
            raise Pending("it is not read now")
        if key == "SECRET":
            raise UsageError("the name looks like a secret", cure="pass it another way")
        return self.values_[key]

    def __iter__(self) -> Iterator[str]:
        self.listed = True
        return iter(self.values_)

    def __len__(self) -> int:
        self.listed = True
        return len(self.values_)


def test_a_result_shares_nothing_with_the_scope() -> None:
    given: dict[str, Any] = {"a": [1, {"b": [2]}]}
    result = Evaluator().evaluate("a", given)
    assert result == given["a"]
    result[1]["b"].append(3)
    assert given == {"a": [1, {"b": [2]}]}


def test_a_result_is_made_of_plain_types_only() -> None:
    given = {"view": [View({"x": 1})], "ordered": OrderedDict(a=1), "E": Earlier([View({"y": 2})])}
    result = Evaluator().evaluate("[view[0], ordered['a'], E[0], E]", given)
    assert result == [{"x": 1}, 1, {"y": 2}, [{"y": 2}]]
    assert [type(part) for part in result] == [dict, int, dict, list]


def test_a_result_is_not_nested_without_end() -> None:
    deep: list[Any] = []
    for _ in range(60):
        deep = [deep]
    with pytest.raises(GuardError, match="nested too deeply"):
        Evaluator().evaluate("deep", {"deep": deep})


@pytest.mark.parametrize("bad", [object(), print, int, {1}, b"x", iter([]), range(3)])
def test_what_is_no_plain_data_cannot_be_read(bad: object) -> None:
    for text in ("bad", "[bad]", "bad == bad", "str(bad)", "inside[0]", "[x for x in inside]"):
        with pytest.raises(GuardError):
            Evaluator().evaluate(text, {"bad": bad, "inside": [bad]})


@pytest.mark.parametrize(
    "text",
    ["[lr for lr in [5]]", "[1 / 0 for lr in [5]]", "sorted([2, 1], key=lambda lr: lr)", "lr", "E"],
)
def test_nothing_is_different_afterwards(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    experiments = [{"x": [1]}]
    given: dict[str, Any] = {"lr": 0.1, "E": Earlier(experiments)}
    before = copy.deepcopy({"lr": 0.1, "E": experiments})
    evaluator = Evaluator()
    for _ in range(2):
        if "1 / 0" in text:
            with pytest.raises(ExpressionError, match="zero"):
                evaluator.evaluate(text, given)
        else:
            evaluator.evaluate(text, given)
    assert {"lr": given["lr"], "E": experiments} == before
    assert evaluator.evaluate("lr", given) == 0.1
    with pytest.raises(MissingName):
        evaluator.evaluate("x", {})
    assert capsys.readouterr() == ("", "")


def test_the_parser_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Evaluator().evaluate("'\\d'", {}) == "\\d"
        assert Evaluator().evaluate("1or 2", {}) == 1


def test_a_mapping_of_the_scope_is_read_key_by_key() -> None:
    env = View({"HOME": "/home/me"})
    evaluator = Evaluator()
    assert evaluator.evaluate("env.HOME + env['HOME']", {"env": env}) == "/home/me/home/me"
    assert evaluator.evaluate("env.get('NOPE', 1)", {"env": env}) == 1
    for text in ("env", "[env]", "str(env)", "len(env)", "dict(env)", "list(env)", "env == env"):
        with pytest.raises(GuardError):
            evaluator.evaluate(text, {"env": env})
    with pytest.raises(MissingName, match="env has no key 'NOPE'"):
        evaluator.evaluate("env.NOPE", {"env": env})
    assert not env.listed


def test_a_mapping_may_say_that_a_value_is_not_read_now() -> None:
    with pytest.raises(Pending, match="not read now"):
        Evaluator().evaluate("env.LATER", {"env": View({})})


def test_an_error_for_people_keeps_its_words() -> None:
    with pytest.raises(GuardError, match="looks like a secret") as caught:
        Evaluator().evaluate("env.SECRET", {"env": View({})})
    assert caught.value.cure == "pass it another way"


def test_a_text_that_is_computed_later_is_pending() -> None:
    given = {"x": Marked("later", "1"), "n": {"y": Marked("later", "1")}}
    for text in ("x", "n.y", "n", "[v for v in n.values()]", "str(n)", "x == 1"):
        with pytest.raises(Pending, match="later"):
            Evaluator().evaluate(text, given)


def test_a_message_is_short_and_printable_and_tells_no_values() -> None:
    secret = "the-secret"
    for text in (
        "int(secret)",
        "float(secret)",
        "secret + 1",
        "[secret][9]",
        "helper(secret)",
        "sorted([secret, 1])",
        "'" + "\x1b[2J" * 300 + "'.nope()",
        "nope" * 400,
        "'a\ud800' + 1",
    ):
        with pytest.raises(GuardError) as caught:
            Evaluator({"helper": lambda value: 1 / 0}).evaluate(text, {"secret": secret})
        message = str(caught.value)
        assert secret not in message
        assert "0x" not in message
        assert len(caught.value.message) <= 510
        assert all(line.isprintable() for line in message.splitlines())


def test_a_plugin_function_is_given_copies_and_gives_plain_data() -> None:
    def change(values: list[int]) -> list[int]:
        values.append(9)
        return values

    given = {"a": [1]}
    evaluator = Evaluator({"change": change, "double": lambda x: 2 * x})
    assert evaluator.evaluate("change(a) + [double(4)]", given) == [1, 9, 8]
    assert given == {"a": [1]}
    assert evaluator.evaluate("sorted([1, 2], key=double)", {}) == [1, 2]


def test_a_careless_plugin_opens_no_door() -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> int:
        return 1

    def leaving() -> None:
        raise SystemExit(3)

    def broken() -> None:
        raise UsageError("the service is down", cure="wait")

    evaluator = Evaluator(
        {
            "thing": object(),  # type: ignore[dict-item]
            "maker": object,
            "generator": generator,
            "coroutine": coroutine,
            "leaving": leaving,
            "broken": broken,
            "opens": lambda: object(),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("thing", "maker", "generator", "coroutine", "leaving", "opens"):
            with pytest.raises(GuardError):
                evaluator.evaluate(f"{name}()", {})
            with pytest.raises(GuardError):
                evaluator.evaluate(name, {})
    with pytest.raises(GuardError, match="the service is down"):
        evaluator.evaluate("broken()", {})


def test_a_function_may_evaluate_in_its_turn() -> None:
    evaluator = Evaluator({"twice": lambda x: evaluator.evaluate("x * 2", {"x": x})})
    assert evaluator.evaluate("[twice(i) + i for i in range(3)]", {}) == [0, 3, 6]


def test_a_predicate_tests_records() -> None:
    evaluator = Evaluator()
    record = {"ACC": 0.95, "lr": 0.1}
    assert evaluator.predicate("lambda exp: exp.ACC > 0.9 and 'lr' in exp")(record) is True
    assert evaluator.predicate("ACC > 0.9 and lr == 0.1")(record) is True
    assert evaluator.predicate("len([k for k in exp]) if 0 else ACC")(record) == 0.95
    assert evaluator.predicate("lambda r: r.n")(View({"n": 1})) == 1
    for text in ("NOPE > 1", "lambda exp: exp.NOPE", "lambda exp: exp['NOPE']"):
        with pytest.raises(MissingName):
            evaluator.predicate(text)(record)
    for text in ("lambda exp: exp", "lambda exp: [1]", "[1]"):
        with pytest.raises(GuardError, match="scalar"):
            evaluator.predicate(text)(record)
    for text in ("lambda a, b: 1", "lambda exp, x=1: 1", "lambda: 1", "[lambda exp: 1][0]"):
        with pytest.raises(GuardError):
            evaluator.predicate(text)


def test_sort_keys_have_a_total_order() -> None:
    evaluator = Evaluator()
    key = evaluator.sort_key("lambda exp: exp.x")
    records: list[dict[str, Any]] = [{"x": "b"}, {}, {"x": 2}, {"x": float("nan")}, {"x": 1.5}]
    records += [{"x": "a"}, {"x": None}, {"x": True}]
    ordered = sorted(records, key=lambda record: order(key(record)))
    assert [record.get("x", "none") for record in ordered[:5]] == [True, 1.5, 2, "a", "b"]
    pair = evaluator.sort_key("(x, -y)")
    assert pair({"x": "a", "y": 2}) == ("a", -2)
    assert order(("a", 1)) < order(("a", 2)) < order(("b", 0))
    with pytest.raises(GuardError, match="flat"):
        evaluator.sort_key("[[1]]")({})


def test_asteval_comes_without_numpy_and_leaves_it_to_others() -> None:
    script = """
import sys
from coolrun.expression import Evaluator
assert "asteval" not in sys.modules
assert Evaluator().evaluate("1 + 1", {}) == 2
from coolrun.expression.interpreter import interpreter_class
assert any(one.__module__.startswith("asteval") for one in interpreter_class().__mro__)
assert "numpy" not in sys.modules
import numpy
assert numpy.ones(2).sum() == 2
import asteval
assert asteval.asteval.HAS_NUMPY
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_numpy_that_is_there_already_stays_whole() -> None:
    script = """
import numpy
from coolrun.expression import Evaluator
assert Evaluator().evaluate("sqrt(4)", {}) == 2
assert numpy.ones(2).sum() == 2
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
