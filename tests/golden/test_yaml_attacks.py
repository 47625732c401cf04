"""Every hostile file of the corpus that concerns the reader, against the reader."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml

from coolrun.errors import DefinitionError
from coolrun.plain import ATOMS
from coolrun.yamlio import read

_CORPUS = Path(__file__).with_name("sandbox_attacks.yaml")
_WORDS = ("parse", "await", "solve")


def _items() -> list[dict[str, Any]]:
    corpus = yaml.load(_CORPUS.read_bytes(), Loader=yaml.cyaml.CSafeLoader)
    return [item for item in corpus if item["kind"] == "yaml" and item.get("layer") != "tool"]


def _data(item: dict[str, Any]) -> bytes:
    made = item.get("gen", {})
    text = item.get("yaml") or "".join(
        [
            made.get("pre", ""),
            made.get("unit", "") * made.get("times", 0),
            made.get("mid", ""),
            made.get("unit2", "") * made.get("times2", 0),
            made.get("post", ""),
        ]
    )
    return text.encode(item.get("encode", "utf-8"))


def _is_plain(value: Any, depth: int = 0) -> bool:
    assert depth <= 50
    if type(value) is dict:
        return all(_is_plain(item, depth + 1) for item in value.values())
    if type(value) in (list, tuple):
        return all(_is_plain(item, depth + 1) for item in value)
    return type(value) in ATOMS


@pytest.mark.parametrize("item", [pytest.param(item, id=item["id"]) for item in _items()])
def test_a_hostile_file_does_no_more_than_the_corpus_allows(item: dict[str, Any]) -> None:
    data = _data(item)
    begin = process_time()

    error: DefinitionError | None = None
    values: list[Any] = []
    try:
        values = [
            document.value
            for document in read(data, path="hostile.yaml", definition=True, words=_WORDS)
        ]
    except DefinitionError as refused:
        error = refused

    if item["must"] == "blocked":
        assert error is not None, values
    if item["must"] == "literal":
        assert error is None
        assert values == [item["want"]]
        assert [repr(value) for value in values] == [repr(item["want"])]
    if error is not None:
        assert error.place is not None
        assert "line" in error.message
        assert len(str(error)) < 1000
    assert all(_is_plain(value) for value in values)
    # Seconds of the processor, not of the clock: a bound on work, wide enough for any machine.
    assert process_time() - begin < 20
