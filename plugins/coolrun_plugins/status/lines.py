"""A report as lines of text that fit a width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from coolrun.display import cells, duration, numbers, shortened, shown, visible
from coolrun.pace import words

if TYPE_CHECKING:
    from coolrun_plugins.status.report import Report, Row

WAITS = 5  # lines about who waits for whom
VALUE = 16  # columns of a value
NAME = 20  # columns of a name or a heading
LONG_NAME = 40  # the same of a name where there is room
OUTPUT = 16  # the least that is worth seeing of what a run prints

COLOURS = {
    "running": "32",
    "paused": "33",
    "stopping": "33",
    "ending": "33",
    "ended": "31",
    "finished": "2",
}


class _Column(NamedTuple):
    heading: str
    texts: Sequence[str]
    width: int

    @classmethod
    def of(cls, heading: str, texts: Sequence[str]) -> _Column:
        return cls(heading, texts, max(map(cells, [heading, *texts])))


def lines(report: Report, width: int, now: datetime, *, colour: bool) -> Iterator[str]:
    """All that is told about a session, each line at most `width` columns wide."""
    yield from _headline(report, width, colour=colour)
    if report.reason:
        yield shortened(f"  {report.state}: {visible(report.reason)}", width)
    if report.rows:
        if report.left_behind:
            yield shortened("  these run on without the process that ran the session:", width)
        yield from _listed(report.rows, width)
        if report.more:
            yield shortened(f"  and {report.more} more that run (-a lists all)", width)
    yield from (shortened(line, width) for line in _waits(report.waits))
    if report.state in {"ended", "finished"}:
        seconds = (now - report.changed).total_seconds()
        ago = f"{duration(round(seconds))} ago" if seconds >= 10 else "just now"
        yield shortened(f"  {_end(report)} {ago}", width)
    if report.cure:
        yield f"  next: {report.cure}"
    if report.left_behind and report.cure.startswith("coolrun --resume"):
        yield f"  or end what runs: coolrun abort {report.name}"


def _headline(report: Report, width: int, *, colour: bool) -> Iterator[str]:
    """Name, state, counts and the time left, by the longest of several ways that fits."""
    counts = [f"{count} {_WORDS.get(word, word)}" for word, count in _ordered(report.counts)]
    left = words(report.left) if report.left and report.counts.keys() & _OPEN else ""
    left += " once it goes on" if left and report.state == "paused" else ""
    least = [c for c in counts if not c.endswith(("dequeued", "skipped"))]
    state = f"\x1b[{COLOURS[report.state]}m{report.state}\x1b[0m" if colour else report.state
    for some, time in ((counts, left), (least, left), (least, "")):
        rest = "  ".join(part for part in (", ".join(some), time) if part)
        if len(f"{report.name}  {report.state:<8}  {rest}") <= width:
            yield f"{report.name}  {state}{' ' * (8 - len(report.state))}  {rest}"
            return
    # On a narrow screen the counts get a line of their own.
    name = shortened(report.name, max(8, width - len(report.state) - 2))
    yield f"{name}  {state}"
    ways = (f"  {', '.join(least)}  {left}".rstrip(), f"  {', '.join(least)}")
    yield shortened(ways[0] if len(ways[0]) <= width else ways[1], width)


_OPEN = {"running", "waiting"}
_WORDS = {"left": "not run"}
_FIRST = ("done", "failed", "timeout", "interrupted", "running", "waiting", "left", "dequeued")


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    order = {word: number for number, word in enumerate(_FIRST)}
    return sorted(counts.items(), key=lambda item: order.get(item[0], len(order)))


def _end(report: Report) -> str:
    if report.state == "finished":
        return "finished"
    if report.exit_code is None:
        return "interrupted"
    return "ended by a person or a signal" if report.exit_code == 2 else "ended before all was run"


def _waits(waits: Mapping[int, Sequence[int]]) -> Iterator[str]:
    """Those that wait for the same share a line."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, needs in waits.items():
        groups.setdefault(tuple(needs), []).append(position)
    for needs, positions in list(groups.items())[:WAITS]:
        verb = "waits" if len(positions) == 1 else "wait"
        yield f"  {numbers(positions, 4)} {verb} for {numbers(needs, 4)}"
    if len(groups) > WAITS:
        rest = sum(len(positions) for positions in list(groups.values())[WAITS:])
        yield f"  and {rest} more wait for others"


def _listed(rows: Sequence[Row], width: int) -> Iterator[str]:
    """The runs as columns. What does not fit is left out, and named."""
    names = [shown(row.name, min(LONG_NAME, max(NAME, width // 4))) for row in rows]
    first = [_Column.of("#", [str(row.position) for row in rows]), _Column.of("name", names)]
    time = _Column.of("time", [_elapsed(row) for row in rows])
    room = width - sum(column.width + 2 for column in [*first, time])
    keys = dict.fromkeys(key for row in rows for key in row.parameters)
    named = {key: _Column.of(visible(shortened(key, NAME)), _values(rows, key)) for key in keys}
    fitting = set()
    for key in sorted(named, key=lambda key: len(rows) > 1 and len({*named[key].texts}) == 1):
        # What is the same in all rows comes last.
        if named[key].width + 2 <= room - OUTPUT - 2:
            fitting.add(key)
            room -= named[key].width + 2
    columns = [*first, *(column for key, column in named.items() if key in fitting), time]
    left_out = [key for key in named if key not in fitting]
    output = [_Column("output", [shortened(row.line, room - 2) for row in rows], 0)]
    columns += output if room > 6 else []
    for number in range(-1, len(rows)):
        texts = [_aligned(c.heading if number < 0 else c.texts[number], c) for c in columns]
        yield shortened(f"  {'  '.join(texts)}".rstrip(), width)
    if left_out:
        yield shortened(
            f"  (left out to fit the width: {', '.join(map(visible, left_out))})", width
        )


def _values(rows: Sequence[Row], key: str) -> list[str]:
    return [shown(row.parameters[key], VALUE) if key in row.parameters else "" for row in rows]


def _elapsed(row: Row) -> str:
    if row.elapsed is None:
        return "starts"
    # The moment of the start is known to the second: it began up to one later.
    return duration(row.elapsed) if row.elapsed >= 60 else f"{int(row.elapsed)} s"


def _aligned(text: str, column: _Column) -> str:
    padding = " " * (column.width - cells(text))
    return padding + text if column.heading in {"#", "time"} else text + padding
