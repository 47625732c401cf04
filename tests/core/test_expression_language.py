"""What the language holds, what it gives, and what it refuses (R1 to R5)."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest

from coolrun.expression import Earlier, Evaluator, GuardError, MissingName

EARLIER: list[dict[Any, Any]] = [
    {"Name": "base", "lr": 0.5, "list": [1, 2, 3], "n": {"a": 1, "b": {"c": 2}}},
    {"Name": "next", "lr": 0.25, "items": "mine", 36: "number"},
]


def scope() -> dict[str, Any]:
    return {
        "E": Earlier(EARLIER),
        "lr": 0.1,
        "name": "vgg",
        "numbers": [3, 1, 2],
        "models": [{"name": "vgg"}, {"name": "resnet"}],
        "cfg": {"a": 1, "my-key": 2},
        "_dir": "out",
    }


GIVES: list[tuple[str, Any]] = [
    ("1 + 2 * 3 - 4 / 2", 5.0),
    ("7 // 2, 7 % 4, 2 ** 10, -3, +3, ~3", (3, 3, 1024, -3, 3, -4)),
    ("1 << 4 | 3 & 2 ^ 1", 19),
    ("not 0 and (1 or 2)", 1),
    ("0 or ''", ""),
    ("1 < 2 <= 2 != 3", True),
    ("3 > 2 > 2", False),
    ("1 in [1, 2], 'g' in name, 'a' not in cfg, 5 in (1,)", (True, True, False, False)),
    ("None is None, lr is not None, True is False", (True, True, False)),
    ("'yes' if lr else 'no'", "yes"),
    ("f'{name}-{lr:.3f}-{1!r:>3}'", "vgg-0.100-  1"),
    ("f\"{'é'!a}\"", "'\\xe9'"),
    ("'%s/%03d/%(x)s' % (1, 2) if 0 else '%(x)s' % {'x': 5}", "5"),
    ("'%5.1f|%-3s|%%' % (2.25, 'a')", "  2.2|a  |%"),
    ("[x * 2 for x in numbers if x > 1]", [6, 4]),
    ("[a + b for a in 'xy' for b in 'zw']", ["xz", "xw", "yz", "yw"]),
    ("[a for a, (b, c) in [[1, [2, 3]]]]", [1]),
    ("{k: v for k, v in cfg.items()}", {"a": 1, "my-key": 2}),
    ("sorted({x % 2 for x in numbers})", [0, 1]),
    ("sum(x for x in numbers)", 6),
    ("sorted(numbers, key=lambda x: -x)", [3, 2, 1]),
    ("sorted('bca', reverse=True)", ["c", "b", "a"]),
    ("max(models, key=lambda m: len(m.name)).name", "resnet"),
    ("min(3, 1), max([1, 5]), min([], default=None)", (1, 5, None)),
    ("numbers[0], numbers[-1], numbers[1:], numbers[::-1]", (3, 2, [1, 2], [2, 1, 3])),
    ("models[1].name, cfg['my-key'], name[0]", ("resnet", 2, "v")),
    ("E[-1].lr, E[0].n.b.c, E['base'].lr, len(E)", (0.25, 2, 0.5, 2)),
    ("[e.lr for e in E], E[-1][36], E[-1].items", ([0.5, 0.25], "number", "mine")),
    ("len(E[1:]), E[1:][0].Name, 'base' in E", (1, "next", True)),
    ("next(e.lr for e in E if e.lr < 0.4)", 0.25),
    ("cfg | {'b': 2}", {"a": 1, "my-key": 2, "b": 2}),
    ("dict(a=1, key=2), dict([('x', 1)]), dict(cfg)['a']", ({"a": 1, "key": 2}, {"x": 1}, 1)),
    ("range(3), range(3, 0, -1), list(range(0))", ([0, 1, 2], [3, 2, 1], [])),
    ("zip([1], [2]), enumerate('a'), map(str, [1])", ([(1, 2)], [(0, "a")], ["1"])),
    ("filter(None, [0, 1]), reversed([1, 2]), tuple('ab')", ([1], [2, 1], ("a", "b"))),
    ("any([0, 1]), all([]), bool(''), abs(-2), divmod(7, 2)", (True, True, False, 2, (3, 1))),
    ("int('12'), int('ff', 16), float('1e3'), int(2.9)", (12, 255, 1000.0, 2)),
    (
        "str([1, 'a']), repr('a'), hex(255), bin(5), oct(8)",
        ("[1, 'a']", "'a'", "0xff", "0b101", "0o10"),
    ),
    ("ord('a'), chr(98), format(0.5, '.0%'), round(2.567, 1)", (97, "b", "50%", 2.6)),
    (
        "sqrt(4), pi, log2(8), factorial(5), comb(5, 2), gcd(12, 18)",
        (2.0, math.pi, 3.0, 120, 10, 6),
    ),
    ("perm(4, 2), lcm(4, 6), isqrt(17), prod([2, 3]), hypot(3, 4)", (12, 12, 4, 6, 5.0)),
    ("fsum([0.1] * 10), dist([0, 0], [3, 4]), isclose(1, 1.0)", (1.0, 5.0, True)),
    ("sumprod([1, 2], [3, 4]), inf > 1, isnan(nan)", (11, True, True)),
    ("'a/b'.split('/'), '-'.join(['a', 'b']), ' a '.strip()", (["a", "b"], "a-b", "a")),
    ("'aXb'.lower().replace('x', '_').upper()", "A_B"),
    ("'7'.zfill(3), 'a'.ljust(2) + '|', 'ab'.find('b')", ("007", "a |", 1)),
    ("'a=b=c'.partition('='), 'a'.startswith(('a', 'b'))", (("a", "=", "b=c"), True)),
    ("'a\\tb'.expandtabs(2), 'x\\ny'.splitlines()", ("a b", ["x", "y"])),
    ("[1, 2, 1].count(1), (1, 2).index(2), (8).bit_length()", (2, 1, 4)),
    ("cfg.get('a'), cfg.get('z', 9), list(cfg), cfg.values()", (1, 9, ["a", "my-key"], [1, 2])),
    ("len({1, 2} | {3}), sorted({1, 2} & {2}), sorted({1} ^ {2})", (3, [2], [1, 2])),
    ("{1} <= {1, 2}, {1}.issubset([1]), {1} == {1}", (True, True, True)),
    ("[1, 2] == [1, 2], (1,) < (2,), {'a': 1} == {'a': 1.0}", (True, True, True)),
    ("_dir + '/x', 'a' * 3, [0] * 2, 'a' 'b'", ("out/x", "aaa", [0, 0], "ab")),
    ("(1 +\n 2)", 3),
    ("  5  # a comment", 5),
]


@pytest.mark.parametrize(("text", "value"), GIVES, ids=[text for text, _ in GIVES])
def test_an_expression_gives_what_python_gives(text: str, value: Any) -> None:
    result = Evaluator().evaluate(text, scope())
    assert result == value
    assert type(result) is type(value)


REFUSED: list[tuple[str, str]] = [
    ("lr = 5", "statement"),
    ("import os", "statement"),
    ("", "no expression"),
    ("max(1", "never closed"),
    ("(x := 1)", ":="),
    ("f(*[1])", "unpacking"),
    ("dict(**cfg)", "unpacking"),
    ("{**cfg}", "unpacking"),
    ("[*numbers]", "unpacking"),
    ("lambda x: x", "only after key="),
    ("map(lambda x: x, [1])", "only after key="),
    ("sorted([1], key=lambda a, b: 1)", "one plain argument"),
    ("sorted([1], key=lambda a=1: 1)", "one plain argument"),
    ("cfg.__class__", "two underscores"),
    ("__import__('os')", "two underscores"),
    ("dict(__a=1)", "two underscores"),
    ("sorted([1], key=lambda __x: 1)", "two underscores"),
    ("().__\uff43lass__", "two underscores"),
    ("b'x'", "bytes"),
    ("1j", "complex"),
    ("...", "ellipsis"),
    ("1 @ 2", "@"),
    ("(x for x in y)()", "by their names"),
    ("[x async for x in y]", "async"),
    ("[1 for E in numbers]", "reserved"),
    ("[1 for cfg.a in numbers]", "names only"),
    ("len", "function, not a value"),
    ("[len]", "function, not a value"),
    ("str.format('a')", "function, not a value"),
    ("'a'.format(1)", "f-string"),
    ("numbers.append(1)", "append would change a value"),
    ("cfg.update(a=1)", "update would change a value"),
    ("E.clear()", "clear would change a value"),
    ("'a'.encode()", "no method"),
    ("(1).real", "no keys"),
    ("E.lr", "no keys"),
    ("lr()", "cannot be called"),
    ("E[-1].items()", "is a key here"),
    ("print('x')", "unknown"),
    ("1 / 0", "division by zero"),
    ("'a' + 1", "does not go together"),
    ("'a' < 1", "no order"),
    ("sorted([1, 'a'])", "do not go together"),
    ("sqrt(-1)", "math domain"),
    ("(-8) ** 0.5", "complex number"),
    ("abs(1, 2)", "wrong number or kind"),
    ("pow(2, 3, 5)", "wrong number or kind"),
    ("sorted([1], wrong=1)", "wrong number or kind"),
    ("dict(a=1, a=2)", "given twice"),
    ("f'{lr:{chr(125)}}'", "format specification"),
    ("f'{lr:1001}'", "width"),
    ("f'{lr:.500f}'", "precision"),
    ("'%*d' % (5, 1)", "% format"),
    ("'%d %d' % 1", "fewer values"),
    ("'%d' % (1, 2)", "more values"),
    ("f'{numbers:>5}'", "does not go with"),
    ("{1, 2}", "a set cannot be a value"),
    ("{(1, 2): 3}", "key is text or a number"),
    ("{None: 1}", "key is text or a number"),
    ("{'__x': 1}", "two underscores"),
    ("{[1]}", "cannot hold"),
    ("'\\ud800'", "surrogate"),
    ("numbers['a']", "whole numbers"),
    ("numbers[5]", "out of range"),
    ("E[5]", "out of range"),
    ("E[0.5]", "a number, a slice or the name"),
    ("lr is 0.1", "compare with"),
    ("next([])", "found nothing"),
    ("[a for a, b in [[1]]]", "list or tuple of 2"),
    ("9 ** 9 ** 9", "too large"),
    ("1 << 5000", "too large"),
    ("(2 ** 4000) * (2 ** 4000)", "too large"),
    ("'a' * 100001", "too long"),
    ("[0] * 20001", "too long"),
    ("range(10 ** 18)", "too long"),
    ("{i: i for i in range(2001)}", "too large"),
    ("{i * (2 ** 61 - 1) for i in range(100)}", "one hash"),
    ("'a'.rjust(10 ** 9)", "too long"),
    ("'a'.replace('', 'b' * 60000)", "too long"),
    ("','.join(['a' * 60000] * 2)", "too long"),
    ("'\\t'.expandtabs(10 ** 9)", "too long"),
    ("(',' * 30000).split(',')", "too long"),
    ("factorial(10 ** 9)", "too large"),
    ("comb(10 ** 6, 10 ** 5)", "too large"),
    ("round(10, -(10 ** 9))", "1000 digits"),
    ("int('9' * 6000)", "too long"),
    ("[[0] * 20000 == [0] * 20000 for i in range(20000)]", "too much work"),
    ("[[[0] * 1000] * 1000] * 1000 == [[[0] * 1000] * 1000] * 1000", "too much work"),
    ("[" + "1," * 301 + "]", "too large"),
    ("abs(" * 45 + "1" + ")" * 45, "nested too deeply"),
    ("1" * 2001, "too long"),
    ("not " * 450 + "1", "nested too deeply"),
    ("x" * 3 + "\x00", "characters that cannot be read" if sys.version_info < (3, 11) else "null"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_what_is_outside_the_language_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(GuardError) as caught:
        Evaluator().evaluate(text, scope())
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "cure"),
    [
        ("nmae", "nmae", "'name'"),
        ("LR", "LR", "'lr'"),
        ("srted([1])", "srted", "'sorted'"),
        ("cfg.my_key", "my_key", "'my-key'"),
        ("cfg['b']", "b", None),
    ],
)
def test_a_missing_name_comes_with_the_nearest_one(text: str, name: str, cure: str | None) -> None:
    with pytest.raises(MissingName) as caught:
        Evaluator().evaluate(text, scope())
    assert caught.value.name == name
    assert name in str(caught.value)
    assert cure is None or cure in str(caught.value.cure)


def test_keys_hide_functions() -> None:
    evaluator = Evaluator()
    assert evaluator.evaluate("list[0] + max", {"list": [1], "max": 2}) == 3
    with pytest.raises(GuardError, match="'list' is a key here and hides the function"):
        evaluator.evaluate("list((1, 2))", {"list": [1]})


def test_the_first_experiment_has_no_previous_one() -> None:
    with pytest.raises(GuardError, match="there is no previous experiment"):
        Evaluator().evaluate("E[-1].lr", {"E": Earlier([])})


def test_given_data_may_be_larger_than_what_may_be_built() -> None:
    given = {"numbers": list(range(100_000)), "E": Earlier([{"x": i} for i in range(30_000)])}
    evaluator = Evaluator()
    assert evaluator.evaluate("numbers[99999] + len(numbers) + len(E)", given) == 229_999
    assert evaluator.evaluate("numbers[:3]", given) == [0, 1, 2]
    with pytest.raises(GuardError, match="too long"):
        evaluator.evaluate("[e.x for e in E]", given)
    with pytest.raises(GuardError, match="too long"):
        evaluator.evaluate("numbers", given)


def test_the_work_of_a_file_is_bounded_and_grows_with_its_experiments() -> None:
    text = "sum([i * i for i in range(20000)]) * 0 + {}"
    evaluator = Evaluator()
    evaluator._left = 300_000
    evaluator.evaluate(text.format(1), {})
    evaluator._left = 1_000
    with pytest.raises(GuardError, match="too much work together"):
        evaluator.evaluate(text.format(2), {})
    assert Evaluator(experiments=1000)._left > Evaluator()._left


def test_the_cache_of_trees_is_bounded_by_nodes() -> None:
    from coolrun.expression.evaluator import KEPT_NODES

    evaluator = Evaluator()
    for number in range(6000):
        evaluator.evaluate(f"1 + 2 * {number}", {})
    assert evaluator._nodes == sum(tree.nodes for tree in evaluator._trees.values())
    assert 0 < evaluator._nodes <= KEPT_NODES
