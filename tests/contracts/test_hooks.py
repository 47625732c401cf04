"""Every hook says what kind it is, is called by the core, used by a built-in, and tested."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

from coolrun import hookspecs

ROOT = Path(__file__).parents[2]
# The core's own, and those that built-in plugins add.
SPECS = [
    hookspecs,
    *(
        import_module(f"coolrun_plugins.{file.parent.name}.hookspecs")
        for file in sorted((ROOT / "plugins" / "coolrun_plugins").glob("*/hookspecs.py"))
    ),
]
FUNCTIONS: dict[str, FunctionType] = {
    name: value
    for module in SPECS
    for name, value in vars(module).items()
    if name.startswith("coolrun_") and isinstance(value, FunctionType)
}
HOOKS = sorted(FUNCTIONS)
KINDS = re.compile(r"\[(setup|deciding|observing)(, first( result)?)?\]")


def function(hook: str) -> ast.FunctionDef:
    (found,) = ast.parse(inspect.getsource(FUNCTIONS[hook])).body
    assert isinstance(found, ast.FunctionDef)
    return found


def files(*folders: str) -> dict[Path, str]:
    return {
        file: file.read_text(encoding="utf-8")
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        if file != Path(__file__)
    }


def implementations(text: str) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and any("hookimpl" in ast.unparse(decorator) for decorator in node.decorator_list)
    }


def test_there_are_hooks() -> None:
    assert len(HOOKS) > 15


@pytest.mark.parametrize("hook", HOOKS)
def test_the_docstring_is_a_sentence_with_its_kind(hook: str) -> None:
    first = (inspect.getdoc(FUNCTIONS[hook]) or "").split("\n\n")[0]
    assert first[:1].isupper()
    kind = KINDS.search(first)
    assert kind, f"{hook}: say [setup], [deciding] or [observing]"
    stops_at_first = any(
        "firstresult=True" in ast.unparse(d) for d in function(hook).decorator_list
    )
    assert stops_at_first == ("first" in kind[0]), f"{hook}: say whether the first result stops"


@pytest.mark.parametrize("hook", HOOKS)
def test_a_deciding_hook_says_what_none_means_where_it_may_be_returned(hook: str) -> None:
    returns = ast.unparse(function(hook).returns or ast.Constant(value=None))
    if "| None" in returns:
        assert "None" in (inspect.getdoc(FUNCTIONS[hook]) or "")


@pytest.mark.parametrize("hook", HOOKS)
def test_somebody_calls_it(hook: str) -> None:
    """The core, or, for a hook of a command, the plugin that has the command."""
    callers = [
        file.name
        for file, text in files("coolrun", "plugins").items()
        if hook in text and file.name != "hookspecs.py" and hook not in implementations(text)
    ]
    assert callers, f"nobody calls {hook}"


@pytest.mark.parametrize("hook", HOOKS)
def test_a_test_names_it(hook: str) -> None:
    assert any(hook in text for text in files("tests").values()), f"no test names {hook}"


@pytest.mark.parametrize(
    "file",
    sorted(files("plugins/coolrun_plugins")),
    ids=lambda f: str(f.relative_to(ROOT / "plugins" / "coolrun_plugins")),
)
def test_a_built_in_implements_only_hooks_that_exist(file: Path) -> None:
    assert implementations(file.read_text(encoding="utf-8")) <= set(HOOKS)
