"""Definition files: defaults, experiments, merging, overrides, and names that are nearly right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coolrun
from coolrun.cli import configure
from coolrun.main import plan_of
from coolrun.testing import Project

Read = Callable[..., list[dict[str, Any]]]


class Reader:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "a.yaml"
        self.notes: list[str] = []

    def plan(self, text: str, *args: str) -> coolrun.Plan:
        self._file.write_text(text, encoding="utf-8")
        config = configure(["--exp", "a.yaml", *args])
        try:
            terminal = config.pluginmanager.get_plugin("terminal-reporter")
            if terminal is not None:
                config.pluginmanager.unregister(terminal)
            return plan_of(config)
        finally:
            self.notes = list(config.pluginmanager.notices)
            config.close()

    def __call__(self, text: str, *args: str) -> list[dict[str, Any]]:
        """The parameters of every experiment."""
        return [e.parameters for e in self.plan(text, *args).experiments]

    def refused(self, text: str, *args: str) -> str:
        with pytest.raises(coolrun.CoolrunError) as caught:
            self(text, *args)
        return str(caught.value)


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.chdir(tmp_path)
    return Reader(tmp_path)


# Documents


def test_own_keys_come_first_then_the_remaining_defaults(read: Reader) -> None:
    (made,) = read("b: 1\nName: n\na: 2\n---\nz: 3\na: 4\n")
    assert list(made.items()) == [("z", 3), ("a", 4), ("b", 1), ("Name", "n")]


def test_what_experiments_leave_as_it_is_they_share(read: Reader) -> None:
    first, second, third = read.plan("a: 1\nb: 2\n---\na: 3\n---\na: 4\n---\nb: 5\n").experiments
    assert first.defaults is second.defaults
    assert third.defaults == {"a": 1, "Name": "a"}
    assert first.after is second.after, "even the set of what it waits for"
    assert first.pending is second.pending


def test_the_name_is_that_of_the_file_by_default(read: Reader) -> None:
    assert read("x: 1\n---\n{}\n")[0]["Name"] == "a"


def test_null_is_a_value_and_replaces(read: Reader) -> None:
    assert read("x: 1\n---\nx:\n")[0]["x"] is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x: 1\n---\n{}\n---\n", 1),
        ("x: 1\n---\n{}\n---\n\n---\n{}\n---\n# nothing\n", 2),
        ("---\n---\n{}\n", 1),
        ("\n---\nx: 1\n", 0),  # this line begins the first document
        ("# only words\n---\nx: 1\n---\nx: 2\n", 1),
        ("x: 1\n---\n{}\n...\n---\n{}\n", 2),
        ("x: 1\n", 0),
        ("x: 1\n---\n", 0),
    ],
)
def test_every_document_after_the_first_is_an_experiment(
    read: Reader, text: str, count: int
) -> None:
    assert len(read(text)) == count


def test_a_yaml_directive_is_accepted(read: Reader) -> None:
    assert read("%YAML 1.2\n---\nx: no\n---\n{}\n")[0]["x"] == "no"


def test_a_global_mapping_is_no_parameter(read: Reader) -> None:
    plan = read.plan("Global: {repeat: 1}\nx: 1\n---\n{}\n")
    assert "Global" not in plan.experiments[0]
    assert plan.settings == {"repeat": 1}
    assert "'Global' is unknown" in read.refused("Global: {repeat: 1}\n---\nx: parse Global\n")


def test_an_empty_global_is_fine(read: Reader) -> None:
    assert len(read("Global:\nx: 1\n---\n{}\n")) == 1
    assert read.notes == []


@pytest.mark.parametrize("text", ["Global: [1]", "Global: x", "Global: 3"])
def test_global_has_to_be_a_mapping(read: Reader, text: str) -> None:
    message = read.refused(f"{text}\n---\n{{}}\n")
    assert "a.yaml:1:9: key 'Global': Global is not a mapping" in message


def test_global_in_a_later_document_is_refused_with_its_place(read: Reader) -> None:
    message = read.refused("x: 1\n---\n{}\n---\ny: 1\nGlobal: {repeat: 2}\n")
    assert "a.yaml:6:9: key 'Global': Global belongs to the first document only" in message
    assert "move it to the top" in message


# Merging


def test_nested_mappings_are_replaced_whole(read: Reader) -> None:
    assert read("o: {a: 1, b: 2}\n---\no: {c: 3}\n")[0]["o"] == {"c": 3}


def test_merge_keeps_what_it_does_not_name(read: Reader) -> None:
    assert read("o: {a: 1, b: 2}\n---\no: !merge {b: 3, c: 4}\n")[0]["o"] == {
        "a": 1,
        "b": 3,
        "c": 4,
    }


def test_a_merge_inside_a_merge_reaches_deeper(read: Reader) -> None:
    text = "o: {a: {x: 1, y: 2}, b: {x: 1}}\n---\no: !merge\n  a: !merge {y: 3}\n  b: {z: 4}\n"
    assert read(text)[0]["o"] == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}


def test_a_merge_into_nothing_is_the_mapping_itself(read: Reader) -> None:
    assert read("x: 1\n---\no: !merge {a: 1}\n")[0]["o"] == {"a": 1}


def test_merging_changes_no_other_experiment(read: Reader) -> None:
    first, second = read("o: {a: {x: 1}}\n---\no: !merge {a: !merge {y: 2}}\n---\n{}\n")
    assert first["o"] == {"a": {"x": 1, "y": 2}}
    assert second["o"] == {"a": {"x": 1}}


def test_delete_removes_a_default(read: Reader) -> None:
    (made,) = read("x: 1\ny: 2\n---\nx: !delete\n")
    assert "x" not in made
    assert made["y"] == 2


def test_delete_inside_a_merge_removes_a_nested_default(read: Reader) -> None:
    assert read("o: {a: 1, b: 2}\n---\no: !merge\n  a: !delete\n")[0]["o"] == {"b": 2}


def test_deleting_what_is_not_there_is_harmless(read: Reader) -> None:
    assert "z" not in read("x: 1\n---\nz: !delete\n")[0]


def test_the_deep_setting_merges_the_whole_file(read: Reader) -> None:
    text = "Global: {merge: deep}\no: {a: {x: 1, y: 2}, l: [1]}\n---\no: {a: {y: 3}, l: [2]}\n"
    assert read(text)[0]["o"] == {"a": {"x": 1, "y": 3}, "l": [2]}


def test_deep_can_be_asked_for_on_the_command_line(read: Reader) -> None:
    text = "o: {a: 1}\n---\no: {b: 2}\n"
    assert read(text, "+Global.merge=deep")[0]["o"] == {"a": 1, "b": 2}


# Overrides


def test_one_plus_changes_the_default_config_only(read: Reader) -> None:
    first, second = read("lr: 1\n---\nlr: 2\n---\n{}\n", "+lr=3")
    assert (first["lr"], second["lr"]) == (2, 3)


def test_two_plus_beat_the_experiments(read: Reader) -> None:
    first, second = read("lr: 1\n---\nlr: 2\n---\n{}\n", "++lr=3")
    assert (first["lr"], second["lr"]) == (3, 3)


def test_a_dotted_override_changes_only_what_it_names(read: Reader) -> None:
    text = "o: {a: 1, b: 2}\n---\n{}\n---\no: {a: 5, c: 6}\n"
    first, second = read(text, "+o.a=9")
    assert (first["o"], second["o"]) == ({"a": 9, "b": 2}, {"a": 5, "c": 6})
    first, second = read(text, "++o.a=9")
    assert (first["o"], second["o"]) == ({"a": 9, "b": 2}, {"a": 9, "c": 6})


def test_a_whole_mapping_replaces_a_whole_mapping(read: Reader) -> None:
    text = "o: {a: 1, b: 2}\n---\n{}\n---\no: {a: 5, c: 6}\n"
    assert [e["o"] for e in read(text, "++o={d: 7}")] == [{"d": 7}, {"d": 7}]


def test_a_forced_value_comes_back_where_the_default_was_removed(read: Reader) -> None:
    assert read("o: {a: 1, b: 2}\n---\no: !delete\n", "++o.a=3")[0]["o"] == {"a": 3}


def test_missing_levels_are_made(read: Reader) -> None:
    assert read("x: 1\n---\n{}\n", "+o.a.b=1")[0]["o"] == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+x=1", 1),
        ("+x=1e-3", 0.001),
        ("+x=no", "no"),
        ("+x=", None),
        ("+x=null", None),
        ("+x=[1, 2]", [1, 2]),
        ("+x={a: 1}", {"a": 1}),
        ("+x=(1, 2)", (1, 2)),
        ("+x=a=b", "a=b"),
        ("+x='1'", "1"),
        ("+x=parse 1 + 1", 2),
        ("+x=!text 'parse 1'", "parse 1"),
        ("+x=ü", "ü"),
    ],
)
def test_a_value_is_read_like_yaml_after_the_first_equals_sign(
    read: Reader, text: str, value: Any
) -> None:
    assert read("x: 0\n---\n{}\n", text)[0]["x"] == value


def test_the_last_of_several_overrides_counts(read: Reader) -> None:
    assert read("x: 0\n---\n{}\n", "+x=1", "+x=2")[0]["x"] == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("+x", "cannot read '+x'"),
        ("+.x=1", "cannot read"),
        ("+x.=1", "cannot read"),
        ("+x=[1", "cannot read '+x=[1'"),
        ("+x=a: b: c", "cannot read"),
        ("+x=1\n---\n2", "`---` has no meaning here"),
        ("+__x=1", "may not begin or end with '__'"),
        ("+o.x__=1", "may not begin or end with '__'"),
    ],
)
def test_a_wrong_override_is_an_error_with_its_text(read: Reader, text: str, message: str) -> None:
    assert message in read.refused("x: 1\n---\n{}\n", text)


# Names that are nearly right


@pytest.mark.parametrize(
    ("text", "args", "note"),
    [
        ("Repat: 2\n---\n{}\n", [], "key 'Repat' is unknown to coolrun; did you mean 'Repeat'?"),
        ("x: 1\n---\nMoule: m\n", [], "key 'Moule' is unknown to coolrun; did you mean 'Module'?"),
        ("Global: {reapet: 2}\n---\n{}\n", [], "did you mean 'repeat'?"),
        ("Global: {mreg: x}\n---\n{}\n", [], "Global.mreg is no setting of coolrun"),
        ("lr: 1\n---\n{}\n", ["+lrr=2"], "'+lrr=2' makes a new key; did you mean 'lr'?"),
        ("o: {size: 1}\n---\n{}\n", ["+o.siez=2"], "makes a new key; did you mean 'size'?"),
        ("lr: 1\n---\n{}\n", ["+other=2"], "'+other=2' makes a new key"),
        ("o: {a: 1}\n---\no.a: 2\n", [], "did you mean o: !merge {a: ...}?"),
        ("o: {a: {b: 1}}\n---\no.a.b: 2\n", [], "did you mean o: !merge {a: {b: ...}}?"),
        ("x: 1\no.a: 2\n---\no: {a: 1}\n", [], "key 'o.a' changes nothing in 'o'"),
        ("lr: 1\n---\n{}\n", ["lr=2"], "'lr=2' changes no parameter; did you mean +lr=2?"),
        ("x: 1\n---\no: {a: 1}\n", ["o.a=2"], "changes no parameter; did you mean +o.a=2?"),
        ("x: 1\n---\n{}\n", ["Repeat=2"], "'Repeat=2' changes no parameter"),
        ("x: 1\n---\n{}\n", ["Global.jobs=2"], "did you mean +Global.jobs=2?"),
        ("lr: 1\n---\n{}\n", ["+Nmae=x"], "'+Nmae=x' makes a new key; did you mean 'Name'?"),
    ],
)
def test_a_near_miss_gets_one_note(read: Reader, text: str, args: list[str], note: str) -> None:
    read(text, *args)
    assert len(read.notes) == 1
    assert note in read.notes[0]


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("Xylophone: 1\n---\n{}\n", []),
        ("ACC: 1\nrepat: 2\n_Repat: 3\n---\n{}\n", []),
        ("lr: 1\n---\nsize: 1\n", ["+size=2"]),
        ("lr: 1\n---\n{}\n", ["+lr=2", "+Name=x", "+Repeat=2", "+Global.repeat=1"]),
        ("lr: 1\n---\no: !merge {a: 1}\n", ["+o.a=2"]),
        ("o: 1\nx.y: 2\n---\no.a: 2\n", []),
        ("lr: 1\n---\n{}\n", ["size=2", "lr", "--lr=2", "--lr", "2"]),
        ("lr: 1\n---\n{}\n", []),
    ],
)
def test_what_is_meant_gets_no_note(read: Reader, text: str, args: list[str]) -> None:
    read(text, *args)
    assert read.notes == []


@pytest.mark.parametrize(
    ("args", "place"),
    [
        (["+lr=parse q"], "+lr=parse q"),
        (["++size=parse q"], "++size=parse q"),
        (["++o.a=parse q"], "++o.a=parse q"),
        (["+lr=parse q + " + "1 + " * 20 + "1"], "+lr=parse q + " + "1 + " * 10 + "1 +..."),
        (["++name=x"], "experiment.yaml:6:7"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_told_to_stand_there(
    project: Project, args: list[str], place: str
) -> None:
    wrong = "parse q" if args == ["++name=x"] else "1"
    text = f"Command: 'true'\nlr: 1\no: {{a: 1, b: 2}}\n---\nname: 1\nsize: {wrong}\n"
    outcome = project({"experiment.yaml": text}).run("--dry", *args)
    assert outcome.code == 4
    error = next(line for line in outcome.err.splitlines() if line.startswith("error: "))
    assert error.startswith(f"error: {place}: experiment 0"), error


@pytest.mark.parametrize("key", ["HOST", "STATUS", "FAILURE", "TIME_ELAPSED", "RUN_ID"])
def test_a_key_that_the_runner_writes_gets_a_note(read: Reader, key: str) -> None:
    read(f"x: 1\n---\n{key}: mine\n")
    assert any(f"key {key!r} is written by coolrun into every record" in n for n in read.notes)


# Blocked and failed plugins


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x: 1\n---\ny: 1\nRepeat: 2\n", "a.yaml:4:9: an experiment 'a', key 'Repeat': the key"),
        ("Repeat: 2\n---\n{}\n", "a.yaml:1:9"),
        ("Global:\n  repeat: 2\n---\n{}\n", "a.yaml:2:11: Global.repeat belongs to the plugin"),
    ],
)
def test_what_belongs_to_a_blocked_plugin_is_an_error_naming_it(
    read: Reader, text: str, message: str
) -> None:
    said = read.refused(text, "-p", "no:repeat")
    assert message in said
    assert "'repeat', which is blocked" in said
    assert "do without `-p no:repeat`" in said


def test_a_word_of_a_blocked_plugin_is_found_at_any_depth(read: Reader) -> None:
    message = read.refused("x: 1\n---\no: {l: [1, {z: solve int()}]}\n", "-p", "no:solve")
    assert "'solve' belongs to a plugin that is blocked" in message
    assert "a.yaml:3:" in message
    assert "plugin that is blocked" in read.refused(
        "x: 1\n---\n{}\n", "-p", "no:solve", "+x=solve y"
    )


def test_a_failed_plugin_is_named_beside_a_strange_key(
    read: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "coolrun_mood-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text("[coolrun]\nmood = no_such_module_at_all\n")
    monkeypatch.syspath_prepend(str(info.parent))
    read("Global: {politeness: 3}\nMood: fine\nlr: 1\n---\n{}\n")
    notes = "\n".join(read.notes)
    for what in ("key 'Mood'", "Global.politeness"):
        assert f"{what} may belong to plugin 'mood' (coolrun-mood 1.0), which was not" in notes
    assert "'lr'" not in notes


@pytest.mark.parametrize("text", ["a: !merge {b: 1}", "a: !delete", "a: {b: !merge {c: 1}}"])
def test_a_default_has_nothing_to_be_merged_into(
    project: Project, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(project({"a.yaml": f"Module: m\n{text}\n---\n{{}}\n"}).path)
    with pytest.raises(coolrun.DefinitionError, match="no meaning in the default config") as error:
        coolrun.plan("a.yaml")
    assert str(error.value).startswith("a.yaml:2:")


def test_a_forced_value_that_is_not_written_is_known_to_all_keys(read: Reader) -> None:
    (forced,) = read("x: 1\n---\nName: parse f'n{x}'\n", "++x=3")
    assert forced["Name"] == "n3"
    (computed,) = read("x: 1\n---\ny: 2\n", "++x=parse y + 1")
    assert computed["x"] == 3, "an expression may need what stands above it"
