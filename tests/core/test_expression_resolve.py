"""Order and scope of the keys of an experiment, and what is told where they are wrong."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from coolrun.errors import (
    DefinitionError,
    ExpressionError,
    NothingToRun,
    Place,
    SessionError,
    UsageError,
)
from coolrun.expression import (
    ALL,
    Earlier,
    Evaluator,
    GuardError,
    Pending,
    Resolution,
    dependencies,
    dotted,
    resolve,
    run_confined,
)
from coolrun.plain import Marked


def parse(text: str) -> Marked:
    return Marked("parse", text)


def resolved(
    own: dict[str, Any],
    defaults: dict[str, Any] | None = None,
    *,
    context: dict[str, Any] | None = None,
    earlier: list[dict[str, Any]] | None = None,
    **options: Any,
) -> Resolution:
    options.setdefault("later", {"await": True, "solve": False})
    return resolve(
        own, defaults or {}, context or {}, Earlier(earlier or []), Evaluator(), **options
    )


def error_of(*arguments: Any, **options: Any) -> GuardError:
    with pytest.raises(GuardError) as caught:
        resolved(*arguments, **options)
    return caught.value


def test_own_keys_come_first_and_defaults_after_in_their_order() -> None:
    result = resolved({"z": 1, "a": parse("z + 1")}, {"m": parse("a * n"), "n": 3})
    assert list(result.values.items()) == [("z", 1), ("a", 2), ("m", 6), ("n", 3)]
    assert result.reads == frozenset()
    assert result.pending == frozenset()


def test_the_deepest_level_wins_of_what_is_resolved_already() -> None:
    inner = {"t": parse("abc"), "abc": 2, "u": parse("abc"), "v": {"w": parse("abc + n.t")}}
    assert resolved({"abc": 1, "n": inner}).values["n"] == {
        "t": 1,
        "abc": 2,
        "u": 2,
        "v": {"w": 3},
    }


def test_expressions_stand_in_lists_and_in_mappings_inside_lists() -> None:
    own: dict[str, Any] = {
        "a": 2,
        "x": [parse("a + 1"), [parse("x[0]")], {"b": 1, "c": parse("b + a")}],
    }
    assert resolved(own).values["x"] == [3, [3], {"b": 1, "c": 3}]
    assert resolved({"a": 2}, {"x": own["x"]}).values["x"] == [3, [3], {"b": 1, "c": 3}]


def test_the_context_is_known_until_an_own_key_hides_it() -> None:
    own = {"a": parse("N"), "N": 7, "b": parse("N")}
    assert resolved(own, context={"N": 3}).values == {"a": 3, "N": 7, "b": 7}


def test_default_leaves_are_there_before_default_expressions() -> None:
    defaults = {"d": {"x": parse("y + e.z"), "y": 1}, "e": {"z": 5}}
    assert resolved({}, defaults).values == {"d": {"x": 6, "y": 1}, "e": {"z": 5}}


def test_a_result_is_not_evaluated_again_and_shares_nothing() -> None:
    own = {"a": [1], "b": parse("a"), "c": parse("'parse 1 + 1'")}
    result = resolved(own).values
    assert result["b"] is not result["a"]
    assert result["a"] is not own["a"]
    assert type(result["c"]) is str


def test_what_was_given_is_not_changed() -> None:
    own: dict[str, Any] = {"a": [parse("1")], "n": {"x": parse("2")}}
    resolved(own, {"d": [parse("3")]})
    assert own == {"a": [parse("1")], "n": {"x": parse("2")}}
    assert type(own["a"][0]) is Marked


def test_e_is_there_at_every_level_and_tells_what_was_read() -> None:
    earlier = [{"s": i, "Name": f"e{i}"} for i in range(5)]
    own = {"n": {"m": parse("E[-1].s + E['e1'].s")}, "k": parse("len(E)")}
    result = resolved(own, earlier=earlier)
    assert result.values == {"n": {"m": 5}, "k": 5}
    assert result.reads == {4, 1}
    assert resolved({"a": parse("[e.s for e in E[1:3]]")}, earlier=earlier).reads == {1, 2}


@pytest.mark.parametrize(
    ("own", "defaults", "key", "words"),
    [
        ({"b": parse("a"), "a": 1}, {}, "b", ["'a' is defined below", "a is defined below: move"]),
        ({"n": {"t": parse("a")}, "a": 1}, {}, "n.t", ["defined below"]),
        ({"n": {"t": parse("a"), "a": 1}}, {}, "n.t", ["defined below"]),
        ({"x": parse("n.t"), "n": {"t": 1}}, {}, "x", ["'n' is defined below"]),
        ({"b": parse("lr")}, {"lr": 1}, "b", ["default config only", "take E[-1].lr"]),
        ({"n": parse("n + 1")}, {}, "n", ["'n' refers to itself"]),
        ({"a": parse("b"), "b": parse("a")}, {}, "a", ["'b' and 'a' need each other"]),
        ({}, {"b": parse("a"), "a": parse("1")}, "b", ["'a' is resolved after 'b'"]),
        ({}, {"b": parse("c.a"), "c": {"a": parse("1")}}, "b", ["'c.a' is resolved after"]),
        ({}, {"b": parse("c[0]"), "c": [parse("1")]}, "b", ["'c[0]' is resolved after"]),
        ({"x": [parse("max(1"), "2)"]}, {}, "x[0]", ["never closed", "quote the item"]),
        ({"x": parse("nope")}, {}, "x", ["'nope' is unknown"]),
        ({"n": {"t": 1}, "x": parse("t")}, {}, "x", ["'t' is unknown", "write n.t"]),
        ({"nope1": 1, "x": parse("nope")}, {}, "x", ["did you mean 'nope1'"]),
        ({"c": {"a": 1}, "x": parse("c.b")}, {}, "x", ["c has no key 'b'"]),
        ({"list": [1], "x": parse("list((1,))")}, {}, "x", ["hides the function list"]),
        ({"l": [1], "x": parse("l.append(2)")}, {}, "x", ["append would change a value"]),
        ({"x": parse("E[-1].a")}, {}, "x", ["no previous experiment"]),
        ({"E": 1}, {}, "E", ["reserved"]),
        ({}, {"E": 1}, "E", ["reserved"]),
    ],
)
def test_each_common_mistake_has_its_cure(
    own: dict[str, Any], defaults: dict[str, Any], key: str, words: list[str]
) -> None:
    error = error_of(own, defaults)
    assert error.key == key
    assert dotted(error.path) == key
    for word in words:
        assert word in str(error)


def test_results_are_not_known_yet() -> None:
    error = error_of({"x": parse("E[-1].ACC")}, earlier=[{"lr": 1}])
    assert "E[-1] has no key 'ACC'" in str(error)
    assert "write await instead of parse" in str(error)


def test_a_reader_of_a_later_value_waits_too() -> None:
    own = {
        "lr": Marked("await", "E[-1].BEST"),
        "half": parse("lr / 2"),
        "n": {"x": parse("half"), "y": parse("1 + 1")},
        "all": parse("str(n)"),
        "opt": Marked("solve", "torch.SGD"),
    }
    result = resolved(own, {"d": parse("f'{half}'")})
    assert result.pending == {"lr", "half", "n.x", "all", "d"}
    assert result.values["half"] == own["half"]
    assert type(result.values["half"]) is Marked
    assert result.values["n"]["y"] == 2
    assert result.values["opt"] == "solve torch.SGD"


def test_a_value_of_the_run_cannot_be_read_before_it() -> None:
    error = error_of({"o": Marked("solve", "f"), "x": parse("o")})
    assert "'solve' value does not exist yet" in str(error)
    assert error.key == "x"


def test_a_pending_value_of_an_earlier_experiment_cannot_be_read() -> None:
    earlier = [{"a": Marked("await", "1"), "n": {"s": Marked("solve", "1")}}]
    error = error_of({"x": parse("E[-1].a")}, earlier=earlier)
    assert "read it with 'await' too" in str(error)
    assert "only while" in str(error_of({"x": parse("E[-1].n.s")}, earlier=earlier))
    shared = earlier[0]["a"]
    error = error_of({"a": shared, "x": parse("[e.a for e in E]")}, earlier=earlier)
    assert error.key == "x"


def test_a_context_mapping_may_make_its_reader_wait() -> None:
    class Env(dict[str, str]):
        def __missing__(self, key: str) -> str:
            raise Pending(f"{key} is not read now")

    env = type("Reader", (Env,), {"__contains__": lambda self, key: True})()
    result = resolved({"home": parse("env.HOME"), "x": 1}, context={"env": env})
    assert result.pending == {"home"}
    assert result.values == {"home": "parse env.HOME", "x": 1}


def test_several_words_are_evaluated_at_once() -> None:
    own = {"a": Marked("await", "E[-1].x"), "b": parse("a + 1")}
    result = resolved(own, earlier=[{"x": 1}], word=("await", "parse"), later={"solve": False})
    assert result.values == {"a": 1, "b": 2}


def test_later_words_may_be_a_plain_collection() -> None:
    own = {"a": Marked("await", "1"), "b": parse("a")}
    assert resolved(own, later=["await"]).pending == {"a", "b"}


def test_free_order_resolves_by_need() -> None:
    own = {"a": parse("b + c.x"), "b": parse("d"), "n": {"abc": parse("abc")}, "abc": 9}
    defaults = {"d": parse("c['x'] * 2"), "c": {"x": parse("len(l)"), "y": 0}, "l": [parse("1")]}
    result = resolved(own, defaults, free_order=True)
    assert list(result.values) == ["a", "b", "n", "abc", "d", "c", "l"]
    assert [result.values[key] for key in "abd"] == [3, 2, 2]
    assert result.values["n"] == {"abc": 9}


def test_free_order_copies_a_whole_mapping_once_it_is_resolved() -> None:
    own = {"copy": parse("n"), "n": {"x": parse("y"), "z": [parse("y")]}, "y": 1}
    assert resolved(own, free_order=True).values["copy"] == {"x": 1, "z": [1]}


def test_a_cycle_is_named_in_full() -> None:
    own = {"a": parse("b"), "b": parse("n.c"), "n": {"c": parse("a")}}
    assert "a -> b -> n.c -> a" in str(error_of(own, free_order=True))
    assert "refers to itself" in str(error_of({"a": parse("a")}, free_order=True))
    own = {"n": {"x": parse("n.x")}}
    assert "refers to itself" in str(error_of(own, free_order=True))


def test_a_long_chain_by_need_needs_no_recursion() -> None:
    own = {f"k{i}": parse(f"k{i + 1} + 1") for i in range(2000)} | {"k2000": 0}
    assert resolved(own, free_order=True).values["k0"] == 2000


def test_the_list_of_earlier_experiments_is_live_and_read_only() -> None:
    experiments: list[dict[str, Any]] = []
    earlier = Earlier(experiments)
    assert len(earlier) == 0
    experiments += [{"Name": "a", "x": 1}, {"Name": "b", "x": 2}]
    part = earlier[1:]
    experiments.append({"Name": "a", "x": 3})
    assert len(earlier) == 3
    assert earlier["a"]["x"] == 3
    assert earlier[-1]["x"] == 3
    assert earlier[-3]["x"] == 1
    assert len(part) == 1
    assert part["b"]["x"] == 2
    assert earlier.reads == {0, 1, 2}
    earlier.reset()
    assert earlier.reads == set()
    assert [one["x"] for one in earlier[::-1]] == [3, 2, 1]
    assert not hasattr(earlier, "append")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 + lr", frozenset()),
        ("E[-1].x + E[0]['y']", {-1, 0}),
        ("E['base'].x if E[-2].y else 0", {"base", -2}),
        ("E[i].x", ALL),
        ("E[1:]", ALL),
        ("len(E)", ALL),
        ("E[-1].x + sum(e.x for e in E)", ALL),
        ("x.E", frozenset()),
    ],
)
def test_what_an_expression_reads_is_seen_in_its_text(text: str, found: object) -> None:
    assert dependencies(text) == found


def test_what_cannot_be_read_has_no_dependencies() -> None:
    with pytest.raises(ExpressionError):
        dependencies("E[")


def confined(function: Callable[[], Any], **options: Any) -> Any:
    return run_confined(function, what="the test", **{"seconds": 20, "memory": 1 << 29} | options)


def test_a_confined_function_answers_with_plain_data() -> None:
    answer = {1: (2, float("inf")), "t": [None, True, "\u00e9\n"], "m": Marked("parse", "1")}
    assert confined(lambda: answer) == answer


@pytest.mark.parametrize(
    "error",
    [
        UsageError(
            "wrong", place=Place("a.yaml", 3, 2), experiment="experiment 1", key="a", cure="c"
        ),
        NothingToRun("nothing"),
        SessionError("full"),
    ],
)
def test_an_error_of_the_confined_function_comes_back(error: Any) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        confined(fail)
    assert str(caught.value) == str(error)
    assert type(caught.value) is type(error)
    assert caught.value.place == error.place


def test_a_special_error_comes_back_as_the_kind_that_everybody_knows() -> None:
    def fail() -> None:
        raise GuardError("no", key="k")

    with pytest.raises(ExpressionError, match="no"):
        confined(fail)


def spin() -> None:
    while True:
        pass


def overwrite() -> None:
    os.open("/dev/null", os.O_WRONLY)
    with open("confined-output", "w") as file:
        file.write("x" * 10)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: "a" * (4 << 30), "too much memory"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "failed"),
        (lambda: os._exit(0), "failed"),
        (lambda: object(), "TypeError"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: (_ for _ in ()).throw(SystemExit(3)), "SystemExit"),
        (overwrite, "OSError"),
    ],
)
def test_any_other_end_is_one_clear_error(
    function: Callable[[], Any], words: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DefinitionError, match=f"the test .*{words}"):
        confined(function)


def test_a_confined_function_that_spins_or_sleeps_is_ended() -> None:
    for function in (spin, lambda: time.sleep(60)):
        started = time.monotonic()
        with pytest.raises(DefinitionError, match="takes too long"):
            confined(function, seconds=0.3)
        assert time.monotonic() - started < 10


def test_an_answer_is_bounded() -> None:
    with pytest.raises(DefinitionError, match="too large an answer"):
        confined(lambda: "x" * 2_000_000, answer=100_000)


def test_no_child_and_no_descriptor_is_left() -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    confined(lambda: 1)
    with pytest.raises(DefinitionError):
        confined(spin, seconds=0.1)
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_child_changes_nothing_of_its_parent(capfd: pytest.CaptureFixture[str]) -> None:
    values = [1]

    def change() -> int:
        values.append(2)
        os.environ["COOLRUN_CHANGED"] = "1"
        return len(values)

    print("buffered", end="")
    assert confined(change) == 2
    assert values == [1]
    assert "COOLRUN_CHANGED" not in os.environ
    assert capfd.readouterr().out == "buffered"
