"""`coolrun schema` accepts what definitions may say, and refuses what coolrun would refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

import coolrun
from coolrun.cli import configure
from coolrun.config import Config
from coolrun.declarations import Parser
from coolrun.schema import document_schema, settings_schema
from coolrun.testing import Project

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?P<marks>(?:<!-- .* -->\n)*)```yaml\n(?P<text>.*?)```", re.DOTALL)


class Editor(yaml.SafeLoader):
    """Reads documents as an editor's language server does that was told of the tags."""


def as_it_stands(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return node.value


for tag in ("!merge", "!delete", "!text"):
    Editor.add_constructor(tag, as_it_stands)
Editor.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"\d+(\.\d*)?e-?\d+"), None)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    config = configure([])
    yield config.parser
    config.close()


@pytest.fixture(scope="module")
def validator(parser: Parser) -> Draft202012Validator:
    return Draft202012Validator(json.loads(json.dumps(document_schema(parser))))


def complaints(text: str, validator: Draft202012Validator) -> list[str]:
    """What an editor underlines in the documents of a definition."""
    found = [
        best_match([error])
        for document in yaml.load_all(text, Editor)
        for error in validator.iter_errors(document)
    ]
    return [f"{error.json_path}: {error.message}" for error in found if error]


def settings_in(schema: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = schema["properties"]["Global"]["anyOf"][0]["properties"]
    return settings


def test_it_is_printed_for_a_file(project: Project, parser: Parser) -> None:
    outcome = project.run("schema")
    assert outcome.err == ""
    schema = json.loads(outcome.out)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schema["properties"]) == list(parser.keys)
    assert list(settings_in(schema)) == list(parser.settings)


def test_every_key_and_setting_is_explained(parser: Parser) -> None:
    schema = document_schema(parser)
    for name, key in parser.keys.items():
        assert schema["properties"][name]["description"] == f"{key.help} ({key.type})"
    settings = settings_in(schema)
    for name, setting in parser.settings.items():
        assert settings[name]["description"] == setting.help
        assert settings[name]["default"] == json.loads(json.dumps(setting.default))
    assert "solve: build a Python object" in schema["$defs"]["expression"]["description"]


def test_what_plugins_of_strangers_declare_is_in_it(project: Project) -> None:
    project(
        {
            "odd.py": """
                from coolrun import hookimpl

                @hookimpl
                def coolrun_addoption(parser):
                    parser.add_key("Mood", type="text", help="how it feels")
                    parser.add_key("Rank", type="number", help="x", schema={"type": "number"})
                    parser.add_setting(
                        "tone", type=str, default="low", help="x", schema={"enum": ["low", "high"]}
                    )
                    parser.add_word("guess", help="made up at launch")
            """
        }
    )
    outcome = project.run("-p", "odd", "schema", env={"PYTHONPATH": str(project.path)})
    odd = Draft202012Validator(json.loads(outcome.out))
    assert complaints("Global: {tone: high}\nMood: [1]\nRank: guess 7\n", odd) == []
    assert complaints("Global: {tone: 3}\nRank: many\n", odd) == [
        "$.Global.tone: 3 is not one of ['low', 'high']",
        "$.Rank: 'many' is not valid under any of the given schemas",
    ]


def test_a_plugin_that_gives_no_schema_is_named(project: Project) -> None:
    project(
        {
            "odd.py": """
                from coolrun import hookimpl

                @hookimpl
                def coolrun_addoption(parser):
                    parser.add_key("Mood", type="text", help="x", schema=lambda: 1 / 0)
            """
        }
    )
    outcome = project.run("-p", "odd", "schema")
    assert outcome.code == 3
    assert outcome.err == (
        "error: plugin 'odd' gives no schema of 'Mood': ZeroDivisionError: division by zero\n"
        "  leave it out: -p no:odd\n"
    )


def test_a_default_that_json_does_not_know_is_shown_as_text(project: Project) -> None:
    project(
        {
            "odd.py": """
                from pathlib import Path

                from coolrun import hookimpl

                @hookimpl
                def coolrun_addoption(parser):
                    parser.add_setting("place", type=Path, default=Path("/data"), help="x")
            """
        }
    )
    settings = settings_in(json.loads(project.run("-p", "odd", "schema").out))
    assert settings["place"] == {"description": "x", "default": "/data"}


def test_what_a_blocked_plugin_declares_is_not_in_it(project: Project) -> None:
    schema = json.loads(project.run("-p", "no:limits", "-p", "no:jobs", "schema").out)
    assert "Timeout" not in schema["properties"]
    assert "jobs" not in settings_in(schema)
    for word in ("parse", "await_", "solve"):
        schema = json.loads(project.run("-p", f"no:{word}", "schema").out)
        assert word.rstrip("_") not in schema["$defs"]["expression"]["pattern"]
    args = [part for word in ("parse", "await_", "solve") for part in ("-p", f"no:{word}")]
    schema = json.loads(project.run(*args, "schema").out)
    assert "expression" not in schema["$defs"]
    assert "#/$defs/expression" not in json.dumps(schema)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda f: f.name
)
def test_every_example_is_accepted(file: Path, validator: Draft202012Validator) -> None:
    assert complaints(file.read_text(encoding="utf-8"), validator) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda f: f.name)
def test_every_definition_of_the_docs_is_accepted(
    page: Path, validator: Draft202012Validator
) -> None:
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if "error:" not in block["marks"] and "warning:" not in block["marks"]:
            assert complaints(block["text"], validator) == [], block["text"]


def test_every_definition_of_the_acceptance_cases_is_accepted(
    validator: Draft202012Validator,
) -> None:
    cases = yaml.safe_load((ROOT / "tests" / "golden" / "parse_cases.yaml").read_text())
    accepted = [case for case in cases if "expect" in case]
    assert len(accepted) > 50
    for case in accepted:
        assert complaints(case["yaml"], validator) == [], case["id"]


@pytest.mark.parametrize(
    "text",
    [
        "Timeout: 1h30m\n---\nTimeout: 0.5\n---\nTimeout: null\n---\nTimeout: parse 2 * x\n",
        "Repeat: 3\n---\nRepeat: !delete\n",
        "Grid: {lr: [0.1, parse 1 + 1]}\n---\nGrid: [{lr: [1]}, {depth: [1, 2]}]\n",
        "After: previous\n---\nAfter: [3, name]\n",
        "Env: {A: 1, B: true, C: parse x}\n",
        "Retries: await E[-1].N\n",
        "---\n{}\n",
        "Global:\n",
        "timeout: [1]\nAnything: {a: [b]}\nx: parse\n",
        "Name: skip\n---\nName:\n---\nName: parse f'{x}'\n",
    ],
)
def test_it_is_accepted(text: str, validator: Draft202012Validator) -> None:
    assert complaints(text, validator) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Global: {jobs: 0}\n", "$.Global.jobs: 0 is less than the minimum of 1"),
        ("Global: {jobs: parse 1 + 1}\n", "$.Global.jobs: 'parse 1 + 1' is not valid under any"),
        ("Global: {merge: shallow}\n", "$.Global.merge: 'shallow' is not one of"),
        ("Global: {repaet: 2}\n", "('repaet' was unexpected)"),
        ("Global: [1]\n", "$.Global: [1] is not valid under any"),
        ("Global: {repeat: -1}\n", "$.Global.repeat: -1 is less than the minimum of 0"),
        ("Timeout: soon\n", "$.Timeout: 'soon' does not match"),
        ("Timeout: 0\n", "$.Timeout: 0 is not valid under any"),
        ("Repeat: parse 1 + 1\n", "$.Repeat: 'parse 1 + 1' is expected to be empty"),
        ("Repeat: true\n", "$.Repeat: True is not valid under any"),
        ("Retries: many\n", "$.Retries: 'many' is not valid under any"),
        ("Grid: {lr: 0.1}\n", "$.Grid.lr: 0.1 is not of type 'array'"),
        ("Cwd: elsewhere\n", "$.Cwd: 'elsewhere' is not valid under any"),
        ("Env: [A]\n", "$.Env: ['A'] is not valid under any"),
        ("Module: [a]\n", "$.Module: ['a'] is not valid under any"),
        ("- a\n", "$: ['a'] is not of type 'object', 'null'"),
    ],
)
def test_it_is_refused(text: str, complaint: str, validator: Draft202012Validator) -> None:
    (found,) = complaints(text, validator)
    assert complaint in found


# What was said once must not be said differently by the code that reads it.

VALUES: list[Any] = [None, True, False, 0, 1, 3, -1, 1.5, -0.5, 10**13]
VALUES += ["", " ", "x", "auto", "free", "kept", "file", "deep", "replace", "fork", "spawn", "run"]
VALUES += ["90s", "1:30:00", "2 h", "1d12h", "-3s", "soon", "10 GiB", "previous", "a.b", "0,1"]
VALUES += [[], [1], ["a"], ["a", ""], [[]], [True], {}, {"a": 1}, {"a": [1]}, {"a": []}, [{"a": 1}]]


# Settings that only matter beside another one.
LOOKED_AT = {"slack_config": {"slack": True}}


def test_every_setting_tells_editors_what_it_accepts(
    parser: Parser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = Draft202012Validator(settings_schema(parser))
    silent = [name for name, setting in parser.settings.items() if setting.schema is None]
    assert silent == [], "declare these with a schema="
    for name, setting in parser.settings.items():
        for value in VALUES:
            if known.is_valid({name: value}):
                assert is_accepted(setting.type, value), (name, value)
            elif is_accepted(setting.type, value):
                written = {"Global": {**LOOKED_AT.get(name, {}), name: value}}
                assert not is_accepted(check, written), written


def is_accepted(function: Any, value: object) -> bool:
    try:
        function(value)
    except (ValueError, TypeError, coolrun.CoolrunError):
        return False
    return True


def test_no_key_is_underlined_that_would_run(
    parser: Parser,
    validator: Draft202012Validator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = 0
    for key in parser.keys.values():
        for value in VALUES:
            document = {key.name: value}
            if key.name != "Global" and not validator.is_valid(document):
                refused += 1
                assert not is_accepted(check, document), document
    assert refused > 100


def check(document: dict[str, Any]) -> None:
    """Do with a definition all that is done before its first run."""
    way = {} if {"Module", "Run", "Command"} & document.keys() else {"Command": "true"}
    documents = [{**way, **document}, {}] if "Global" in document else [way, document]
    text = yaml.safe_dump_all(documents)
    Path("experiment.yaml").write_text(text, encoding="utf-8")
    config = configure([])
    try:
        plan = planned(config)
        config.pluginmanager.ask("coolrun_check", plan=plan, config=config)
    finally:
        config.close()


def planned(config: Config) -> coolrun.Plan:
    from coolrun.main import plan_of

    monkey = pytest.MonkeyPatch()
    monkey.setattr(Config, "warn", lambda *_: None)
    try:
        return plan_of(config)
    finally:
        monkey.undo()
