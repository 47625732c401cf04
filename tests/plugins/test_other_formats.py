"""Definitions in a stranger's format: expressions, settings, names and overrides as in YAML."""

from __future__ import annotations

import json

import pytest

from coolrun.testing import Outcome, Project

READER = """
    import json

    from coolrun import Source, hookimpl
    from coolrun_plugins.definition.reading import definition_of

    @hookimpl
    def coolrun_read(path, config):
        if path.suffix != ".json":
            return None
        source = Source(str(path), (config.cwd / path).read_bytes())
        return definition_of(json.loads(source.data), source, config)
"""
DOCUMENTS = [
    {"Global": {"jobs": 2}, "Command": "echo {y}"},
    {"Name": "a", "lr": 1, "y": "parse lr * 2"},
    {"Grid": {"z": [1, 2]}, "y": ["parse z + 1", "plain text"]},
]


def planned(project: Project, documents: object, *args: str) -> Outcome:
    project({"reads.py": READER, "b.json": json.dumps(documents)})
    return project.run("-p", "reads", "--exp", "b.json", "--dry", "--format", "json", *args)


def parameters(outcome: Outcome) -> list[tuple[object, object]]:
    assert outcome
    found = [entry["parameters"] for entry in json.loads(outcome.out)]
    return [(each["Name"], each["y"]) for each in found]


def test_expressions_defaults_and_sweeps_are_what_they_are_in_yaml(project: Project) -> None:
    assert parameters(planned(project, DOCUMENTS)) == [
        ("a", 2),
        ("b", [2, "plain text"]),
        ("b", [3, "plain text"]),
    ]


def test_the_command_line_changes_values(project: Project) -> None:
    assert parameters(planned(project, DOCUMENTS, "++lr=5"))[0] == ("a", 10)


def test_a_setting_and_a_key_that_nobody_has_are_told(project: Project) -> None:
    outcome = planned(project, [{"Global": {"jbos": 2}, "Command": "true"}, {"Grd": {}}])
    assert "Global.jbos is no setting of coolrun; did you mean 'jobs'?" in outcome.err
    assert "Grd" in outcome.err


def test_a_wrong_value_is_told_with_the_file(project: Project) -> None:
    outcome = planned(project, [{"Global": {"jobs": "x"}}, {}])
    assert outcome.code == 4
    assert "b.json" in outcome.err
    assert "key 'Global.jobs'" in outcome.err


@pytest.mark.parametrize("documents", [[3], [{}, "x"]])
def test_what_is_no_mapping_is_refused(project: Project, documents: object) -> None:
    outcome = planned(project, documents)
    assert outcome.code == 4
    assert "no mapping of keys to values" in outcome.err


def test_nothing_at_all_is_nothing_to_run(project: Project) -> None:
    outcome = planned(project, [])
    assert "there is no experiment to run" in outcome.err


def test_what_is_no_plain_data_is_refused_by_its_key(project: Project) -> None:
    dates = READER.replace("json.loads(source.data)", "[{}, {'a': {'day': [date(2024, 1, 2)]}}]")
    dates = dates.replace("import json\n", "import json\n    from datetime import date\n")
    project({"reads.py": dates, "b.json": "[]"})
    outcome = project.run("-p", "reads", "--exp", "b.json", "--dry")
    assert outcome.code == 4
    assert "key 'a.day[0]': datetime.date(2024, 1, 2) is no plain data (date)" in outcome.err
