"""Whatever is written: an expression gives plain data or the one kind of error."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coolrun.errors import ExpressionError
from coolrun.expression import Earlier, Evaluator, dependencies, order, resolve
from coolrun.plain import Marked, decode, encode

SCOPE: dict[str, Any] = {
    "a": 3,
    "b": 0.5,
    "s": "text %s",
    "l": [1, "x", None, [2]],
    "t": (1, 2),
    "m": {"k": 1, 2: "two", "n": {"x": [1]}},
}
EXPERIMENTS: list[dict[str, Any]] = [{"Name": "one", "x": 1, "l": [1]}, {"Name": "two", "x": 2.5}]

names = st.sampled_from(["a", "b", "s", "l", "t", "m", "E", "x", "nope", "len", "_", "__x"])
atoms = st.one_of(
    names,
    st.integers(-5, 5).map(repr),
    st.sampled_from(["1e308", "10**50", "''", "'%d'", "'ab'", "True", "None", "E[-1]", "2**4000"]),
    st.text(max_size=4).map(repr),
)
functions = st.sampled_from(
    [
        "abs",
        "all",
        "any",
        "bin",
        "bool",
        "chr",
        "dict",
        "divmod",
        "enumerate",
        "float",
        "format",
        "frozenset",
        "hex",
        "int",
        "len",
        "list",
        "max",
        "min",
        "next",
        "oct",
        "ord",
        "pow",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
        "comb",
        "factorial",
        "gcd",
        "sqrt",
        "log",
        "floor",
        "prod",
        "fsum",
        "perm",
        "lcm",
        "isqrt",
        "ldexp",
        "hypot",
        "map",
        "type",
        "open",
        "eval",
    ]
)
methods = st.sampled_from(
    [
        "get",
        "keys",
        "items",
        "values",
        "count",
        "index",
        "split",
        "join",
        "replace",
        "upper",
        "strip",
        "center",
        "zfill",
        "format",
        "append",
        "pop",
        "find",
        "partition",
        "union",
        "bit_length",
        "splitlines",
        "expandtabs",
        "title",
        "encode",
        "__class__",
        "copy",
    ]
)
binary = st.sampled_from(
    [
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "**",
        "<<",
        ">>",
        "&",
        "|",
        "^",
        "==",
        "!=",
        "<",
        ">=",
        "in",
        "is",
        "and",
        "or",
        "not in",
        "is not",
    ]
)


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, binary, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(["-", "not ", "~", "+"]), inner).map(lambda p: f"({p[0]}{p[1]})"),
        st.tuples(functions, st.lists(inner, max_size=3)).map(
            lambda p: f"{p[0]}({', '.join(p[1])})"
        ),
        st.tuples(inner, methods, st.lists(inner, max_size=2)).map(
            lambda p: f"({p[0]}).{p[1]}({', '.join(p[2])})"
        ),
        st.tuples(inner, names).map(lambda p: f"({p[0]}).{p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]})[{p[1]}:{p[2]}]"),
        st.lists(inner, max_size=3).map(lambda p: f"[{', '.join(p)}]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda p: f"{{{', '.join(p)}}}"),
        st.tuples(inner, inner).map(lambda p: f"{{{p[0]}: {p[1]}}}"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(inner, names, inner).map(lambda p: f"[{p[0]} for {p[1]} in {p[2]}]"),
        st.tuples(inner, inner).map(lambda p: f"sorted({p[0]}, key=lambda x: {p[1]})"),
        st.tuples(inner, st.sampled_from([">9", ".3f", "x", "{a}", "!r"])).map(
            lambda p: f"f'{{({p[0]}){p[1] if p[1] == '!r' else ':' + p[1]}}}'"
        ),
    )


expressions = st.recursive(atoms, grown, max_leaves=12)


def held(text: str) -> None:
    earlier = Earlier(EXPERIMENTS)
    scope = {**SCOPE, "E": earlier}
    before = copy.deepcopy([SCOPE, EXPERIMENTS])
    evaluator = Evaluator({"plugged": lambda *values: values})
    try:
        value = evaluator.evaluate(text, scope)
    except ExpressionError as error:
        assert len(error.message) < 520  # noqa: PT017 (both ends are fine, nothing else is)
        assert error.message.isprintable()  # noqa: PT017
    else:
        assert encode(decode(encode(value))) == encode(value)
    assert before == [SCOPE, EXPERIMENTS]


@settings(deadline=None, max_examples=400)
@given(expressions)
def test_an_expression_gives_plain_data_or_one_kind_of_error(text: str) -> None:
    held(text)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60))
def test_any_text_gives_plain_data_or_one_kind_of_error(text: str) -> None:
    held(text)


@settings(deadline=None, max_examples=200)
@given(expressions)
def test_a_filter_and_its_dependencies_end_as_well(text: str) -> None:
    record = {**SCOPE, "x": 1}
    evaluator = Evaluator()
    for work in (
        lambda: evaluator.predicate(text)(record),
        lambda: evaluator.predicate(f"lambda x: {text}")(record),
        lambda: order(evaluator.sort_key(text)(record)),
        lambda: dependencies(text),
    ):
        try:
            work()
        except ExpressionError:
            continue


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from("abcdl"), expressions, max_size=4), st.booleans())
def test_a_whole_experiment_resolves_or_names_its_key(
    texts: dict[str, str],
    free: bool,
) -> None:
    own = {key: Marked("parse", text) for key, text in texts.items()}
    try:
        result = resolve(
            own,
            {"m": {"k": 1, "e": Marked("parse", "k + 1")}, "s": ["x", Marked("parse", "a")]},
            {"t": 1},
            Earlier(EXPERIMENTS),
            Evaluator(),
            free_order=free,
        )
    except ExpressionError as error:
        assert error.key  # noqa: PT017
    else:
        encode(result.values)
        assert list(result.values) == [*own, *(k for k in ("m", "s") if k not in own)]
