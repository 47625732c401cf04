"""From a definition to a plan: lazily expanded, counted, parsed in order, chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import coolrun
from coolrun import hookimpl
from coolrun.config import Config
from coolrun.definition import Definition
from coolrun.errors import CoolrunError, DefinitionError, PluginError, UsageError
from coolrun.experiment import Experiment, Source
from coolrun.planning import Plan, make_plan, read_definition

Planner = Callable[..., Any]


@pytest.fixture
def config() -> Iterator[Config]:
    from coolrun.cli import configure

    made = configure([])
    for name in ("repeat", "repeat-numbers", "parse-resolver", "skip", "pick", "yamllog"):
        plugin = made.pluginmanager.get_plugin(name)
        if plugin is not None:
            made.pluginmanager.unregister(plugin)
    yield made
    made.close()


def definition(*own: dict[str, Any]) -> Definition:
    text = "x: 0\n" + "".join(f"---\nx: {i}\n" for i in range(len(own)))
    source = Source("a.yaml", text.encode())
    experiments = [Experiment(o, document=n, source=source) for n, o in enumerate(own, start=1)]
    return Definition(source, experiments)


class Twice:
    """Makes two out of each, told apart by `key`."""

    def __init__(self, key: str) -> None:
        self._key = key

    @hookimpl
    def coolrun_expand(self, experiment: Experiment) -> Iterator[Experiment]:
        for number in range(2):
            yield experiment.derive(own={**experiment.own, self._key: number})


class Without:
    @hookimpl
    def coolrun_expand(self, experiment: Experiment) -> list[Experiment] | None:
        return [] if experiment.get("x") == "gone" else None


def test_nothing_is_made_of_nothing(config: Config) -> None:
    plan = make_plan(definition(), config)
    assert plan.experiments == []
    assert plan.chosen == []


def test_positions_count_from_zero_in_the_order_of_the_file(config: Config) -> None:
    plan = make_plan(definition({"x": "a"}, {"x": "b"}), config)
    assert [(e.position, e["x"]) for e in plan.experiments] == [(0, "a"), (1, "b")]


def test_each_plugin_expands_what_the_one_before_made(config: Config) -> None:
    config.pluginmanager.register(Twice("inner"))
    config.pluginmanager.register(Twice("outer"))  # the last registered is called first
    plan = make_plan(definition({"x": 1}), config)
    assert [(e["outer"], e["inner"]) for e in plan.experiments] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_an_empty_answer_removes_and_none_leaves_as_it_is(config: Config) -> None:
    config.pluginmanager.register(Without())
    plan = make_plan(definition({"x": "gone"}, {"x": "here"}), config)
    assert [(e.position, e["x"]) for e in plan.experiments] == [(0, "here")]


def test_a_bomb_is_refused_before_it_is_built(config: Config) -> None:
    drawn = 0

    class Bomb:
        @hookimpl
        def coolrun_expand(self, experiment: Experiment) -> Iterator[Experiment]:
            nonlocal drawn
            while True:
                drawn += 1
                yield experiment.derive()

    config.pluginmanager.register(Bomb())
    config.take_settings({"max_experiments": 10}, Source("a.yaml", b""))
    with pytest.raises(DefinitionError, match="more than 10 experiments") as caught:
        make_plan(definition({"x": 1}), config)
    assert drawn <= 12
    assert str(caught.value.place).startswith("a.yaml:3")


def test_experiments_see_those_before_them_in_their_series_only(config: Config) -> None:
    seen: list[tuple[int, list[int]]] = []

    class Parse:
        @hookimpl
        def coolrun_parse(self, experiment: Experiment, previous: Sequence[Experiment]) -> None:
            seen.append((experiment.position, [e.position for e in previous]))

    config.pluginmanager.register(Parse())
    made = definition({"x": 0}, {"x": 1}, {"x": 2}, {"x": 3})
    for number, experiment in enumerate(made.experiments):
        experiment.series = number % 2
    make_plan(made, config)
    assert seen == [(0, []), (1, []), (2, [0]), (3, [1])]


def failing(hook: str, error: Exception) -> object:
    def fail(experiment: Experiment) -> None:
        raise error

    return type("Failing", (), {hook: staticmethod(hookimpl(fail))})()


@pytest.mark.parametrize("hook", ["coolrun_expand", "coolrun_parse"])
def test_a_broken_plugin_is_named_with_hook_and_experiment(config: Config, hook: str) -> None:
    config.pluginmanager.register(failing(hook, KeyError("x")), "odd")
    with pytest.raises(
        PluginError, match=f"plugin 'odd' failed in {hook}: KeyError: 'x'"
    ) as caught:
        make_plan(definition({"x": 1, "Name": "a"}), config)
    assert "'a'" in str(caught.value.experiment)
    assert str(caught.value.place).startswith("a.yaml:3")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("hook", ["coolrun_expand", "coolrun_parse"])
def test_a_complaint_for_people_gets_experiment_and_place(config: Config, hook: str) -> None:
    config.pluginmanager.register(failing(hook, DefinitionError("not like this")), "odd")
    with pytest.raises(DefinitionError, match="not like this") as caught:
        make_plan(definition({"x": 1, "Name": "a"}), config)
    assert "'a'" in str(caught.value.experiment)
    assert str(caught.value.place).startswith("a.yaml:3")


def test_the_first_reason_for_skipping_stands(config: Config) -> None:
    class Skips:
        @hookimpl
        def coolrun_plan(self, plan: coolrun.Plan) -> None:
            plan.skip(0, "first")
            plan.skip(0, "second")

    config.pluginmanager.register(Skips())
    plan = make_plan(definition({"x": 1}, {"x": 2}), config)
    assert plan.skipped == {0: "first"}
    assert plan.experiments[0].skipped == "first"
    assert [e.position for e in plan.chosen] == [1]


def test_a_file_that_nobody_reads_is_told(config: Config) -> None:
    plugin = config.pluginmanager.get_plugin("definition")
    config.pluginmanager.unregister(plugin)
    with pytest.raises(UsageError, match=r"no plugin reads 'a\.toml'"):
        read_definition(Path("a.toml"), config)


def test_settings_of_the_definition_are_taken(config: Config, tmp_path: Path) -> None:
    class Reads:
        @hookimpl
        def coolrun_read(self, path: Path) -> Definition:
            return Definition(Source(str(path), b""), [], {"max_experiments": 3})

    config.pluginmanager.register(Reads())
    read_definition(Path("a.toml"), config)
    assert config.setting("max_experiments") == 3
    assert config.origin("max_experiments") == "a.toml"


def test_what_the_command_line_changes_is_never_left_out_in_silence(config: Config) -> None:
    class Reads:
        @hookimpl
        def coolrun_read(self, path: Path) -> Definition:
            return Definition(Source(str(path), b""), [])

    config.pluginmanager.register(Reads())
    config.overrides = ["+lr=5"]
    with pytest.raises(UsageError, match=r"'\+lr=5' would change nothing: the plugin that reads"):
        read_definition(Path("a.toml"), config)


def test_planning_writes_nothing_and_imports_no_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boom.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "a.yaml").write_text("Module: boom\nYamlLog: new/log.yaml\n---\nx: parse 1 + 1\n")
    plan = coolrun.plan("a.yaml")
    assert plan.experiments[0]["x"] == 2
    assert {f.name for f in tmp_path.iterdir()} == {"boom.py", "a.yaml"}


def test_the_python_function_takes_arguments_and_raises_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("lr: 1\n---\nName: a\n---\nName: b\n")
    assert [e["lr"] for e in coolrun.plan(tmp_path / "a.yaml", ["+lr=2"]).experiments] == [2, 2]
    assert [e["Name"] for e in coolrun.plan("a.yaml", ["--pick", "b"]).chosen] == ["b"]
    with pytest.raises(CoolrunError, match="there is no file"):
        coolrun.plan("nothing.yaml")


def test_a_plan_tells_that_its_choice_has_changed() -> None:
    plan = Plan([Experiment({}, position=n) for n in range(2)], {}, Source("a.yaml", b""))
    assert plan.turns == 0
    plan.skip(1, "removed")
    plan.skip(1, "removed twice")
    assert (plan.turns, plan.skipped) == (1, {1: "removed"})
    plan.choose_again(0)
    assert plan.turns == 1
    plan.choose_again(1)
    assert (plan.turns, plan.chosen) == (2, plan.experiments)
