"""Slips of a stranger's plugin: each is told by its name, and nothing is done twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coolrun.testing import Outcome, Project

TWO = "Module: work\n---\nlr: 1\n---\nlr: 2\n"
WORK = "def main(exp):\n    exp.ACC = exp.lr\n    assert exp.lr < 9\n"
HEAD = "from coolrun import Busy, CoolrunError, Lease, Retry, hookimpl\n"


def run(project: Project, plugin: str, *args: str, definition: str = TWO) -> Outcome:
    files = {"work.py": WORK, "experiment.yaml": definition, "odd.py": HEAD + plugin}
    project(files)
    return project.run("-p", "odd", *args, env={"PYTHONPATH": str(project.path)}, timeout=30)


def hook(signature: str, *lines: str, mark: str = "hookimpl") -> str:
    return f"@{mark}\ndef {signature}:\n" + "".join(f"    {line}\n" for line in lines)


def test_a_failing_record_writes_no_record_of_others_twice(project: Project) -> None:
    outcome = run(
        project,
        hook("coolrun_record(run)", "raise ValueError('x')", mark="hookimpl(trylast=True)"),
    )
    assert outcome.code == 3
    assert (
        "experiment 0 'experiment': plugin 'odd' failed in coolrun_record: ValueError: x"
        in outcome.err
    )
    (log,) = project.path.glob(".coolrun/sessions/*/log.yaml")
    assert log.read_text().count("RUN_ID") == 1


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("raise SystemExit", "plugin 'odd' failed in coolrun_execute: exit code 0 before"),
        ("raise SystemExit(0)", "plugin 'odd' failed in coolrun_execute: exit code 0 before"),
        ("raise SystemExit(7)", "plugin 'odd' failed in coolrun_execute: exit code 7 before"),
        ("raise KeyError('k')", "plugin 'odd' failed in coolrun_execute: KeyError: 'k'"),
    ],
)
@pytest.mark.parametrize("mark", ["hookimpl", "hookimpl(wrapper=True)"])
def test_what_ends_before_the_work_begins_is_no_success(
    project: Project, body: str, failure: str, mark: str
) -> None:
    lines = ["yield", body] if "wrapper" in mark else [body]
    outcome = run(project, hook("coolrun_execute(experiment)", *lines, mark=mark))
    assert outcome.code == 1
    assert all(record["STATUS"] == "failed" for record in outcome.records)
    assert all(record["FAILURE"].startswith(failure) for record in outcome.records), outcome


def test_a_module_that_leaves_while_it_is_imported_has_failed(project: Project) -> None:
    project({"work.py": "raise SystemExit\ndef main(exp): pass\n", "experiment.yaml": TWO})
    outcome = project.run()
    failures = {record["FAILURE"] for record in outcome.records}
    assert failures == {"exit code 0 before its work began"}


@pytest.mark.parametrize(
    "answer", ["yield", "x = yield\n    return 17"], ids=["nothing", "something else"]
)
def test_a_wrapper_that_swallows_the_answers_of_others_is_named(
    project: Project, answer: str
) -> None:
    outcome = run(project, hook("coolrun_ready()", answer, mark="hookimpl(wrapper=True)"))
    assert outcome.code == 3
    assert "plugin 'odd' answered coolrun_ready with" in outcome.err
    assert "a bug of coolrun" not in outcome.err


def test_what_was_prepared_is_given_back_when_the_next_one_fails(project: Project) -> None:
    plugin = (
        hook(
            "coolrun_pre_launch(run)",
            "n = run.experiment.position",
            "print('take', n, flush=True)",
            "return Lease(release=lambda: print('release', n, flush=True))",
        )
        + "class Fails:\n    @hookimpl(trylast=True)\n    def coolrun_pre_launch(self, run):\n"
        + "        assert run.experiment.position == 0\n"
        + hook("coolrun_configure(config)", "config.pluginmanager.register(Fails(), 'fails')")
    )
    outcome = run(project, plugin, "-j", "2")
    assert outcome.code == 3
    told = [line for line in outcome.out.splitlines() if line.startswith(("take", "release"))]
    assert sorted(told) == ["release 0", "release 1", "take 0", "take 1"]
    assert "experiment 1 'experiment': plugin 'odd' failed in coolrun_pre_launch" in outcome.err


@pytest.mark.parametrize("name", ["coolrun_retry(run)", "coolrun_diagnose(run)"])
def test_words_for_people_after_a_failure_do_not_end_the_session(
    project: Project, name: str
) -> None:
    body = "raise CoolrunError('no way', cure='do it')"
    failing = "Module: work\n---\nlr: 9\n---\nlr: 2\n"
    outcome = run(project, hook(name, body), definition=failing)
    assert [record["STATUS"] for record in outcome.records] == ["failed", "done"]
    assert f"note: {name[:-5]} failed: no way" in outcome.err


def test_a_retry_with_other_values_is_the_same_experiment(project: Project) -> None:
    body = (
        "e = run.experiment",
        "return Retry(e.derive(own={**e.own, 'lr': 3})) if e['lr'] == 9 else None",
    )
    failing = "Module: work\n---\nlr: 9\n---\nlr: 2\n"
    plugin = hook("coolrun_retry(run)", *body)
    outcome = run(project, plugin, definition=failing)
    assert outcome.code == 0
    told = [(r["RUN_ID"].partition(".")[2], r["STATUS"], r["lr"]) for r in outcome.records]
    assert sorted(told) == [("0.1", "failed", 9), ("0.2", "done", 3), ("1.1", "done", 2)]
    (journal,) = project.path.glob(".coolrun/sessions/*/journal.jsonl")
    assert '"values":{"lr":3' in journal.read_text(), "a resumed session has to know them"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Retry(session.plan.experiments[1])", "another one: experiment 1"),
        ("Retry(run.experiment, delay=float('nan'))", "the delay of a Retry is nan"),
        ("Retry(run.experiment, delay=float('inf'))", "the delay of a Retry is inf"),
        ("Retry(run.experiment, delay=-1)", "the delay of a Retry is -1"),
    ],
)
def test_a_retry_that_makes_no_sense_is_told_and_not_made(
    project: Project, answer: str, told: str
) -> None:
    failing = "Module: work\n---\nlr: 9\n---\nlr: 2\n"
    outcome = run(
        project, hook("coolrun_retry(run, session)", f"return {answer}"), definition=failing
    )
    assert told in outcome.err
    assert [record["STATUS"] for record in outcome.records] == ["failed", "done"]


def test_a_lease_changes_neither_parameters_nor_what_the_runner_records(project: Project) -> None:
    body = (
        "mine = {'STATUS': 'x', 'RUN_ID': 'no', 'lr': 77, 'MINE': 1}",
        "return Lease(record=mine, release=lambda: {**mine, 'LATER': 2})",
    )
    outcome = run(project, hook("coolrun_pre_launch()", *body))
    told = [(r["STATUS"], r["lr"], r["MINE"], r["LATER"]) for r in outcome.records]
    assert told == [("done", 1, 1, 2), ("done", 2, 1, 2)]


def test_a_session_is_not_resumed_without_what_runs_its_experiments(project: Project) -> None:
    plugin = hook(
        "coolrun_addoption(parser)",
        "parser.add_key('Answer', type='a number', help='it', runs=True)",
    ) + hook("coolrun_execute(experiment)", "return lambda: None")
    definition = "Answer: 1\n---\nRepeat: 3\n"
    assert run(project, plugin, "--max-runs", "1", definition=definition).code == 0
    outcome = project.run("--resume")
    assert outcome.code == 4
    assert "nothing says what to run" in outcome.err
    outcome = project.run("-p", "odd", "--resume", env={"PYTHONPATH": str(project.path)})
    assert outcome.code == 0, outcome


@pytest.mark.parametrize(
    "signature", ["coolrun_notify(notifcation)", "coolrun_gpu_inventory(cofnig)"]
)
def test_an_argument_misspelt_in_a_hook_of_a_plugin_leaves_its_own_plugin_out(
    project: Project, signature: str
) -> None:
    name, _, rest = signature.partition("(")
    folder = project.path / "site"
    (info := folder / "coolrun_odd-1.0.dist-info").mkdir(parents=True)
    (info / "entry_points.txt").write_text("[coolrun]\nodd = odd\n")
    (folder / "odd.py").write_text(HEAD + hook(signature, "return None"))
    outcome = project.run("plugins", env={"PYTHONPATH": str(folder)})
    assert outcome.code == 0, outcome
    text = outcome.out + outcome.err
    assert f"{name} has no argument {rest[:-1]!r}" in text
    assert "failed in coolrun_addoption" not in text


def test_a_hook_misspelt_in_an_object_is_told_like_one_in_a_module(project: Project) -> None:
    plugin = "class Watch:\n    @hookimpl\n    def coolrun_postrun(self): pass\n" + hook(
        "coolrun_configure(config)", "config.pluginmanager.register(Watch(), 'odd-watch')"
    )
    outcome = run(project, plugin)
    assert "has a hook 'coolrun_postrun' that nobody calls; did you mean" in outcome.err


def test_a_failure_in_an_object_names_the_plugin_that_made_it(project: Project) -> None:
    plugin = (
        "class Best:\n    @hookimpl\n    def coolrun_ready(self): raise ValueError('x')\n"
        + hook("coolrun_configure(config)", "config.pluginmanager.register(Best(), 'bests')")
    )
    outcome = run(project, plugin)
    assert "plugin 'odd' failed in coolrun_ready: ValueError: x" in outcome.err
    assert "-p no:odd" in outcome.err


def test_a_plugin_that_was_asked_for_and_cannot_prepare_is_an_error(project: Project) -> None:
    outcome = run(project, hook("coolrun_configure(config)", "raise ValueError('x')"))
    assert outcome.code == 3
    assert "plugin 'odd' failed in coolrun_configure: ValueError: x" in outcome.err
    assert not outcome.records


def test_leaving_the_process_is_never_a_success(project: Project) -> None:
    plugin = hook(
        "coolrun_session_start(session)",
        "def leave(): raise SystemExit(0)",
        "session.every(0.0, leave)",
    )
    outcome = run(project, plugin)
    assert outcome.code == 3
    assert "plugin 'odd' failed: SystemExit: 0" in outcome.err


def test_a_session_that_ends_in_an_error_prints_no_traceback_of_its_launcher(
    project: Project,
) -> None:
    plugin = (
        "import sys\nfrom coolrun.launching import ProcessLauncher\n"
        "class Mine(ProcessLauncher):\n"
        "    def command(self, run):\n"
        "        return [sys.executable, '-m', 'coolrun.handover']\n"
        + hook("coolrun_launch(config)", "return Mine(config)")
        + hook("coolrun_pre_launch(run)", "assert run.experiment.position == 0")
    )
    slow = WORK.replace("def main(exp):\n", "def main(exp):\n    import time; time.sleep(0.3)\n")
    files: dict[str, Any] = {"work.py": slow, "experiment.yaml": TWO, "odd.py": HEAD + plugin}
    project(files)
    launched = "Global: {jobs: 1}\n" + TWO
    Path(project.path, "experiment.yaml").write_text(launched)
    outcome = project.run("-p", "odd", env={"PYTHONPATH": str(project.path)}, timeout=30)
    assert outcome.code == 3
    assert "Traceback" not in outcome.err
    assert "Exception in thread" not in outcome.err
