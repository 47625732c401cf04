"""The house keeps its shape: the direction of imports, and a core that knows no feature."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "coolrun"
PLUGINS = ROOT / "plugins" / "coolrun_plugins"

# Each layer may import those to its left.
LAYERS = [
    {"entry_points", "errors", "plain", "clock", "machine", "cgroups", "streams", "durations"},
    {
        "files",
        "argument_files",
        "expression",
        "yamlio",
        "plainness",
        "failure",
        "display",
        "causes",
        "pace",
        "output",
        "concealment",
        "outbox",
        "progress",
    },
    {"experiment"},
    {"run", "definition", "results", "importing", "parameters", "programs", "differences"},
    {"records", "store", "outline", "protocols", "hookspecs"},
    {
        "declarations",
        "arguments",
        "config",
        "schema",
        "answers",
        "hookimpls",
        "owners",
        "calling",
        "plugins",
        "execution",
    },
    {"planning"},
    {"scheduler", "waiting", "timers", "journal", "control", "leases"},
    {"standing", "finding", "stragglers"},
    {"steering"},
    {"signals"},
    {"session"},
    {"resurvey"},
    {"opening"},
    {"ending"},
    {"main"},
    {"cli"},
    {"handover"},
    {"launching"},
    {"__main__"},
]
FEATURES = re.compile(
    r"\b(gpu|slack|repeat|grid|pick|yamllog|solve|await|filter|table)\b", re.IGNORECASE
)
NAMES = re.compile(r"\b(RND_IDX|REP|Global|Module)\b")


def core_files() -> list[Path]:
    return [f for f in sorted(CORE.rglob("*.py")) if "testing" not in f.parts]


def layer_of(name: str) -> int:
    for number, layer in enumerate(LAYERS):
        if name in layer:
            return number
    raise AssertionError(f"coolrun.{name} has no place in the layers: give it one")


def imports(file: Path) -> Iterator[str]:
    """Names of `coolrun.X` that a file imports at run time, inside functions too."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (
                [node.module]
                if node.module != "coolrun"
                else [f"coolrun.{alias.name}" for alias in node.names]
            )
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def own_layer(file: Path) -> str:
    return file.relative_to(CORE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", core_files(), ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_of_the_core_point_one_way(file: Path) -> None:
    name = own_layer(file)
    if name == "__init__":
        return
    for imported in imports(file):
        parts = imported.split(".")
        if parts[0] != "coolrun" or len(parts) < 2 or parts[1] in {name, "__version__"}:
            continue
        assert layer_of(parts[1]) <= layer_of(name), f"{name} must not import {imported}"


@pytest.mark.parametrize("file", core_files(), ids=lambda f: str(f.relative_to(ROOT)))
def test_the_core_names_no_feature(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        for found in (FEATURES.search(token.string), NAMES.search(token.string)):
            assert found is None, f"{file.name}:{token.start[0]} names {found and found[0]!r}"


@pytest.mark.parametrize(
    "file", sorted(PLUGINS.rglob("*.py")), ids=lambda f: str(f.relative_to(ROOT))
)
def test_a_built_in_plugin_imports_no_other(file: Path) -> None:
    own = file.relative_to(PLUGINS).parts[0].removesuffix(".py")
    for imported in imports(file):
        parts = imported.split(".")
        if parts[0] == "coolrun_plugins" and len(parts) > 1:
            assert parts[1] == own, f"{own} must not import {imported}"


def test_only_the_entry_point_leaves_the_process() -> None:
    for file in core_files():
        calls = re.findall(r"sys\.exit\(", file.read_text(encoding="utf-8"))
        assert len(calls) == (1 if file.name == "__main__.py" else 0), file.name
