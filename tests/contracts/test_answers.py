"""What a stranger's plugin answers by mistake is told with its name, and nothing waits for ever."""

from __future__ import annotations

import pytest

from coolrun.testing import Outcome, Project

DEFINITION = "Command: 'true'\n---\nName: first\n"
FAILING = "Command: 'false'\n---\nx: parse 1\n"
PLUGIN = "from coolrun import hookimpl\n\n\n@hookimpl\ndef {}:\n    return {}\n"


def answered(project: Project, hook: str, answer: str, definition: str = DEFINITION) -> Outcome:
    project({"experiment.yaml": definition, "odd.py": PLUGIN.format(hook, answer)})
    return project.run("-p", "odd", env={"PYTHONPATH": str(project.path)}, timeout=30)


@pytest.mark.parametrize(
    ("hook", "answer", "expected"),
    [
        ("coolrun_read()", "{}", "a Definition"),
        ("coolrun_names()", "[1]", "a mapping"),
        ("coolrun_main()", "'x'", "a whole number"),
        ("coolrun_capacity()", "'many'", "a whole number"),
        ("coolrun_capacity()", "1.5", "a whole number"),
        ("coolrun_ready()", "True", "a Blocked"),
        ("coolrun_pre_launch()", "3", "a Lease"),
        ("coolrun_continue()", "'last'", "a SessionFolder"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_told_with_the_plugin_and_what_was_expected(
    project: Project, hook: str, answer: str, expected: str
) -> None:
    outcome = answered(project, hook, answer, FAILING)
    assert outcome.code == 3
    assert "Traceback" not in outcome.err
    assert (
        f"plugin 'odd' answered {hook[:-2]} with {answer} (expected {expected} or None)\n"
        "  leave it out: -p no:odd\n"
    ) in outcome.err


@pytest.mark.parametrize(
    ("hook", "answer", "words"),
    [
        ("coolrun_retry()", "True", "answered coolrun_retry with True (expected a Retry or None)"),
        ("coolrun_retry()", "1 / 0", "failed in coolrun_retry: ZeroDivisionError"),
        ("coolrun_diagnose()", "3", "answered coolrun_diagnose with 3 (expected text or None)"),
        ("coolrun_diagnose()", "1 / 0", "failed in coolrun_diagnose: ZeroDivisionError"),
    ],
)
def test_what_is_wrong_with_it_after_a_run_costs_neither_its_record_nor_the_session(
    project: Project, hook: str, answer: str, words: str
) -> None:
    outcome = answered(project, hook, answer, f"{FAILING}---\nName: second\n")
    assert outcome.code == 1
    assert f"note: plugin 'odd' {words}" in outcome.err
    assert "-p no:odd" in outcome.err
    assert [record["FAILURE"] for record in outcome.records] == ["exit code 1"] * 2


def test_what_is_no_experiment_is_told_with_the_plugin_that_made_it(project: Project) -> None:
    outcome = answered(project, "coolrun_expand()", "[3]")
    assert outcome.code == 3
    assert "Traceback" not in outcome.err
    expected = "plugin 'odd' answered coolrun_expand with 3 (expected Experiments or None)"
    assert f"experiment.yaml:3:1: an experiment 'first': {expected}" in outcome.err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("'sleep'", "answered coolrun_program with 'sleep' (expected a Program or None)"),
        ("exit(0)", "failed in coolrun_program: SystemExit: 0"),
    ],
)
def test_what_is_no_program_is_told_with_the_plugin(
    project: Project, answer: str, words: str
) -> None:
    project({"work.py": "def main(exp):\n    pass\n"})
    outcome = answered(project, "coolrun_program()", answer, "Module: work\n---\n{}\n")
    assert outcome.code == 3
    assert "Traceback" not in outcome.err
    assert f"error: plugin 'odd' {words}" in outcome.err


def test_work_that_is_no_function_is_the_failure_of_the_run(project: Project) -> None:
    project({"work.py": "def main(exp):\n    pass\n"})
    outcome = answered(project, "coolrun_execute()", "3", "Module: work\n---\n{}\n")
    (record,) = outcome.records
    assert record["FAILURE"] == (
        "a plugin answered coolrun_execute with 3 (expected a function or None) "
        "find it with --trace-hooks"
    )


def test_a_plugin_that_fails_on_what_another_answers_is_not_blamed(project: Project) -> None:
    """Reading is wrapped by a plugin that counts passes."""
    outcome = answered(project, "coolrun_read()", "'text'", FAILING)
    assert "plugin 'odd' answered coolrun_read with 'text' (expected a Definition" in outcome.err


def test_the_hooks_of_plugins_are_checked_too(project: Project) -> None:
    project(
        {
            "things.py": "class Thing:\n    pass\n",
            "specs.py": """
                from __future__ import annotations

                from typing import TYPE_CHECKING

                from coolrun import hookspec

                if TYPE_CHECKING:
                    from things import Thing

                @hookspec(firstresult=True)
                def coolrun_thing() -> Thing | None:
                    pass

                @hookspec
                def coolrun_number() -> Unknown | None:
                    pass
            """,
            "asks.py": """
                from coolrun import hookimpl

                @hookimpl
                def coolrun_addoption(parser, pluginmanager):
                    import specs

                    pluginmanager.add_hookspecs(specs)
                    parser.add_command("ask", help="ask", handler=ask)

                def ask(config):
                    print(config.pluginmanager.ask("coolrun_number"))
                    config.pluginmanager.ask("coolrun_thing")
            """,
            "odd.py": """
                from coolrun import hookimpl

                @hookimpl
                def coolrun_number():
                    return 3

                @hookimpl
                def coolrun_thing():
                    return 3
            """,
        }
    )
    outcome = project.run("-p", "asks", "-p", "odd", "ask")
    assert outcome.out == "[3]\n"
    assert "plugin 'odd' answered coolrun_thing with 3 (expected a Thing or None)" in outcome.err


@pytest.mark.parametrize("answer", ["0", "-1"])
def test_a_capacity_that_would_start_nothing_is_refused(project: Project, answer: str) -> None:
    outcome = answered(project, "coolrun_capacity()", answer)
    assert outcome.code == 3
    assert outcome.err == (
        f"error: plugin 'odd' answered coolrun_capacity with {answer} "
        "(expected a positive whole number or None)\n  leave it out: -p no:odd\n"
    )


def test_what_is_no_lease_is_refused_before_the_run_starts(project: Project) -> None:
    outcome = answered(project, "coolrun_pre_launch()", "{'A': '1'}")
    assert outcome.code == 3
    assert "plugin 'odd' answered coolrun_pre_launch with {'A': '1'} (expected a Lease" in (
        outcome.err
    )
    assert "Traceback" not in outcome.err
    assert outcome.records == []


@pytest.mark.parametrize("answer", ["None", "2"])
def test_a_proper_answer_is_taken(project: Project, answer: str) -> None:
    assert answered(project, "coolrun_capacity()", answer).code == 0


def test_experiments_that_are_no_list_are_told_with_the_plugin(project: Project) -> None:
    outcome = answered(project, "coolrun_expand()", "3")
    assert outcome.code == 3
    assert "plugin 'odd' failed in coolrun_expand: TypeError" in outcome.err
    assert outcome.err.endswith("-p no:odd\n")


@pytest.mark.parametrize(
    ("hook", "answer", "said"),
    [
        (
            "coolrun_launch()",
            "'ssh'",
            "'ssh' (expected a Launcher or None): it has no submit, fileno, poll, cancel, attach",
        ),
        ("coolrun_queue()", "[]", "[] (expected a Queue or None): it has no put, refresh, waiting"),
    ],
)
def test_what_is_no_launcher_or_queue_is_told_with_what_it_lacks(
    project: Project, hook: str, answer: str, said: str
) -> None:
    outcome = answered(project, hook, answer)
    assert outcome.code == 3
    assert f"plugin 'odd' answered {hook[:-2]} with {said}" in outcome.err
    assert "leave it out: -p no:odd" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_launcher_that_lacks_one_function_is_told_before_anything_is_made(
    project: Project,
) -> None:
    names = ("submit", "fileno", "poll", "cancel", "attach")
    answer = f"type('Half', (), dict.fromkeys({names}, print))()"
    outcome = answered(project, "coolrun_launch()", answer)
    assert "(expected a Launcher or None): it has no close\n" in outcome.err
    assert not (project.path / ".coolrun").exists()


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("ValueError('no such\\nunit')", "ValueError: no such unit in 'convert(1)'\n"),
        ("LookupError", "LookupError in 'convert(1)'\n"),
        ("OSError('x' * 1000)", f"OSError: {'x' * 200}"),
    ],
)
def test_a_function_of_expressions_that_fails_says_why(
    project: Project, raised: str, said: str
) -> None:
    plugin = f"def convert(value):\n    raise {raised}\n\n\n@hookimpl\ndef coolrun_names():\n"
    plugin = f"from coolrun import hookimpl\n\n\n{plugin}    return {{'convert': convert}}\n"
    project(
        {
            "odd.py": plugin,
            "experiment.yaml": "Command: 'true'\n---\nx: parse convert(1)\n",
        }
    )
    outcome = project.run("-p", "odd", "--dry", env={"PYTHONPATH": str(project.path)})
    assert outcome.code == 4
    assert f"convert() failed: {said}" in outcome.err


def test_a_launcher_that_is_declared_and_never_given_is_not_replaced_by_another(
    project: Project,
) -> None:
    declared = "parser.add_launcher('far', help='far away')"
    definition = "Global: {launcher: far}\nCommand: 'true'\n---\n{}\n"
    outcome = answered(project, "coolrun_addoption(parser)", declared, definition)
    assert outcome.code == 3
    assert "error: no plugin launches runs\n  `coolrun plugins` lists what there is" in outcome.err
    assert outcome.records == []
