"""modules/README.md says what the modules' code does."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import coolrun

ROOT = Path(__file__).parents[2]
README = (ROOT / "modules" / "README.md").read_text(encoding="utf-8")
SECTIONS = dict(
    re.findall(r"^## modules\.(\w+)\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
)

MODULES = sorted(
    file.stem
    for file in (ROOT / "modules").glob("*.py")
    if re.search(r"^def main\(", file.read_text(encoding="utf-8"), re.MULTILINE)
)


def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / "modules" / f"{name}.py").read_text(encoding="utf-8"))


def listed(name: str, kind: str) -> dict[str, str]:
    """The rows of one of a section's tables."""
    table = re.search(
        rf"^\| {kind} \|.*\n\|---\|---\|\n((?:\|.*\n)+)", SECTIONS[name], re.MULTILINE
    )
    rows = table.group(1).splitlines() if table else ()
    return {row.split("`")[1]: row for row in rows}


def uses_of_exp(name: str) -> tuple[set[str], set[str]]:
    """Parameters that a module reads, dotted, and results that it sets."""
    read, written = set(), set()
    inner = set()
    for node in ast.walk(tree_of(name)):
        names: list[str] = []
        root = node
        while isinstance(root, ast.Attribute):
            names.insert(0, root.attr)
            root = root.value
        if not names or not isinstance(root, ast.Name) or root.id != "exp" or id(node) in inner:
            continue
        assert isinstance(node, ast.Attribute)
        inner.add(id(node.value))
        if isinstance(node.ctx, ast.Store):
            written.add(names[0])
        else:
            read.add(".".join(names))
    return {path for path in read if path.split(".")[0] not in written}, written


def arguments_of(name: str) -> dict[str, object]:
    """The arguments that a module declares, and their defaults."""
    found: dict[str, object] = {}
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("add_argument"):
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            found[ast.literal_eval(node.args[0])] = ast.literal_eval(keywords["default"])
    return found


def is_given(value: object, path: str) -> bool:
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def test_every_module_has_a_section_and_every_section_a_module() -> None:
    assert sorted(SECTIONS) == MODULES
    libraries = {f.stem for f in (ROOT / "modules").glob("*.py")} - set(MODULES) - {"__init__"}
    rest = README.partition("## Not run by itself")[2]
    assert libraries == set(re.findall(r"`modules/(\w+)\.py` is", rest))


@pytest.mark.parametrize("name", MODULES)
def test_the_parameters_and_results_are_those_of_the_code(name: str) -> None:
    read, written = uses_of_exp(name)
    assert set(listed(name, "parameter")) == read
    assert set(listed(name, "result")) == written


@pytest.mark.parametrize("name", MODULES)
def test_the_arguments_are_those_of_the_code(name: str) -> None:
    arguments, rows = arguments_of(name), listed(name, "argument")
    assert set(rows) == set(arguments)
    for argument, default in arguments.items():
        assert f"({default})" in rows[argument]


@pytest.mark.parametrize("name", MODULES)
def test_the_definitions_of_a_section_give_every_parameter(name: str) -> None:
    definitions = re.findall(r"`(experiments/[\w-]+\.yaml)`", SECTIONS[name])
    assert definitions
    for definition in definitions:
        experiments = coolrun.plan(ROOT / definition).chosen
        assert any(experiment["Module"] == f"modules.{name}" for experiment in experiments)
        for experiment in experiments:
            if experiment["Module"] == f"modules.{name}":
                missing = [p for p in listed(name, "parameter") if not is_given(experiment, p)]
                assert not missing, (definition, experiment.name)
