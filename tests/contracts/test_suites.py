"""Whatever launches or queues passes the suite that those of strangers have to pass."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from coolrun.protocols import Launcher, Queue

ROOT = Path(__file__).parents[2]


def classes(folder: Path) -> list[ast.ClassDef]:
    return [
        node
        for file in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]


def functions(node: ast.ClassDef) -> set[str]:
    return {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}


def promised(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


def heirs_of(suite: str) -> str:
    """The text of all tests that inherit a suite."""
    found = [
        node
        for node in classes(ROOT / "tests")
        if any(ast.unparse(base) == suite for base in node.bases)
    ]
    return "\n".join(map(ast.unparse, found))


@pytest.mark.parametrize(
    ("protocol", "suite", "known"),
    [
        (Launcher, "LauncherSuite", {"InlineLauncher", "LocalLauncher"}),
        (Queue, "QueueSuite", {"MemoryQueue", "DiskQueue"}),
    ],
)
def test_every_implementation_inherits_its_suite(
    protocol: type, suite: str, known: set[str]
) -> None:
    own = {
        node.name
        for node in classes(ROOT / "plugins" / "coolrun_plugins")
        if promised(protocol) <= functions(node)
    }
    assert known <= own
    tests = heirs_of(suite)
    assert {name for name in own if f"{name}(" not in tests} == set()


def test_both_ways_of_the_local_launcher_are_tested() -> None:
    assert "spawn" in heirs_of("LauncherSuite")
