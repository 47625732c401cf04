"""What a session has decided about its runs holds in the one that takes it up again."""

from __future__ import annotations

import json
from typing import Any

from coolrun.testing import Outcome, Project

WORK = """
    import os
    from pathlib import Path

    def main(exp):
        exp.BEST = exp.get("lr", 1.0) * 2
        exp.FOLDER = os.environ["COOLRUN_RUN_DIR"]
        if exp.get("fails") and not Path("mended").exists():
            raise ValueError("not yet")
    """


def by_position(done: Outcome) -> dict[int, dict[str, Any]]:
    return {int(record["RUN_ID"].split(".")[1]): record for record in done.records}


def begin(project: Project, text: str, *args: str) -> Outcome:
    return project({"work.py": WORK, "experiment.yaml": text}).run(*args)


def test_results_of_the_earlier_session_are_awaited_in_the_later_one(project: Project) -> None:
    text = "Module: work\n---\n{lr: 3, Output: out}\n---\nlr: await E[0].BEST + 1\n---\n{}\n"
    assert begin(project, text, "--max-runs", "1").code == 0
    later = by_position(project.run("--resume"))
    assert later[1]["lr"] == 7
    assert later[1]["STATUS"] == "done"
    assert 0 not in later


def test_values_that_were_awaited_earlier_are_read_later(project: Project) -> None:
    text = (
        "Module: work\n---\nlr: 3\n---\nName: b\nlr: await E[0].BEST\n---\n"
        "lr: await E['b'].lr + E['b'].BEST\n"
    )
    begin(project, text, "--max-runs", "2")
    assert by_position(project.run("--resume"))[2]["lr"] == 6 + 12


def test_one_that_was_blocked_is_tried_again_when_what_it_awaits_is_mended(
    project: Project,
) -> None:
    text = "Module: work\n---\n{lr: 3, fails: true}\n---\nlr: await E[0].BEST\n"
    first = by_position(begin(project, text))
    assert first[1]["STATUS"] == "blocked"
    (project.path / "mended").touch()
    again = by_position(project.run("--resume", "--retry-failed"))
    assert (again[0]["STATUS"], again[1]["STATUS"], again[1]["lr"]) == ("done", "done", 6)
    assert again[1]["ATTEMPT"] == 2


def test_a_retry_that_did_not_come_to_pass_is_made_up_for(project: Project) -> None:
    text = "Module: work\n---\n{fails: true, Retries: 1, RetryDelay: 0.2}\n---\n{}\n"
    first = begin(project, text, "--max-runs", "1")
    assert first.code == 1
    (project.path / "mended").touch()
    again = by_position(project.run("--resume"))
    assert (again[0]["STATUS"], again[0]["ATTEMPT"]) == ("done", 2)
    assert again[1]["STATUS"] == "done"


def test_a_moved_folder_is_found_again_and_is_its_own(project: Project) -> None:
    text = "Module: work\n---\n{Output: out, fails: true}\n---\n{}\n"
    begin(project, text)
    again = by_position(project.run("--resume", "--retry-failed"))
    assert again[0]["FOLDER"] == str(project.path / "out")
    assert (project.path / "out/output.2.log").exists()


def test_order_and_comment_are_kept(project: Project) -> None:
    text = "Module: work\n" + "---\n{}\n" * 8
    whole = begin(project, text, "--shuffle", "5")
    order = [int(record["RUN_ID"].split(".")[1]) for record in whole.records]
    first = begin(project, text, "--shuffle", "5", "--max-runs", "3", "--comment", "half")
    rest = project.run("--resume")
    started = [int(record["RUN_ID"].split(".")[1]) for record in [*first.records, *rest.records]]
    assert started == order
    assert {record["COMMENT"] for record in rest.records} == {"half"}


def test_the_journal_says_what_the_plan_does_not(project: Project) -> None:
    begin(project, "Module: work\n---\n{Output: out}\n---\n{}\n")
    (journal,) = project.path.glob(".coolrun/sessions/*/journal.jsonl")
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    starts = [event for event in events if isinstance(event, list) and event[0] == "start"]
    assert starts[0][4] == {"folder": str(project.path / "out")}
    assert len(starts[1]) == 4
