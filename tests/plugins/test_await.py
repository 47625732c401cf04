"""`await`: values from the results of earlier runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import coolrun
from coolrun import CoolrunError
from coolrun.testing import Outcome, Project

WORK = """
    def main(exp):
        exp.SEEN = {key: exp[key] for key in exp if key[0].islower()}
        exp.BEST_LR = exp.get("lr", 1.0) * 2
        if exp.get("fails"):
            raise ValueError("diverged")
    """


def run(project: Project, *documents: str, args: tuple[str, ...] = ()) -> Outcome:
    text = "\n---\n".join(["Module: work", *documents])
    return project({"work.py": WORK, "experiment.yaml": text}).run(*args)


def by_position(done: Outcome) -> dict[int, dict[str, object]]:
    return {int(record["RUN_ID"].split(".")[1]): record for record in done.records}


def refusal(folder: Path, *documents: str) -> str:
    file = folder / "experiment.yaml"
    file.write_text("\n---\n".join(["Module: work", *documents]), encoding="utf-8")
    with pytest.raises(CoolrunError) as caught:
        coolrun.plan(file)
    return str(caught.value)


def test_the_module_gets_and_the_record_holds_the_value_made_of_results(project: Project) -> None:
    done = run(project, "lr: 0.5", "lr: await E[-1].BEST_LR / 4", args=("-j", "4"))
    assert done, done
    record = by_position(done)[1]
    assert record["lr"] == 0.25
    assert record["SEEN"] == {"lr": 0.25}
    assert record["BEST_LR"] == 0.5


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("E[-1].BEST_LR", 8.0),
        ("E[0].BEST_LR", 2.0),
        ("E['base'].BEST_LR", 2.0),
        ("E['base'].STATUS", "done"),
        ("max([e.BEST_LR for e in E])", 8.0),
        ("sum([e.lr for e in E[1:]])", 4.0),
        ("len(E)", 2),
        ("E[-1].get('NOPE', 7)", 7),
        ("dict(a=E[-1].SEEN.lr)", {"a": 4.0}),
        ("1 + 1", 2),
    ],
)
def test_results_are_read_in_every_way_that_parse_reads_values(
    project: Project, expression: str, expected: object
) -> None:
    done = run(project, "{Name: base, lr: 1.0}", "lr: 4.0", f"x: await {expression}")
    assert by_position(done)[2]["x"] == expected, done


def test_what_reads_an_awaited_key_is_computed_with_it_in_the_same_order(project: Project) -> None:
    text = """
x: await E[-1].BEST_LR
nested: {y: parse x + 1, z: [parse nested.y * 2, 3]}
    """
    done = run(project, "lr: 1.0", text)
    assert by_position(done)[1]["SEEN"] == {"x": 2.0, "nested": {"y": 3.0, "z": [6.0, 3]}}


def test_a_default_may_await_and_the_first_experiment_replaces_it(project: Project) -> None:
    text = "lr: await E[-1].BEST_LR\n---\nlr: 1\n---\n{}\n---\n{}"
    done = project({"work.py": WORK, "experiment.yaml": f"Module: work\n{text}\n"}).run("-j", "3")
    assert [record["lr"] for record in done.records] == [1, 2, 4]


def test_what_was_known_before_is_not_computed_again_with_results_in_sight(
    project: Project,
) -> None:
    done = run(project, "lr: 1.0", "known: parse len(E[-1])\nx: await len(E[-1])")
    seen = by_position(done)[1]["SEEN"]
    assert isinstance(seen, dict)
    assert seen["known"] < seen["x"]


def test_only_what_is_read_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    documents = ["Name: a", "Name: b", "x: await E['a'].X", "x: await E[-2].X", "x: await len(E)"]
    file.write_text("\n---\n".join(["Module: work", *documents]))
    plan = coolrun.plan(file)
    assert [sorted(e.after) for e in plan.experiments] == [[], [], [0], [1], [0, 1, 2, 3]]
    assert [sorted(e.pending) for e in plan.experiments] == [[], [], ["x"], ["x"], ["x"]]


def test_an_experiment_that_awaits_a_failed_one_is_blocked_and_the_rest_goes_on(
    project: Project,
) -> None:
    done = run(project, "fails: true", "lr: await E[-1].BEST_LR", "lr: await E[-1].lr", "{}")
    records = by_position(done)
    assert done.code == 1
    assert [records[n]["STATUS"] for n in range(4)] == ["failed", "blocked", "blocked", "done"]
    assert records[1]["FAILURE"] == (
        "it awaits experiment 0 'experiment': failed: ValueError: diverged"
    )
    assert "SEEN" not in records[1]


def test_one_that_is_skipped_gives_its_planned_values(project: Project) -> None:
    done = run(project, "{Name: skip, lr: 3}", "lr: await E[-1].lr + 1")
    assert by_position(done)[1]["lr"] == 4


def test_one_that_is_not_picked_is_an_error_before_the_first_launch(project: Project) -> None:
    done = run(project, "{}", "lr: await E[-1].BEST_LR", "{}", args=("--pick", "1,2"))
    assert done.code == 4
    assert not done.records
    assert "it awaits results of experiment 0" in done.err
    assert "not picked" in done.err
    assert "--pick 0,1" in done.err


def test_an_expression_that_fails_at_launch_fails_that_run_alone(project: Project) -> None:
    done = run(project, "{}", "lr: await E[-1].NOPE", "lr: await 1 / (E[0].lr - 1)", "{}")
    records = by_position(done)
    assert [records[n]["STATUS"] for n in range(4)] == ["done", "blocked", "blocked", "done"]
    assert "key 'lr':" in str(records[1]["FAILURE"])
    assert "NOPE" in str(records[1]["FAILURE"])


def test_a_result_that_looks_like_an_expression_is_text(project: Project) -> None:
    files = {
        "work.py": "def main(exp):\n    exp.TEXT = 'parse 1 + 1'\n",
        "experiment.yaml": "Module: work\n---\n{}\n---\nx: await E[-1].TEXT\n",
    }
    done = project(files).run()
    assert by_position(done)[1]["x"] == "parse 1 + 1"


@pytest.mark.parametrize("key", ["Name", "Repeat", "After", "YamlLog"])
def test_what_is_needed_before_the_launch_cannot_be_awaited(tmp_path: Path, key: str) -> None:
    message = refusal(tmp_path, "{}", f"{key}: await E[-1].X")
    assert key in message
    assert "experiment.yaml:5" in message


def test_a_name_made_of_an_awaited_value_is_refused_too(tmp_path: Path) -> None:
    message = refusal(tmp_path, "{}", "x: await E[-1].X\nName: parse f'{x}'")
    assert "Name cannot wait for the results of other runs" in message


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("E[-1].BEST_LR", "no experiment E[-1]"),
        ("E['base'].x", "no experiment E['base']"),
        ("E[-1].", "invalid syntax"),
        ("E.__class__", "__class__"),
    ],
)
def test_what_can_never_be_read_is_refused_when_the_definition_is_read(
    tmp_path: Path, expression: str, words: str
) -> None:
    message = refusal(tmp_path, f"x: await {expression}")
    assert words in message
    assert "experiment.yaml:3:" in message


def test_parse_cannot_read_what_is_awaited_elsewhere(tmp_path: Path) -> None:
    message = refusal(tmp_path, "{}", "lr: await E[-1].X", "lr: parse E[-1].lr")
    assert "await" in message


def test_a_dry_run_shows_it_as_pending_and_what_it_waits_for(project: Project) -> None:
    done = run(project, "{}", "lr: await E[-1].BEST_LR", args=("--dry",))
    assert "pending (await E[-1].BEST_LR)" in done.out
    assert "(after 0)" in done.out
    assert not (project.path / ".coolrun").exists()


def test_the_journal_keeps_the_values_for_a_later_session(project: Project) -> None:
    run(project, "lr: 0.5", "lr: await E[-1].BEST_LR")
    (journal,) = project.path.glob(".coolrun/sessions/*/journal.jsonl")
    starts = [json.loads(line) for line in journal.read_text().splitlines() if '"start"' in line]
    assert len(starts[0]) == 4
    assert starts[1][4]["values"]["lr"] == 1.0


def test_a_chain_of_many_costs_the_same_for_each(project: Project) -> None:
    text = "Module: work\nlr: await E[-1].lr + 1\n---\nlr: 1\n" + "---\n{}\n" * 60
    done = project({"work.py": WORK, "experiment.yaml": text}).run("-j", "2")
    assert [record["lr"] for record in done.records] == list(range(1, 62))
