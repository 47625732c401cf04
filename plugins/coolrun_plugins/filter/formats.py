"""Records for people and for other programs: a table, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun.display import shown, visible

if TYPE_CHECKING:
    from coolrun import Plain

Records = Sequence[dict[Any, "Plain"]]

WIDTH = 40  # columns of a value in a table


def as_json(records: Records) -> Iterator[str]:
    """One array, a record on each line."""
    for number, record in enumerate(records):
        yield ("[\n" if not number else ",\n") + json.dumps(_as_json(record), allow_nan=False)
    yield "\n]\n" if records else "[]\n"


def as_csv(records: Records) -> Iterator[str]:
    """A line of keys and a line for each record; what is missing is empty, lists are JSON."""
    columns = _columns(records)
    if not columns:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_key(key) for key in columns])
    for record in records:
        writer.writerow([_cell(record.get(key)) for key in columns])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def as_table(records: Records, *, whole: bool) -> Iterator[str]:
    """Columns for the keys that differ; before them, unless `whole`, what is the same in all."""
    from tabulate import tabulate

    columns = _columns(records)
    same: list[Any] = []
    if not whole and len(records) > 1:
        same = [key for key in columns if _is_same(records, key)]
        columns = [key for key in columns if key not in same]
    rows = [[_text(record, key) for key in columns] for record in records]
    if same:
        first = records[0]
        pairs = (f"{visible(_key(key))}: {shown(first[key], WIDTH)}" for key in same)
        yield f"the same in all: {', '.join(pairs)}\n\n"
    if rows and columns:
        headers = [visible(_key(key)) for key in columns]
        aligned = ["right" if _is_number(records, key) else "left" for key in columns]
        table = tabulate(
            rows, headers=headers, tablefmt="simple", disable_numparse=True, colalign=aligned
        )
        yield f"{table}\n"


def _columns(records: Records) -> list[Any]:
    return list(dict.fromkeys(key for record in records for key in record))


def _is_same(records: Records, key: Any) -> bool:
    first = records[0].get(key, records)
    return all(
        type(record.get(key, records)) is type(first) and record.get(key, records) == first
        for record in records
    )


def _is_number(records: Records, key: Any) -> bool:
    values = [record[key] for record in records if record.get(key) is not None]
    return all(type(value) in (int, float) for value in values)


def _text(record: Mapping[Any, Plain], key: Any) -> str:
    if key not in record:
        return ""
    value = record[key]
    return visible(value)[:WIDTH] if type(value) is str and value else shown(value, WIDTH)


def _cell(value: Plain) -> Plain:
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(_as_json(value), allow_nan=False, ensure_ascii=False)
    if isinstance(value, (bool, float)):
        return _key(value)
    return value


def _as_json(value: Plain) -> Any:
    """Numbers that JSON does not have become text, and so do all keys."""
    if isinstance(value, dict):
        return {_key(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _key(value)
    return value


def _key(key: Plain) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)
