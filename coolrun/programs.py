"""Runs that are programs: what to start, and what they leave behind for the record.

A program says what it found in the file that COOLRUN_RESULTS names: a mapping in YAML (or JSON);
of several documents the later ones win.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from coolrun.errors import CoolrunError
from coolrun.plain import Plain, encode
from coolrun.results import exit_line

LARGEST = 16 << 20  # bytes of results that are read


@dataclass(frozen=True)
class Program:
    """A program that does the work of a run.

    Attributes:
        file: the path of an executable file.
        arguments: what it gets; the first one is its own name.
    """

    file: str
    arguments: tuple[str, ...]


def ended_badly(code: int) -> str | None:
    """Why a program with this exit code has failed, or None; a negative code is a signal."""
    if code == 0:
        return None
    if code < 0:
        return f"killed by signal {-code} ({_name(-code)})"
    reason = {126: "a program could not be executed", 127: "a program was not found"}.get(code)
    return f"exit code {code} ({reason})" if reason else f"exit code {code}"


def read_written(path: str, reserved: Collection[str]) -> tuple[dict[str, Plain], list[str]]:
    """What a program wrote down, and what a person should know about it.

    Args:
        path: the file, which need not exist.
        reserved: the keys of the experiment and of the runner, which are no results.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"its results cannot be read: {error.strerror}"]
    if len(data) > LARGEST:
        return {}, [f"its results are not recorded: {path!r} is larger than {LARGEST:,} bytes"]
    results: dict[str, Plain] = {}
    warnings = []
    try:
        for value in _documents(data, path):
            results.update(value)
    except CoolrunError as error:
        warnings.append(f"its results are not all recorded: {' '.join(str(error).split())}")
    for key in [key for key in results if key in reserved]:
        del results[key]
        warnings.append(f"result {key!r} is not recorded: it is given by the experiment or coolrun")
    return results, warnings


def _documents(data: bytes, path: str) -> Iterator[dict[str, Plain]]:
    from coolrun.yamlio import read

    for document in read(data, path=path):
        if document.value is None:
            continue
        if not isinstance(document.value, dict):
            raise CoolrunError(f"{path!r} holds no mapping", cure="write `NAME: value`")
        yield {str(key): value for key, value in document.value.items()}


# For whoever starts a program and waits for it: it says nothing in the results file itself.


def end_results(
    path: str,
    failure: str | None,
    started: str,
    elapsed: float,
    written: tuple[dict[str, Plain], list[str]],
) -> None:
    """Write the rest of a run's results file: what its program wrote down, and how it ended.

    Raises:
        OSError: the file cannot be written.
    """
    results, warnings = written
    lines = [encode(["set", key, value]) for key, value in results.items()]
    lines += [encode(["warning", text]) for text in warnings]
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        data = "\n".join([*lines, exit_line(failure, started, elapsed)]).encode()
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
