"""Several runs at once: they really overlap, and give what one after the other gives."""

from __future__ import annotations

import re
from typing import Any

import pytest

from coolrun.testing import Outcome, Project

# Iterative pruning: every experiment goes on from the checkpoint of the one before it.
PRUNING = {
    "prune.py": """
        import json
        from pathlib import Path

        def main(exp):
            weights = [n / 10 for n in range(-20, 20)]
            if exp.get("source"):
                weights = json.loads(Path(exp.source).read_text())
            kept = sorted(abs(w) for w in weights)[int(exp.sparsity * len(weights)):]
            weights = [w if w and abs(w) >= kept[0] else 0.0 for w in weights]
            folder = Path(exp.directory)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "weights.json").write_text(json.dumps(weights))
            exp.LEFT = sum(1 for w in weights if w)
            exp.SUM = round(sum(abs(w) for w in weights), 6)
        """,
    "experiment.yaml": """
        Module: prune
        RND_IDX: 7
        YamlLog: log.yaml
        directory: parse f"checkpoints/{Name}"
        ---
        Name: dense
        sparsity: 0.0
        ---
        Name: half
        sparsity: parse E[-1].sparsity + 0.5
        source: parse f"{E[-1].directory}/weights.json"
        ---
        Name: most
        sparsity: parse 1 - (1 - E[-1].sparsity) / 2
        source: parse f"{E[-1].directory}/weights.json"
        ---
        Name: alone
        sparsity: 0.25
        ---
        Name: chosen
        sparsity: await 0.5 if E['most'].LEFT > 5 else 0.1
        source: parse f"{E['dense'].directory}/weights.json"
        """,
}

# Each run waits until all four are there.
BARRIER = {
    "meet.py": """
        import os
        import time
        from pathlib import Path

        def main(exp):
            Path("here").mkdir(exist_ok=True)
            (Path("here") / str(exp.number)).touch()
            end = time.monotonic() + 30
            while len(os.listdir("here")) < exp.together:
                if time.monotonic() > end:
                    raise TimeoutError("the others never came")
                time.sleep(0.01)
            for line in range(50):
                print(f"{exp.number}: line {line}", flush=True)
        """,
    "experiment.yaml": "Module: meet\ntogether: 4\n"
    + "".join(f"---\nnumber: {number}\n" for number in range(4)),
}


def without_times(done: Outcome) -> list[dict[str, Any]]:
    """The records in the order of the plan, without what differs from session to session."""
    left_out = {"STARTED", "TIME_ELAPSED", "RUN_ID", "HOST"}
    records = sorted(done.records, key=lambda record: int(record["RUN_ID"].split(".")[1]))
    return [{k: v for k, v in record.items() if k not in left_out} for record in records]


@pytest.mark.parametrize("options", [("-j", "4"), ("-j", "2", "--shuffle", "5")])
def test_several_at_once_give_the_records_that_one_after_the_other_gives(
    project: Project, options: tuple[str, ...]
) -> None:
    first = project(PRUNING).run("-j", "1")
    assert first, first
    again = project(PRUNING).run(*options)
    assert again, again
    assert without_times(again) == without_times(first)
    left = [record["LEFT"] for record in without_times(first)]
    assert left[0] > left[1] > left[2]


def test_runs_really_go_on_at_once(project: Project) -> None:
    done = project(BARRIER).run("-j", "4")
    assert [record["STATUS"] for record in done.records] == ["done"] * 4, done


CROWD = """
    import os
    import time
    from pathlib import Path

    def main(exp):
        mark = Path("here") / str(exp.number)
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
        end = time.monotonic() + 0.2
        exp.MOST = 0
        while time.monotonic() < end:
            exp.MOST = max(exp.MOST, len(os.listdir("here")))
            time.sleep(0.01)
        mark.unlink()
    """


def test_no_more_go_on_at_once_than_were_asked_for(project: Project) -> None:
    definition = "Module: meet\n" + "".join(f"---\nnumber: {number}\n" for number in range(8))
    done = project({"meet.py": CROWD, "experiment.yaml": definition}).run("-j", "3")
    assert [record["STATUS"] for record in done.records] == ["done"] * 8, done
    assert max(record["MOST"] for record in done.records) <= 3


def test_the_output_of_runs_that_go_on_at_once_is_not_mixed(project: Project) -> None:
    done = project(BARRIER).run("-j", "4")
    assert "line" not in done.out
    for number in range(4):
        (output,) = project.path.glob(f".coolrun/sessions/*/runs/{number:04}/output.log")
        assert output.read_text().splitlines() == [f"{number}: line {n}" for n in range(50)]


def test_a_chain_waits_and_the_rest_overtakes_it(project: Project) -> None:
    text = """
        Module: meet
        together: 2
        ---
        number: 0
        ---
        number: parse E[-1].number + 1
        together: 1
        ---
        number: 2
        """
    done = project({**BARRIER, "experiment.yaml": text}).run("-j", "2")
    assert [record["STATUS"] for record in done.records] == ["done"] * 3, done
    started = re.findall(r"^started +(\d)", done.out, re.MULTILINE)
    assert started == ["0", "2", "1"]


def test_a_free_chain_does_not_wait(project: Project) -> None:
    text = """
        Global: {chain: free}
        Module: meet
        together: 2
        ---
        number: 0
        ---
        number: parse E[-1].number + 1
        """
    done = project({**BARRIER, "experiment.yaml": text}).run("-j", "2")
    assert [record["STATUS"] for record in done.records] == ["done"] * 2, done
    assert "after" not in project.run("--dry").out


def test_who_follows_starts_however_the_one_before_ended(project: Project) -> None:
    files = {
        "work.py": "def main(exp):\n    1 / exp.x\n",
        "experiment.yaml": "Module: work\n---\nx: 0\n---\nx: parse E[-1].x + 1\n",
    }
    done = project(files).run("-j", "2")
    assert [record["STATUS"] for record in done.records] == ["failed", "done"]
