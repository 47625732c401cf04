from __future__ import annotations

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import math
import pathlib
import types
import uuid
from typing import Any

import numpy as np
import pytest

from coolrun.parameters import Parameters, to_plain
from coolrun.plain import Marked, decode, encode


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2)


class Level(enum.IntEnum):
    HIGH = 3


class Word(str):
    __slots__ = ()


class Number(float):
    pass


class Count(int):
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: object = None
    kind: str = dataclasses.field(default="point", init=False)


Pair = collections.namedtuple("Pair", "a b")


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError


class Wordy:
    def __repr__(self) -> str:
        return "w" * 5000


class Tensor:
    """What torch shows of a tensor, for the bounds; torch itself is not needed."""

    __module__ = "torch"

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape = self.values.shape

    def tolist(self) -> Any:
        return self.values.tolist()

    def __getitem__(self, index: Any) -> Tensor:
        return Tensor(self.values[index])


class BrokenTensor(Tensor):
    def tolist(self) -> Any:
        raise RuntimeError("on another device")


EXACT: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (1, 1),
    (2**70, 2**70),
    (1.5, 1.5),
    ("text", "text"),
    ("é", "é"),
    (Word("w"), "w"),
    (Number(1.5), 1.5),
    (Count(3), 3),
    (Marked("parse", "1 + 1"), "parse 1 + 1"),
    ([1, (2, {"a": 3})], [1, (2, {"a": 3})]),
    ({1: "a", 2.5: "b", False: "c"}, {1: "a", 2.5: "b", False: "c"}),
    (np.float32(0.5), 0.5),
    (np.float64(0.5), 0.5),
    (np.int8(3), 3),
    (np.bool_(True), True),
    (np.longdouble(1.5), 1.5),
    (np.str_("s"), "s"),
    (np.array(3), 3),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (np.array([]), []),
    (np.zeros((0, 3)), []),
    (np.array([1, "a", None, {2}], dtype=object), [1, "a", None, [2]]),
    (np.datetime64("2020-01-02T03:04:05.000000006"), "2020-01-02T03:04:05.000000006"),
    (np.array([(1, 2.5)], dtype=[("a", int), ("b", float)]), [(1, 2.5)]),
    (np.ma.masked_array([1, 2], [False, True]), [1, None]),
    (Tensor([[1.0, 2.0]]), [[1.0, 2.0]]),
    (Tensor(1.5), 1.5),
    (pathlib.Path("/a/b"), "/a/b"),
    (Color.RED, "red"),
    (Color.PAIR, (1, 2)),
    (Level.HIGH, 3),
    (Point(1, {2, 1}), {"x": 1, "y": [1, 2], "kind": "point"}),
    (Pair(1, [2]), {"a": 1, "b": [2]}),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    ({1, "a"}, [1, "a"]),
    (datetime.datetime(2020, 1, 2, 3, 4), "2020-01-02T03:04:00"),  # noqa: DTZ001
    (datetime.date(2020, 1, 2), "2020-01-02"),
    (datetime.time(3, 4), "03:04:00"),
    (datetime.timedelta(minutes=1), 60.0),
    (b"bytes", "bytes"),
    (bytearray(b"bytes"), "bytes"),
    (memoryview(b"bytes"), "bytes"),
    (range(3), [0, 1, 2]),
    (collections.deque([1, 2]), [1, 2]),
    (array.array("d", [1, 2]), [1.0, 2.0]),
    ({"b": 1, "a": 2}.keys(), ["b", "a"]),
    ({"b": 1}.values(), [1]),
    ({"b": 1}.items(), [("b", 1)]),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (Parameters({"a": {"b": 1}, "items": [2]}), {"a": {"b": 1}, "items": [2]}),
    ({np.int64(5): 1, Color.RED: 2}, {5: 1, "red": 2}),
    (decimal.Decimal("1.5"), 1.5),
    (fractions.Fraction(1, 2), 0.5),
    (uuid.UUID(int=3), "00000000-0000-0000-0000-000000000003"),
]


def kinds(value: Any) -> Any:
    """The value with its exact types, all the way down."""
    if isinstance(value, dict):
        return type(value), [(kinds(k), kinds(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [kinds(item) for item in value]
    return type(value)


@pytest.mark.parametrize(("value", "expected"), EXACT, ids=lambda value: type(value).__name__)
def test_what_has_a_plain_form_is_written_in_it(value: object, expected: object) -> None:
    plain, warning = to_plain(value)
    assert plain == expected
    assert kinds(plain) == kinds(expected)
    assert warning is None
    assert decode(encode(plain)) == expected


@pytest.mark.parametrize("value", [math.inf, -math.inf, np.float32("inf")])
def test_infinities_stay_floats(value: float) -> None:
    assert to_plain(value) == (float(value), None)


@pytest.mark.parametrize("value", [math.nan, np.float64("nan"), [math.nan]])
def test_nan_stays_a_float(value: Any) -> None:
    plain, warning = to_plain(value)
    assert math.isnan(plain[0] if isinstance(plain, list) else plain)
    assert warning is None


@pytest.mark.parametrize("value", [object(), int, len, lambda: 0, 1j, (i for i in "ab"), Wordy()])
def test_what_has_none_becomes_its_repr_with_a_warning(value: object) -> None:
    plain, warning = to_plain(value)
    assert plain == (repr(value) if len(repr(value)) <= 1000 else "w" * 997 + "...")
    assert warning is not None
    assert "is not plain data: its repr is kept" in warning


def test_the_warning_names_the_type_and_the_place_inside() -> None:
    warning = to_plain({"a": [1, {"model": Unprintable()}]})[1]
    assert warning is not None
    assert warning.startswith("at a[1].model: a value of type ")
    assert "Unprintable" in warning


def test_several_losses_make_one_warning() -> None:
    warning = to_plain([object(), object(), object()])[1]
    assert warning is not None
    assert warning.endswith("(and 2 more like this)")


def test_a_repr_that_raises_loses_nothing_else() -> None:
    plain, warning = to_plain({"ACC": 0.9, "MODEL": Unprintable()})
    assert plain["ACC"] == 0.9
    assert "Unprintable, repr failed: ValueError>" in plain["MODEL"]
    assert warning is not None


def test_a_value_that_cannot_be_read_becomes_its_repr() -> None:
    class Broken(collections.UserDict[str, int]):
        def __getitem__(self, key: str) -> int:
            raise OSError

        def __repr__(self) -> str:
            return "broken"

    for value, name in ((Broken(a=1), "OSError"), (BrokenTensor([1]), "RuntimeError")):
        plain, warning = to_plain(value)
        assert plain == repr(value)
        assert warning is not None
        assert f"could not be read ({name})" in warning


def test_cycles_end() -> None:
    cycle: list[Any] = [1]
    cycle.append({"again": cycle})
    plain, warning = to_plain(cycle)
    assert plain[0] == 1
    assert plain[1]["again"] == repr(cycle)
    assert warning is not None
    assert "contains itself" in warning


def test_what_is_held_twice_is_no_cycle() -> None:
    twice = [1]
    assert to_plain([twice, twice]) == ([[1], [1]], None)


@pytest.mark.parametrize("depth", [41, 45, 5000])
def test_depth_ends(depth: int) -> None:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    plain, warning = to_plain(deep)
    assert warning is not None
    assert "levels deep" in warning
    assert "..." in warning
    assert len(encode(plain)) < 1200


def test_forty_levels_are_kept() -> None:
    deep: list[Any] = []
    for _ in range(40):
        deep = [deep]
    assert to_plain(deep) == (deep, None)


def test_keys_that_are_none_become_text() -> None:
    plain, warning = to_plain({None: 1, (1, 2): 2, "None": 3, "None (2)": 4, Unprintable: 5})
    assert list(plain)[:4] == ["None", "(1, 2)", "None (2)", "None (2) (2)"]
    assert list(plain.values()) == [1, 2, 3, 4, 5]
    assert warning is not None
    assert "the key None is kept as text" in warning


@pytest.mark.parametrize(
    ("shape", "kept"),
    [((1000, 1000), (100, 1000)), ((100_001,), (100_000,)), ((2, 200_000), (100_000,))],
)
def test_huge_arrays_are_shortened(shape: tuple[int, ...], kept: tuple[int, ...]) -> None:
    for value in (np.ones(shape), Tensor(np.ones(shape)) if len(shape) == 1 else np.ones(shape)):
        plain, warning = to_plain(value)
        assert np.shape(plain) == kept
        assert warning is not None
        total = math.prod(shape)
        assert warning == f"only 100000 of the {total} values of an array {shape} are kept"


def test_what_fits_is_kept_whole() -> None:
    plain, warning = to_plain(np.ones((1000, 100)))
    assert np.shape(plain) == (1000, 100)
    assert warning is None
    assert to_plain(list(range(100_000)))[1] is None


def test_long_lists_and_mappings_are_shortened_too() -> None:
    plain, warning = to_plain(list(range(100_005)))
    assert len(plain) == 100_000
    assert warning == "only the first 100000 of 100005 values are kept"
    plain, warning = to_plain(dict.fromkeys(range(100_005)))
    assert len(plain) == 100_000
    assert warning == "only the first 100000 of 100005 keys are kept"


def test_lists_that_hold_one_another_end() -> None:
    for bottom in ([1], []):
        bomb: list[Any] = bottom
        for _ in range(35):
            bomb = [bomb, bomb]
        plain, warning = to_plain(bomb)
        assert len(encode(plain)) < 2_000_000
        assert warning is not None


def test_lone_surrogates_are_escaped() -> None:
    plain, warning = to_plain({"a\ud800": "b\udfff"})
    assert plain == {"a\\ud800": "b\\udfff"}
    assert warning is not None
    assert to_plain("é\ud800")[0].encode() == "é\\ud800".encode()


def test_bytes_that_are_no_text_are_hexadecimal() -> None:
    plain, warning = to_plain(b"\xff\x00")
    assert plain == "ff00"
    assert warning == "2 bytes that are no text are kept as hexadecimal text"
    assert len(to_plain(b"\xff" * 10_000)[0]) == 1000


def test_integers_that_python_refuses_to_print_are_hexadecimal() -> None:
    plain, warning = to_plain(10**5000)
    assert plain.startswith("0x")
    assert len(plain) == 1000
    assert warning == f"an integer of {(10**5000).bit_length()} bits is kept as hexadecimal text"
    assert to_plain(10**4000) == (10**4000, None)


def test_the_result_shares_nothing_with_the_value() -> None:
    value = {"a": [1]}
    plain, _ = to_plain(value)
    value["a"].append(2)
    assert plain == {"a": [1]}
