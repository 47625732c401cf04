"""docs/plugins.md tells every hook as its specification does, with an example that works."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import coolrun
from coolrun import hookspecs
from coolrun.cli import configure
from coolrun.testing import Project

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
HELLO = ROOT / "plugins" / "coolrun-hello"
SECTION = re.compile(
    r"### (?P<name>\w+)\n\n`(?P<signature>[^`]+)`\n\n(?P<text>\*.*?)\n\n"
    r"```python\n(?P<example>.*?)```\n",
    re.DOTALL,
)
SECTIONS = {found["name"]: found for found in SECTION.finditer(PAGE)}


def specifications(module: ModuleType) -> list[ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(module))
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


def modules() -> list[ModuleType]:
    """Those with hook specs: the core's, then those of plugins in the order of their names."""
    names = sorted(
        ".".join(file.relative_to(ROOT / "plugins").with_suffix("").parts)
        for file in (ROOT / "plugins" / "coolrun_plugins").rglob("hookspecs.py")
    )
    return [hookspecs, *map(import_module, names)]


SPECIFIED = {node.name: node for module in modules() for node in specifications(module)}


def told(text: str) -> str:
    return " ".join(text.split())


def test_the_hooks_of_the_core_are_told_in_their_order() -> None:
    page = PAGE.partition("## The hooks\n")[2].partition("## Hooks that plugins have\n")[0]
    assert re.findall(r"^### (\w+)$", page, re.MULTILINE) == [
        node.name for node in specifications(hookspecs)
    ]


def test_the_hooks_of_plugins_are_told_too() -> None:
    page = PAGE.partition("## Hooks that plugins have\n")[2]
    names = {node.name for module in modules()[1:] for node in specifications(module)}
    assert set(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == names
    assert SECTIONS.keys() == SPECIFIED.keys()


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_hook_is_told_with_its_signature_kind_and_contract(name: str) -> None:
    node, section = SPECIFIED[name], SECTIONS[name]
    returns = ast.unparse(node.returns or ast.Constant(None))
    assert section["signature"] == f"{name}({ast.unparse(node.args)}) -> {returns}"
    first, _, rest = (ast.get_docstring(node) or "").partition("\n\n")
    sentence, kind = re.fullmatch(r"(.*) \[(.*)\]", told(first)).groups()  # type: ignore[union-attr]
    stops = any("firstresult=True" in ast.unparse(mark) for mark in node.decorator_list)
    assert kind.startswith(("setup", "deciding", "observing"))
    label = f"*{kind.partition(',')[0]}{', first result' if stops else ''}*."
    assert told(section["text"]) == told(f"{label} {sentence} {rest}"), "quote its docstring"
    assert "the runner" in rest or "the process of the run" in rest, "say in which process"


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_type_in_a_signature_is_public_or_told_with_its_module(name: str) -> None:
    elsewhere = {"Any", "Callable", "Iterable", "Mapping", "None", "Path", "Sequence"}
    names = set(re.findall(r"\b[A-Z]\w*", SECTIONS[name]["signature"])) - elsewhere
    for kind in names - set(coolrun.__all__):
        found = re.search(rf"`(coolrun[\w.]+)\.{kind}`", PAGE)
        assert found is not None, f"say where {kind} is"
        assert hasattr(import_module(found[1]), kind)


@pytest.mark.parametrize("name", SPECIFIED)
def test_the_example_of_a_hook_is_a_plugin_that_works(name: str, project: Project) -> None:
    project(
        {
            "example.py": SECTIONS[name]["example"],
            "experiment.yaml": "Command: 'true'\n---\nlr: 1\nlist: parse [1]\n",
        }
    )
    outcome = project.run("-p", "example", env={"COOLRUN_DISABLE_PLUGIN_AUTOLOAD": "1"})
    assert outcome.code == 0
    assert "failed in" not in outcome.err
    assert "nobody calls" not in outcome.err
    assert [record["STATUS"] for record in outcome.records] == ["done"]
    assert f"def {name}(" in SECTIONS[name]["example"]


@pytest.mark.parametrize("file", ["best.py", "nice.py"])
def test_a_plugin_and_a_launcher_take_twenty_lines(file: str) -> None:
    text = re.search(rf"<!-- file: {file} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert text is not None
    assert len([line for line in text[1].splitlines() if line]) <= 20


def test_the_tutorial_builds_the_package_that_is_kept_as_the_example() -> None:
    files = dict(
        re.findall(r"<!-- file: coolrun-hello/(.*?) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    )
    assert files.keys() == {
        "pyproject.toml",
        "coolrun_hello.py",
        "tests/test_coolrun_hello.py",
    }
    for name, text in files.items():
        assert text == (HELLO / name).read_text(encoding="utf-8"), name


def test_what_a_plugin_can_declare_is_told_with_all_arguments() -> None:
    config = configure([])
    config.close()
    rows = dict(re.findall(r"^\| `parser\.(\w+)\((.*?)\)` \|", PAGE, re.MULTILINE))
    functions = {
        name: inspect.signature(getattr(config.parser, name)).parameters
        for name in dir(config.parser)
        if name.startswith("add_")
    }
    assert rows.keys() == functions.keys()
    for name, parameters in functions.items():
        for parameter in parameters.values():
            if name != "add_command" or parameter.default is parameter.empty:
                assert parameter.name in rows[name] or "..." in rows[name], (name, parameter.name)


def test_what_launchers_are_written_with_is_told() -> None:
    for name in ("ProcessLauncher", "task(run, config)", "exit_of(run, code)", "stop(process"):
        assert name in PAGE
