"""Records for people and for other programs: a table, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coolrun import UsageError, display
from coolrun.display import key_text, shortened, shown, visible

from .fitting import WIDTH, Column, fitted

if TYPE_CHECKING:
    from coolrun import Plain

Records = Sequence[dict[Any, "Plain"]]

MOST_COLUMNS = 5_000
# What a terminal obeys, and what turns the order of letters around.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def as_json(records: Records) -> Iterator[str]:
    """One array, a record on each line."""
    for number, record in enumerate(records):
        yield ("[\n" if not number else ",\n") + json.dumps(
            display.as_json(record), allow_nan=False
        )
    yield "\n]\n" if records else "[]\n"


def as_csv(records: Records, *, terminal: bool = False) -> Iterator[str]:
    """A line of keys and a line for each record; what is missing is empty, lists are JSON.

    On a terminal control characters are escaped, elsewhere every text comes back as it was.
    """
    columns = _columns(records)
    if not columns:
        return
    _refuse_wide(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([key_text(key) for key in columns])
    for record in records:
        writer.writerow([_cell(record.get(key)) for key in columns])
        yield _harmless(text.getvalue()) if terminal else text.getvalue()
        text.seek(0)
        text.truncate()


def as_table(records: Records, *, whole: bool, width: int | None = None) -> Iterator[str]:
    """Columns for the keys that differ; before them, unless `whole`, what is the same in all.

    Args:
        width: the columns of a terminal, which it has to fit; None: as wide as it is.
    """
    from tabulate import tabulate

    keys = _columns(records)
    _refuse_wide(keys)
    same: list[Any] = []
    if not whole and len(records) > 1:
        same = [key for key in keys if _is_same(records, key)]
        keys = [key for key in keys if key not in same]
    columns = [
        Column(
            visible(key_text(key)),
            [_text(record, key) for record in records],
            "right" if _is_number(records, key) else "left",
        )
        for key in keys
    ]
    left_out: list[str] = []
    if width is not None:
        columns, left_out = fitted(columns, width)
    if same:
        first = records[0]
        pairs = (f"{visible(key_text(key))}: {shown(first[key], WIDTH)}" for key in same)
        yield f"the same in all: {', '.join(pairs)}\n\n"
    if records and columns:
        table = tabulate(
            list(zip(*(column.texts for column in columns), strict=True)),
            headers=[column.heading for column in columns],
            tablefmt="simple",
            disable_numparse=True,
            colalign=[column.align for column in columns],
        )
        yield f"{table}\n"
    if left_out:
        names = ", ".join(left_out)
        yield f"(left out to fit the width: {names}; --keep-keys chooses)\n"


def _columns(records: Records) -> list[Any]:
    return list(dict.fromkeys(key for record in records for key in record))


def _refuse_wide(columns: Sequence[Any]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise UsageError(
            f"the records have {len(columns):,} different keys, too many for columns",
            cure="name those that you want with --keep-keys",
        )


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
    if type(value) is str and value:
        return shortened(visible(value), WIDTH)
    return shown(value, WIDTH)


def _cell(value: Plain) -> Plain:
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(display.as_json(value), allow_nan=False, ensure_ascii=False)
    if isinstance(value, (bool, float)):
        return key_text(value)
    return value


def _harmless(text: str) -> str:
    return _OBEYED.sub(lambda match: visible(match[0]), text)
