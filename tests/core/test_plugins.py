"""Finding, loading, blocking and calling plugins, and what happens when one is broken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coolrun import hookimpl
from coolrun.cli import configure
from coolrun.config import Config
from coolrun.declarations import Parser
from coolrun.entry_points import find_entry_points
from coolrun.errors import CoolrunError, PluginError, UsageError
from coolrun.plugins import PluginManager

Site = Callable[..., Path]
HEAD = "from coolrun import hookimpl\n\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A made-up site folder: `site(name, source)` installs a module as a distribution in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("COOLRUN_PLUGINS", "")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    known = set(sys.modules)

    def install(name: str, source: str = "", *, version: str = "1.0", points: str = "") -> Path:
        module = f"stranger_{name}"
        (folder / f"{module}.py").write_text(HEAD + source)
        info = folder / f"coolrun_{name}-{version}.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(points or f"[coolrun]\n{name} = {module}\n")
        return info

    yield install
    for module in set(sys.modules) - known:
        if module.startswith("stranger_"):
            del sys.modules[module]


def hook(name: str, *arguments: str, body: str) -> str:
    return f"@hookimpl\ndef {name}({', '.join(arguments)}):\n    {body}\n\n"


def started(*argv: str) -> Config:
    config = configure([*argv, "plugins"] if "run" not in argv else argv)
    config.close()
    return config


def notices(config: Config) -> str:
    return "\n".join(config.pluginmanager.notices)


# Finding


def found(*folders: Path) -> list[tuple[str, str, str, str]]:
    points = find_entry_points(map(str, folders))
    return [(p.name, p.target, p.distribution, p.version) for p in points]


def test_entry_points_are_found_with_distribution_and_version(tmp_path: Path) -> None:
    info = tmp_path / "coolrun_foo-1.2.post1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text(
        "[console_scripts]\nx = y:z\n\n"
        "[coolrun]\n# a comment\nfoo = a.b:c.d [extra]\nbar=e\n\n[z]\nq=r\n"
    )
    assert found(tmp_path) == [
        ("foo", "a.b:c.d", "coolrun-foo", "1.2.post1"),
        ("bar", "e", "coolrun-foo", "1.2.post1"),
    ]


def test_the_first_of_two_versions_counts_as_for_imports(tmp_path: Path) -> None:
    for folder, name in (("a", "coolrun_foo-1"), ("b", "coolrun-foo-2"), ("b", "Coolrun_Foo-3")):
        info = tmp_path / folder / f"{name}.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text("[coolrun]\nfoo = foo\n")
    assert [point[3] for point in found(tmp_path / "a")] == ["1"]
    assert len(found(tmp_path / "a", tmp_path / "b")) <= 2


def test_old_egg_folders_are_found_too(tmp_path: Path) -> None:
    info = tmp_path / "coolrun_foo.egg-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[coolrun]\nfoo = foo\n")
    assert found(tmp_path) == [("foo", "foo", "coolrun-foo", "")]


def test_what_cannot_be_read_is_no_plugin(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "a-1.dist-info").mkdir()
    (tmp_path / "b-1.dist-info").write_text("a file")
    (tmp_path / "c-1.dist-info").mkdir()
    (tmp_path / "c-1.dist-info" / "entry_points.txt").write_bytes(b"[coolrun]\n\xff = x\n")
    assert found(tmp_path, tmp_path / "file", tmp_path / "nowhere") == []


def test_an_object_in_a_module_can_be_the_plugin(site: Site) -> None:
    source = "class Plugin:\n    inner = None\nPlugin.inner = Plugin()\n"
    site("deep", source, points="[coolrun]\ndeep = stranger_deep:Plugin.inner\n")
    plugin = started().pluginmanager.get_plugin("deep")
    assert type(plugin).__name__ == "Plugin"


# Loading


def test_a_stranger_is_loaded_and_its_hooks_are_called_before_the_built_ins(site: Site) -> None:
    site("foo", hook("coolrun_main", "config", body="return 0"))
    manager = started().pluginmanager
    assert manager.infos["foo"].state == "loaded"
    first = manager.hook.coolrun_main.get_hookimpls()[-1]
    assert first.plugin_name == "foo"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named"),
        ("raise RuntimeError('no luck')\n", "RuntimeError: no luck"),
        ("def broken(:\n", "SyntaxError"),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye"),
        (
            "@hookimpl\ndef coolrun_plan(plan, wrong):\n    pass\n",
            "PluginValidationError: Plugin 'foo' for hook 'coolrun_plan'",
        ),
    ],
)
def test_a_broken_stranger_is_named_and_left_out_and_the_others_stay(
    site: Site, source: str, reason: str
) -> None:
    site("foo", hook("coolrun_check", "plan", body="pass") + source, version="2.1")
    site("other")
    config = started()
    infos = config.pluginmanager.infos
    assert (infos["foo"].state, infos["other"].state) == ("failed", "loaded")
    assert f"plugin 'foo' (coolrun-foo 2.1) was not loaded: {reason}" in notices(config)
    assert "disable it with -p no:foo" in notices(config)
    names = {i.plugin_name for i in config.pluginmanager.hook.coolrun_check.get_hookimpls()}
    assert "foo" not in names, "no hook of it is left in place"


def test_a_blocked_stranger_is_not_even_imported(site: Site) -> None:
    site("foo", "raise RuntimeError('imported')\n")
    config = started("-p", "no:foo")
    info = config.pluginmanager.infos["foo"]
    assert (info.state, info.reason) == ("blocked", "by -p no:foo")
    assert notices(config) == ""
    assert "stranger_foo" not in sys.modules


def test_a_stranger_cannot_take_the_name_of_another_plugin(site: Site) -> None:
    site("repeat", hook("coolrun_main", "config", body="return 0"))
    config = started()
    assert config.pluginmanager.infos["repeat"].origin == "built-in"
    assert "plugin 'repeat' (coolrun-repeat 1.0) was not loaded" in notices(config)
    assert "another one (built-in) has its name" in notices(config)


def test_a_misspelt_hook_is_told_with_the_likely_name(site: Site) -> None:
    site("foo", hook("coolrun_post_rnu", body="pass"))
    text = notices(started())
    assert "plugin 'foo' has a hook 'coolrun_post_rnu' that nobody calls" in text
    assert "did you mean 'coolrun_post_run'?" in text


def test_a_hook_of_a_plugin_that_is_left_out_is_told_with_that_plugin(site: Site) -> None:
    site("foo", hook("coolrun_alpha_hello", body="pass"))
    site("alpha")
    text = notices(started("-p", "no:alpha"))
    assert "has a hook 'coolrun_alpha_hello' that nobody calls; blocked: 'alpha'" in text
    assert "did you mean" not in text


def test_a_hook_that_another_plugin_specifies_is_no_misspelling(site: Site) -> None:
    spec = (
        "from coolrun import hookspec\n\nclass Specs:\n"
        "    @hookspec\n    def coolrun_foo_extra(self):\n        'Extra.'\n\n"
    )
    adds = hook(
        "coolrun_addoption", "parser", "pluginmanager", body="pluginmanager.add_hookspecs(Specs)"
    )
    site("foo", spec + adds)
    site("bar", hook("coolrun_foo_extra", body="pass"))
    assert notices(started()) == ""


# Naming plugins on the command line and in the environment


def test_a_plugin_is_named_by_its_entry_point_or_its_module(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site("foo")
    monkeypatch.setenv("COOLRUN_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert "foo" not in started().pluginmanager.infos
    assert started("-p", "foo").pluginmanager.infos["foo"].origin == "coolrun-foo"
    assert started("-p", "stranger_foo").pluginmanager.infos["stranger_foo"].origin == "-p"


def test_the_environment_names_plugins_as_well(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site("foo")
    site("bar")
    monkeypatch.setenv("COOLRUN_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COOLRUN_PLUGINS", " foo, ,stranger_bar,no:solve ")
    infos = started().pluginmanager.infos
    assert {"foo", "stranger_bar"} <= set(infos)
    assert infos["solve"].state == "blocked"


def test_a_named_plugin_that_cannot_be_loaded_ends_the_command(site: Site) -> None:
    site("foo", "raise RuntimeError('no luck')\n")
    with pytest.raises(UsageError, match="plugin 'foo' cannot be loaded: RuntimeError: no luck"):
        configure(["-p", "foo"])
    with pytest.raises(UsageError, match="plugin 'nowhere' cannot be loaded"):
        configure(["-p", "nowhere"])


def test_a_module_of_the_current_folder_can_be_named_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stranger_here.py").write_text(HEAD + hook("coolrun_capacity", body="return 3"))
    (tmp_path / "difflib.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.chdir(tmp_path)
    path = [folder for folder in sys.path if folder not in {"", str(tmp_path)}]
    monkeypatch.setattr(sys, "path", path)
    monkeypatch.delitem(sys.modules, "difflib", raising=False)
    assert started("-p", "stranger_here").pluginmanager.infos["stranger_here"].state == "loaded"
    with pytest.raises(UsageError, match="No module named 'stranger_hear'"):
        configure(["-p", "stranger_hear"])
    monkeypatch.delitem(sys.modules, "stranger_here")


def test_a_named_plugin_that_is_not_there_is_told_with_the_nearest_name(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site("labtools")
    (tmp_path / "our_cluster.py").touch()
    monkeypatch.chdir(tmp_path)
    for written, meant in (
        ("labtols", "labtools"),
        ("our_clutser", "our_cluster"),
        ("yamlog", "yamllog"),
        ("./our_cluster.py", "our_cluster"),
        ("lab/tools/ours.py", "lab.tools.ours"),
    ):
        with pytest.raises(UsageError) as error:
            configure(["-p", written])
        assert error.value.cure is not None
        assert error.value.cure.startswith(f"did you mean {meant!r}? `coolrun plugins` lists")
    with pytest.raises(UsageError) as error:
        configure(["-p", "nothing.like.it"])
    assert error.value.cure == "`coolrun plugins` lists those that are there"


def test_blocking_what_is_not_there_is_told_with_the_nearest_name(site: Site) -> None:
    assert "there is no plugin of that name; did you mean 'solve'?" in notices(
        started("-p", "no:sovle")
    )


def test_what_was_left_out_is_named_where_something_is_missing(site: Site) -> None:
    site("cluster", "raise RuntimeError('imported')\n", version="2.0")
    site("broken", "raise RuntimeError('no luck')\n")
    config = started("-p", "no:cluster", "-p", "no:local")
    blocked = "blocked: 'local', 'cluster' (coolrun-cluster 2.0)"
    assert config.pluginmanager.left_out() == f"; {blocked}; failed: 'broken' (coolrun-broken 1.0)"
    assert started().pluginmanager.left_out().startswith("; failed: ")


def test_blocking_wins_over_naming(site: Site) -> None:
    site("foo", "raise RuntimeError('imported')\n")
    config = started("-p", "no:foo", "-p", "foo")
    assert config.pluginmanager.infos["foo"].state == "blocked"
    assert notices(config) == ""


def test_naming_what_is_loaded_already_changes_nothing(site: Site) -> None:
    assert started("-p", "repeat").pluginmanager.infos["repeat"].origin == "built-in"


# Failures of setup hooks


def test_everything_that_a_failing_plugin_declared_is_taken_back(site: Site) -> None:
    declares = (
        "parser.add_key('Foo', type='x', help='x')\n"
        "    parser.add_setting('foo', type=int, default=1, help='x')\n"
        "    parser.add_option('--foo', help='x')\n"
        "    parser.add_command('foo', help='x', handler=len)\n"
        "    parser.add_launcher('foo', help='x')\n"
        "    parser.add_key('Name', type='x', help='taken')"
    )
    site("foo", hook("coolrun_addoption", "parser", body=declares))
    config = started()
    parser = config.parser
    assert not {"Foo"} & set(parser.keys)
    assert not {"foo"} & {*parser.settings, *parser.commands, *parser.launchers}
    assert not [o for o in parser.options if "--foo" in o.flags]
    assert parser.keys["Name"].plugin == "definition"
    assert parser.plugin == "core"
    text = notices(config)
    assert "ValueError: key 'Name' is already declared by plugin 'definition'" in text


def test_a_stranger_that_fails_in_configure_is_disabled_as_a_whole(site: Site) -> None:
    declares = "parser.add_key('Foo', type='x', help='x'); parser.add_launcher('foo', help='x')"
    source = (
        hook("coolrun_addoption", "parser", body=declares)
        + "class Part:\n    pass\n\n"
        + hook(
            "coolrun_configure",
            "config",
            body="config.pluginmanager.register(Part(), 'foo-part'); raise OSError('no luck')",
        )
    )
    site("foo", source)
    config = started()
    assert config.pluginmanager.infos["foo"].state == "failed"
    assert config.pluginmanager.get_plugin("foo") is None
    assert config.pluginmanager.get_plugin("foo-part") is None
    assert "Foo" not in config.parser.keys
    assert "foo" not in config.parser.launchers
    assert "plugin 'foo' (coolrun-foo 1.0) was not loaded: OSError: no luck" in notices(config)


@pytest.mark.parametrize(
    ("declares", "reason"),
    [
        ("parser.add_option('--foo', action='nosuch', help='x')", "unknown action"),
        ("parser.add_option('--foo', help='100%')", "incomplete format"),
        ("parser.add_option('-h', help='x')", "conflicting option string"),
        ("parser.add_option(help='x')", "IndexError"),
        ("parser.add_key('foo', type='x', help='x')", "key 'foo' does not begin with a capital"),
    ],
)
def test_a_declaration_that_would_break_every_command_breaks_its_plugin(
    site: Site, declares: str, reason: str
) -> None:
    site("foo", hook("coolrun_addoption", "parser", body=declares))
    config = started()
    assert config.pluginmanager.infos["foo"].state == "failed"
    assert not [o for o in config.parser.options if o.plugin == "foo"]
    assert reason in notices(config)


def test_what_a_stranger_prints_while_it_is_imported_is_not_in_the_output(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site("foo", "print('here I am')\n")
    started()
    captured = capsys.readouterr()
    assert ("here I am" in captured.out, "here I am" in captured.err) == (False, True)


@pytest.mark.parametrize("name", ["coolrun_addoption", "coolrun_configure"])
def test_a_stranger_that_leaves_the_process_is_left_out(site: Site, name: str) -> None:
    site("foo", hook(name, body="raise SystemExit(0)"))
    config = started()
    assert config.pluginmanager.infos["foo"].state == "failed"
    assert "plugin 'foo' (coolrun-foo 1.0) was not loaded: SystemExit: 0" in notices(config)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("@hookimpl\nasync def coolrun_post_run():\n    pass\n", "is an async function, which is"),
        ("@hookimpl\ndef coolrun_post_run():\n    yield\n", "yields and would never run"),
        ("@hookimpl\nasync def coolrun_collect():\n    yield\n", "is an async function, which is"),
        (
            "@hookimpl(wrapper=True)\ndef coolrun_expand():\n    return (yield)\n",
            "plugin by plugin",
        ),
        ("@hookimpl(hookwrapper=True)\ndef coolrun_post_run():\n    yield\n", "plugin by plugin"),
    ],
)
def test_a_function_that_would_not_run_as_it_is_meant_is_no_hook(
    site: Site, source: str, reason: str
) -> None:
    site("foo", source)
    text = notices(started())
    assert "plugin 'foo' (coolrun-foo 1.0) was not loaded: PluginValidationError" in text
    assert reason in text


def test_generators_and_wrappers_have_their_places(site: Site) -> None:
    site(
        "foo",
        "@hookimpl\ndef coolrun_collect():\n    yield {}\n\n"
        "@hookimpl(wrapper=True)\ndef coolrun_plan():\n    return (yield)\n",
    )
    config = started()
    assert config.pluginmanager.infos["foo"].state == "loaded"
    assert notices(config) == ""


def test_a_hook_without_its_mark_is_told(site: Site) -> None:
    site("foo", "def coolrun_post_run(run):\n    pass\n\ndef coolrun_helper():\n    pass\n")
    assert notices(started()) == (
        "coolrun_post_run of the module 'stranger_foo' is never called: mark it with @hookimpl"
    )


def test_a_stranger_may_end_the_command_in_words(site: Site) -> None:
    body = "from coolrun import UsageError; raise UsageError('not here')"
    site("foo", hook("coolrun_configure", "config", body=body))
    with pytest.raises(UsageError, match="not here"):
        configure(["plugins"])


@pytest.mark.parametrize("name", ["coolrun_addoption", "coolrun_configure"])
def test_a_built_in_that_fails_ends_the_command(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    from coolrun_plugins import yamllog

    @hookimpl
    def fail() -> None:
        raise OSError("no luck")

    monkeypatch.setattr(yamllog, name, fail)
    with pytest.raises(PluginError, match=f"plugin 'yamllog' failed in {name}: OSError: no luck"):
        configure(["plugins"])


# Failures of deciding hooks


class Broken:
    @hookimpl
    def coolrun_main(self, config: object) -> int:
        raise LookupError("no luck")

    @hookimpl
    def coolrun_retry(self, run: object) -> None:
        raise LookupError("no luck")

    @hookimpl
    def coolrun_capacity(self) -> int:
        raise CoolrunError("in words")

    @hookimpl
    def coolrun_run_start(self) -> None:
        raise LookupError("no luck")

    @hookimpl
    def coolrun_post_run(self) -> None:
        raise LookupError("no luck")

    @hookimpl
    def coolrun_notice(self) -> None:
        raise LookupError("nobody listens")


class Works:
    def __init__(self) -> None:
        self.told: list[str] = []

    @hookimpl
    def coolrun_run_start(self) -> None:
        self.told.append("start")

    @hookimpl
    def coolrun_capacity(self) -> int:
        return 3

    @hookimpl
    def coolrun_control(self, words: object) -> bool:
        self.told.append(str(words))
        return True


class Silent:
    @hookimpl
    def coolrun_capacity(self) -> None:
        return None


@pytest.fixture
def manager() -> PluginManager:
    return PluginManager()


def test_a_broken_decision_names_plugin_hook_and_cure(manager: PluginManager) -> None:
    manager.register(Broken(), "odd")
    with pytest.raises(PluginError, match="plugin 'odd' failed in coolrun_main: LookupError") as e:
        manager.ask("coolrun_main", config=None)
    assert "-p no:odd" in str(e.value)
    assert "--trace-hooks" in str(e.value)
    assert isinstance(e.value.__cause__, LookupError)


def test_a_decider_that_leaves_the_process_is_one_that_fails(manager: PluginManager) -> None:
    class Leaves:
        @hookimpl
        def coolrun_main(self) -> int:
            raise SystemExit(0)

        @hookimpl
        def coolrun_capacity(self) -> int:
            raise SystemExit(0)

    manager.register(Leaves(), "odd")
    with pytest.raises(PluginError, match="plugin 'odd' failed in coolrun_main: SystemExit: 0"):
        manager.ask("coolrun_main", config=None)
    with pytest.raises(PluginError, match="plugin 'odd' failed in coolrun_capacity: SystemExit"):
        list(manager.each("coolrun_capacity", config=None))


def test_a_failure_of_nobody_in_particular_blocks_nobody(manager: PluginManager) -> None:
    error = manager.named(LookupError("no luck"), "coolrun_expand")
    assert str(error) == (
        "a plugin failed in coolrun_expand: LookupError: no luck\n  see why with --trace-hooks"
    )


def test_a_decision_in_words_is_passed_on(manager: PluginManager) -> None:
    manager.register(Broken(), "odd")
    with pytest.raises(CoolrunError, match="in words"):
        list(manager.each("coolrun_capacity", config=None))


def test_deciders_are_asked_one_by_one(manager: PluginManager) -> None:
    manager.register(Works(), "works")
    manager.register(Silent(), "silent")
    asked = manager.each("coolrun_capacity", config=None)
    assert list(asked) == [("silent", None), ("works", 3)]


def test_a_broken_one_of_several_deciders_is_named(manager: PluginManager) -> None:
    manager.register(Broken(), "odd")
    with pytest.raises(PluginError, match="plugin 'odd' failed in coolrun_retry: LookupError"):
        list(manager.each("coolrun_retry", run=None, record=None, session=None))


def test_the_first_answer_counts_where_the_hook_says_so(manager: PluginManager) -> None:
    works = Works()
    manager.register(works)
    assert manager.ask("coolrun_control", words=["stop"], session=None) is True
    assert works.told == ["['stop']"]


# Failures of observing hooks


def test_an_observer_that_fails_is_told_once_and_stops_nobody(manager: PluginManager) -> None:
    works, session = Works(), SimpleNamespace(config=None)
    manager.register(works, "works")
    manager.register(Broken(), "odd")  # called first
    for _ in range(3):
        manager.notify("coolrun_run_start", run=None, session=session)
        manager.notify("coolrun_post_run", run=None, record=None, session=session)
    assert works.told == ["start"] * 3
    assert len(manager.notices) == 1
    assert "plugin 'odd' failed in coolrun_run_start: LookupError: no luck" in manager.notices[0]


def test_an_observer_that_leaves_the_process_is_one_that_fails(manager: PluginManager) -> None:
    class Leaves:
        @hookimpl
        def coolrun_run_start(self) -> None:
            raise SystemExit(7)

    works = Works()
    manager.register(works, "works")
    manager.register(Leaves(), "odd")
    manager.notify("coolrun_run_start", run=None, session=None)
    assert works.told == ["start"]
    assert "plugin 'odd' failed in coolrun_run_start: SystemExit: 7" in manager.notices[0]


def test_each_failing_observer_is_told(manager: PluginManager) -> None:
    for name in ("first", "second"):
        manager.register(Broken(), name)
    manager.notify("coolrun_post_run", run=None, record=None, session=None)
    assert len(manager.notices) == 2


def test_a_notice_is_kept_when_every_listener_fails(manager: PluginManager) -> None:
    manager.register(Broken(), "odd")
    manager.notify("coolrun_notice", message="look", config=None)
    assert manager.notices[-1] == "look"


def test_a_failing_listener_to_notices_ends_in_no_circle(manager: PluginManager) -> None:
    manager.register(Broken(), "odd")
    config: Any = SimpleNamespace(
        warn=lambda message: manager.notify("coolrun_notice", message=message, config=config)
    )
    session = SimpleNamespace(config=config)
    manager.notify("coolrun_run_start", run=None, session=session)
    assert any("plugin 'odd' failed" in notice for notice in manager.notices)


def test_notices_wait_for_a_listener(manager: PluginManager) -> None:
    manager.notify("coolrun_notice", message="look", config=None)
    assert manager.notices == ["look"]


# Listing


def test_the_hooks_of_a_plugin_are_listed(manager: PluginManager) -> None:
    manager.register(Works(), "works")
    assert manager.hooks_of("works") == ["coolrun_capacity", "coolrun_control", "coolrun_run_start"]
    assert manager.hooks_of("nobody") == []


def test_what_blocked_built_ins_would_declare_is_known() -> None:
    config = started("-p", "no:repeat", "-p", "no:solve")
    declared: Parser = config.pluginmanager.declared_by_blocked("coolrun_plugins")
    assert declared.keys["Repeat"].plugin == "repeat"
    assert declared.words["solve"].plugin == "solve"
    assert "Name" not in declared.keys
