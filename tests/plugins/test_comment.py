"""Words for people."""

from __future__ import annotations

import json

from coolrun.testing import Project

FILES = {
    "work.py": "def main(exp):\n    pass\n",
    "experiment.yaml": "Module: work\n---\nDesc: the baseline\n",
}


def test_a_description_is_recorded_and_nobody_asks_who_reads_it(project: Project) -> None:
    done = project(FILES).run()
    assert done.records[0]["Desc"] == "the baseline"
    assert "never read" not in done.out


def test_a_comment_is_in_every_record_and_kept_with_the_session(project: Project) -> None:
    done = project(FILES).run("--comment", "before the deadline")
    assert done.records[0]["COMMENT"] == "before the deadline"
    (plan,) = project.path.glob(".coolrun/sessions/*/plan.jsonl")
    header = json.loads(plan.read_text().splitlines()[0])
    assert header["settings"]["comment"] == "before the deadline"


def test_a_definition_may_hold_the_comment_and_without_one_nothing_is_added(
    project: Project,
) -> None:
    with_one = {**FILES, "experiment.yaml": "Module: work\nGlobal: {comment: x}\n---\n{}\n"}
    assert project(with_one).run().records[0]["COMMENT"] == "x"
    assert "COMMENT" not in project(FILES).run().records[0]
