from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coolrun import hookimpl
from coolrun.config import Config
from coolrun.declarations import Parser
from coolrun.errors import CoolrunError
from coolrun.experiment import Experiment, Source
from coolrun.parameters import Parameters, results
from coolrun.plain import Marked
from coolrun.plugins import PluginManager
from coolrun_plugins import module

Write = Callable[..., Path]


@pytest.fixture
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # A folder `modules` that another test imported would be taken for this one's.
    hidden = {n: sys.modules.pop(n) for n in list(sys.modules) if n.split(".")[0] == "modules"}
    known = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in set(sys.modules) - known:
        # What is installed stays, or there would be two copies of its classes.
        if str(tmp_path) in repr(sys.modules[name]):
            del sys.modules[name]
    sys.modules.update(hidden)


@pytest.fixture
def write(cwd: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def config(cwd: Path, *arguments: str) -> Any:
    """A configuration with this plugin's keys and a stranger's way to run things."""
    parser = Parser()
    module.coolrun_addoption(parser)
    parser.add_key("Command", type="text", help="a program", runs=True)
    config = Config((), cwd, parser, PluginManager(), module_arguments=arguments)
    config.pluginmanager.register(Listener(), "listener")
    return config


class Listener:
    def __init__(self) -> None:
        self.messages: list[str] = []

    @hookimpl
    def coolrun_notice(self, message: str) -> None:
        self.messages.append(message)


def told(config: Any) -> list[str]:
    messages: list[str] = config.pluginmanager.get_plugin("listener").messages
    return messages


def execute(experiment: Experiment, cwd: Path, *arguments: str) -> dict[str, object] | None:
    parameters = Parameters(experiment.values_by_key)
    work = module.coolrun_execute(experiment, parameters, config(cwd, *arguments))
    if work is None:
        return None
    work()
    return results(parameters)


def run(experiment: Experiment, parameters: Parameters, config: Any) -> None:
    work = module.coolrun_execute(experiment, parameters, config)
    assert work is not None
    work()


def check(cwd: Path, *experiments: Experiment) -> None:
    plan: Any = SimpleNamespace(chosen=experiments, source=Source("experiment.yaml", b""))
    module.coolrun_check(plan, config(cwd))


def refusal(cwd: Path, **own: object) -> str:
    with pytest.raises(CoolrunError) as caught:
        check(cwd, Experiment(own=own))
    return str(caught.value)


ADD = "def main(exp):\n    exp.SUM = exp.a + 1\ndef train(exp):\n    exp.SUM = exp.a + 10\n"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"Module": "modules.example"}, 2),
        ({"Module": "modules.example:main"}, 2),
        ({"Module": "modules.example:train"}, 11),
        ({"Module": " modules.example : train "}, 11),
        ({"Module": "modules/example.py"}, 2),
        ({"Module": "./modules/example.py:train"}, 11),
        ({"Module": "modules/example"}, 2),
        ({"Run": Marked("solve", "modules.example.main")}, 2),
        ({"Run": Marked("solve", "modules.example.train")}, 11),
        ({"Run": "modules.example.train"}, 11),
        ({"Run": "modules.example"}, 2),
        ({"Run": "modules.example:train"}, 11),
    ],
)
def test_a_function_is_named_in_many_ways(
    target: dict[str, Any], expected: int, cwd: Path, write: Write
) -> None:
    write("modules/example.py", ADD)
    experiment = Experiment(own={"a": 1, **target})
    check(cwd, experiment)
    assert execute(experiment, cwd) == {"SUM": expected}


def test_a_file_elsewhere_is_a_module_too(cwd: Path, write: Write) -> None:
    file = write("elsewhere/v1.2/train.py", ADD)
    write("work/keep", "")
    experiment = Experiment(own={"a": 1, "Module": str(file)})
    check(cwd / "work", experiment)
    assert execute(experiment, cwd / "work") == {"SUM": 2}


def test_a_method_of_a_class_can_be_named(cwd: Path, write: Write) -> None:
    write("model.py", "class Model:\n    @staticmethod\n    def fit(exp): exp.FITTED = True\n")
    for own in ({"Module": "model:Model.fit"}, {"Run": Marked("solve", "model.Model.fit")}):
        check(cwd, Experiment(own=own))
        assert execute(Experiment(own=own), cwd) == {"FITTED": True}


def test_a_package_can_hold_the_function(cwd: Path, write: Write) -> None:
    write("pack/__init__.py", "from .main import main\n")
    write("pack/main.py", "def main(exp):\n    return {'FROM': 'pack'}\n")
    for own in ({"Module": "pack"}, {"Run": "pack.main"}, {"Module": "pack.main"}):
        check(cwd, Experiment(own=own))
        assert execute(Experiment(own=own), cwd) == {"FROM": "pack"}


def test_a_function_that_an_expression_made_is_called(cwd: Path) -> None:
    experiment = Experiment(own={"Run": Marked("solve", "functools.partial(print, 1)")})
    check(cwd, experiment)
    parameters = Parameters({"Run": lambda exp: {"CALLED": len(exp)}})
    run(experiment, parameters, config(cwd))
    assert results(parameters) == {"CALLED": 1}


def test_the_experiments_own_way_wins_over_the_defaults(cwd: Path, write: Write) -> None:
    write("modules/example.py", ADD)
    ours, theirs = {"Module": "modules.example"}, {"Command": "python train.py"}
    assert execute(Experiment(own={"a": 1, **ours}, defaults=theirs), cwd) == {"SUM": 2}
    assert execute(Experiment(own={"a": 1, **theirs}, defaults=ours), cwd) is None
    run = {"Run": "modules.example.train"}
    assert execute(Experiment(own={"a": 1, **run}, defaults=ours), cwd) == {"SUM": 11}


def test_a_null_takes_a_default_away(cwd: Path) -> None:
    experiment = Experiment(own={"Module": None}, defaults={"Command": "true"})
    check(cwd, experiment)
    assert execute(experiment, cwd) is None


def test_two_ways_at_once_are_refused(cwd: Path) -> None:
    message = refusal(cwd, Module="modules.example", Command="true")
    assert "'Module' and 'Command' are both given" in message


def test_returned_mappings_are_results_and_other_values_are_told(cwd: Path, write: Write) -> None:
    write("back.py", "def main(exp):\n    return eval(exp.value)\n")
    for value, expected, warned in [
        ("{'ACC': 1}", {"ACC": 1}, False),
        ("exp", {}, False),
        ("dict(exp, ACC=2)", {"ACC": 2}, False),
        ("None", {}, False),
        ("0", {}, False),
        ("0.93", {}, True),
    ]:
        parameters, ours = Parameters({"value": value, "Module": "back"}), config(cwd)
        run(Experiment(own={"Module": "back"}), parameters, ours)
        assert results(parameters) == expected
        assert bool(told(ours)) is warned
    assert "type float" in told(ours)[0]


def test_arguments_of_the_module_are_in_argv_and_taken_back(cwd: Path, write: Write) -> None:
    file = write("args.py", "import sys\ndef main(exp):\n    exp.ARGV = sys.argv\n    exp.no_key\n")
    before = sys.argv
    parameters = Parameters({"Module": "args"})
    with pytest.raises(AttributeError, match="no_key"):
        run(Experiment(own={"Module": "args"}), parameters, config(cwd, "--gpu", "0"))
    assert results(parameters)["ARGV"] == [str(file), "--gpu", "0"]
    assert sys.argv is before


def test_checking_imports_nothing(cwd: Path, write: Write) -> None:
    write("bomb/__init__.py", "raise SystemExit\n")
    write("bomb/train.py", "import not_there\nprint('imported')\ndef main(exp): pass\n")
    check(cwd, Experiment(own={"Module": "bomb.train"}))
    assert "bomb" not in sys.modules


def test_an_unknown_module_is_told_with_the_nearest_one(cwd: Path, write: Write) -> None:
    write("ours/train.py", ADD)
    message = refusal(cwd, Module="ours.trian")
    assert f"there is no module 'ours.trian' (looked in {str(cwd / 'ours')!r})" in message
    assert "did you mean 'ours.train'?" in message
    message = refusal(cwd, Module="our.train")
    assert f"there is no module 'our' (looked in {str(cwd)!r} and on Python's path)" in message
    assert "did you mean 'ours'?" in message
    assert "there is no module" in refusal(cwd, Module="ours/trian.py")
    message = refusal(cwd, Run=Marked("solve", "ours.trian.main"))
    assert "there is no module 'ours.trian'" in message
    assert "there is no module 'math.x': 'math' is no package" in refusal(cwd, Module="math.x")


def test_a_folder_is_no_module(cwd: Path, write: Write) -> None:
    write("ours/train.py", ADD)
    for own in ({"Module": "ours"}, {"Run": "ours"}):
        assert "'ours' is a folder of modules" in refusal(cwd, **own)
    write("ours/__init__.py", "")
    assert "module 'ours'" in refusal(cwd, Module="ours")


def test_a_missing_function_is_told_with_those_that_are_there(cwd: Path, write: Write) -> None:
    write("modules/train.py", ADD + "def _private(): pass\n")
    message = refusal(cwd, Module="modules.train:trian")
    assert "has no function 'trian'; its functions: 'main', 'train'" in message
    assert "name one as 'modules.train:train'" in message
    write("modules/empty.py", "x = 1\n")
    message = refusal(cwd, Module="modules.empty")
    assert "its functions: none" in message
    assert "write `def main(exp):` there" in message
    assert "has no function 'mian'" in refusal(cwd, Run=Marked("solve", "modules.train.mian"))


def test_a_function_without_an_argument_is_told(cwd: Path, write: Write) -> None:
    write("train.py", "def main():\n    pass\n")
    assert "'main' of module 'train'" in refusal(cwd, Module="train")


@pytest.mark.parametrize(
    "source",
    [
        "from other import main",
        "from other import fit as main",
        "import main",
        "main = lambda exp: None",
        "main: object = print",
        "if True:\n    def main(exp): pass\nelse:\n    pass",
        "try:\n    pass\nexcept ImportError:\n    def main(exp): pass",
        "with open('x') as main: pass",
        "for main in [print]: pass",
        "class main: pass",
        "async def main(exp): pass",
        "from other import *",
        "def __getattr__(name): return print",
        "def make():\n    global main\n    main = print",
        "globals()['main'] = print",
        "a, (main, b) = 1, (2, 3)",
        "@decorated\ndef main(): pass",
        "def main(*args): pass",
    ],
)
def test_a_function_may_come_about_in_any_way(source: str, cwd: Path, write: Write) -> None:
    write("train.py", source + "\n")
    check(cwd, Experiment(own={"Module": "train"}))


def test_a_syntax_error_is_told_with_its_line(cwd: Path, write: Write) -> None:
    write("train.py", "x = 1\ndef main(exp:\n    pass\n")
    message = refusal(cwd, Module="train")
    assert message.startswith(str(cwd / "train.py") + ":2:")
    assert "module 'train' is not Python" in message
    write("late.py", "return 1\n")
    assert "late.py:1" in refusal(cwd, Module="late")
    write("null.py", "x = '\0'\n")
    assert "module 'null' is not Python" in refusal(cwd, Module="null")


def test_what_cannot_be_seen_from_outside_is_accepted(cwd: Path, write: Write) -> None:
    write("moves/__init__.py", "__path__.append('elsewhere')\n")
    for target in ("moves.train", "math:sqrt", "sys:exit", "numpy:save", "os.path:join"):
        check(cwd, Experiment(own={"Module": target}))


def test_namespace_packages_are_found_at_any_depth(cwd: Path, write: Write) -> None:
    write("a/b/c/train.py", ADD)
    check(cwd, Experiment(own={"Module": "a.b.c.train"}))
    assert "'a.b.c.trian'" in refusal(cwd, Module="a.b.c.trian")


@pytest.mark.parametrize("value", [3, "", "  ", "a..b", ["x"], "modules.train:1x", "a/b.c.py"])
def test_a_target_that_is_none_is_refused(value: object, cwd: Path) -> None:
    assert "key 'Module'" in refusal(cwd, Module=value)


def test_errors_name_the_experiment_and_the_key(cwd: Path) -> None:
    message = refusal(cwd, Module="nowhere", Name="first")
    assert message.startswith("an experiment 'first', key 'Module': there is no module")


def test_a_target_is_looked_for_once(cwd: Path, write: Write) -> None:
    file = write("train.py", ADD)
    experiments = [Experiment(own={"Module": "train", "n": n}) for n in range(3)]

    class Chosen(list[Experiment]):
        def __iter__(self) -> Iterator[Experiment]:
            yield from experiments[:1]
            file.write_text("not python")
            yield from experiments[1:]

    plan: Any = SimpleNamespace(chosen=Chosen(), source=Source("experiment.yaml", b""))
    module.coolrun_check(plan, config(cwd))


def test_a_function_that_is_none_is_the_failure_of_the_run(cwd: Path, write: Write) -> None:
    write("train.py", "main = 3\n")
    with pytest.raises(CoolrunError, match="is no function"):
        execute(Experiment(own={"Module": "train"}), cwd)
    with pytest.raises(CoolrunError, match="has no 'train'"):
        execute(Experiment(own={"Module": "train:train"}), cwd)


def test_declared_keys_are_module_and_run() -> None:
    declared: list[str] = []
    parser: Any = SimpleNamespace(add_key=lambda name, **_: declared.append(name))
    module.coolrun_addoption(parser)
    assert declared == ["Module", "Run"]


def test_source_place_of_the_key_is_in_the_error(cwd: Path) -> None:
    source = Source("experiment.yaml", b"---\nModule: nowhere\n---\nx: 1\n")
    experiment = Experiment(own={"x": 1}, defaults={"Module": "nowhere"}, document=1, source=source)
    with pytest.raises(CoolrunError) as caught:
        check(cwd, experiment)
    assert str(caught.value).startswith("experiment.yaml:2")
