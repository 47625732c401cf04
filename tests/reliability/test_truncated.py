"""Files that a crash has cut off: the session goes on, and nothing is lost.

Here whole sessions go on, at some bytes of each file and, with `-m long`, at every byte. What reads
these files is tested at every byte beside its own tests: test_journal, test_held_records,
test_results, test_store, test_diskqueue.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coolrun.testing import Project
from coolrun.yamlio import LOG, read

STUDY = """
    def main(exp):
        exp.SQUARE = exp.REP ** 2
        if exp.REP == 1:
            raise ValueError("this one fails")
"""
DEFINITION = """
    Module: study
    YamlLog: log.yaml
    ---
    Repeat: 3
"""
CODES = {0, 1, 5}
COUNT = 3


@pytest.fixture
def ended(project: Project, command: Any) -> tuple[Path, Path]:
    """A project with a session that has ended, and the folder of that."""
    project({"study.py": STUDY, "experiment.yaml": DEFINITION})
    assert command(project.path, "-j", "2").code == 1
    (session,) = (project.path / ".coolrun" / "sessions").iterdir()
    return project.path, session


@pytest.fixture
def copied(ended: tuple[Path, Path], tmp_path: Path) -> Callable[[], Path]:
    """Makes copies of it, one after the other, under the same path: it is named in files."""
    original = tmp_path / "original"
    project, _ = ended
    project.rename(original)

    def copy() -> Path:
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(original, project)
        return project

    return copy


def records(project: Path) -> list[dict[str, Any]]:
    """The records of the log; what a crash has torn is none."""
    path = project / "log.yaml"
    values = []
    for piece in path.read_bytes().split(b"---\n"):
        try:
            values += [document.value for document in read(piece, path="log", limits=LOG)]
        except Exception:
            continue
    return [value for value in values if isinstance(value, dict) and "STATUS" in value]


def every(size: int, request: pytest.FixtureRequest) -> range:
    """Every byte where there is time for that, else some."""
    long = "long" in request.node.name
    return range(0, size, 1 if long else max(1, size // 12) | 1)


def judge(project: Path, name: str, where: str) -> None:
    whole = sorted((r["REP"], r["STATUS"], r.get("SQUARE")) for r in records(project))
    finals = [one for one in whole if one[1] in {"done", "failed"}]
    assert [one[0] for one in finals] == [0, 1, 2], where
    assert {(rep, square) for rep, _, square in finals} == {(0, 0), (1, 1), (2, 4)}, where
    identities = [r["RUN_ID"] for r in records(project)]
    assert len(identities) == len(set(identities)), where


FILES = {
    "journal": "journal.jsonl",
    "log": "../../../log.yaml",
    "results": "runs/0001/results.jsonl",
    "journal-long": "journal.jsonl",
    "log-long": "../../../log.yaml",
    "results-long": "runs/0001/results.jsonl",
}


@pytest.mark.parametrize(
    "what",
    [pytest.param(name, marks=[pytest.mark.long] if "long" in name else []) for name in FILES],
)
def test_a_session_goes_on_whatever_was_cut_off(
    ended: tuple[Path, Path],
    copied: Callable[[], Path],
    command: Any,
    what: str,
    request: pytest.FixtureRequest,
) -> None:
    _, session = ended
    file = session / FILES[what]
    copied()
    for length in every(file.stat().st_size, request):
        project = copied()
        file.write_bytes(file.read_bytes()[:length])
        _forget_the_end(session)
        done = command(project, "--resume", session.name)
        where = f"{what} cut at {length}: {done.text}"
        assert done.code in CODES, where
        assert "\nTraceback" not in f"\n{done.text}", where
        judge(project, session.name, where)


def _forget_the_end(session: Path) -> None:
    """A session that said that it ended has synced everything: this one did not come so far."""
    journal = session / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if b'"finish"' not in line))


QUEUED = """
    Module: study
    YamlLog: log.yaml
    Global: {queue: queue.yaml}
    ---
    Repeat: 3
"""
QUEUE_FILES = {
    "file": "queue.yaml",
    "journal": ".queue.yaml.journal",
    "file-long": "queue.yaml",
    "journal-long": ".queue.yaml.journal",
}


@pytest.mark.parametrize(
    "what",
    [
        pytest.param(name, marks=[pytest.mark.long] if "long" in name else [])
        for name in QUEUE_FILES
    ],
)
def test_a_queue_goes_on_whatever_was_cut_off(
    project: Project, tmp_path: Path, command: Any, what: str, request: pytest.FixtureRequest
) -> None:
    project({"study.py": STUDY, "experiment.yaml": QUEUED})
    assert command(project.path, "--max-runs", "1").code == 0
    original = tmp_path / "original"
    project.path.rename(original)
    file = project.path / QUEUE_FILES[what]
    whole = (original / QUEUE_FILES[what]).read_bytes()
    for length in every(len(whole), request):
        shutil.rmtree(project.path, ignore_errors=True)
        shutil.copytree(original, project.path)
        file.write_bytes(whole[:length])
        done = command(project.path, "-j", "2")
        where = f"{what} cut at {length}: {done.text}"
        assert done.code in CODES, where
        assert "\nTraceback" not in f"\n{done.text}", where
        judge(project.path, "", where)


@pytest.mark.parametrize("what", ["plan.jsonl", "definition.yaml"])
def test_a_plan_that_was_cut_off_is_told_in_words(
    ended: tuple[Path, Path], copied: Callable[[], Path], command: Any, what: str
) -> None:
    _, session = ended
    copied()
    file = session / what
    size = file.stat().st_size
    for length in (0, 1, size // 3, size // 2, size - 2):
        project = copied()
        file.write_bytes(file.read_bytes()[:length])
        _forget_the_end(session)
        done = command(project, "--resume", session.name)
        assert "\nTraceback" not in f"\n{done.text}"
        if what == "plan.jsonl":
            assert done.code == 3, length
            assert "holds no whole plan" in done.text
        else:
            assert done.code in CODES, done.text
            judge(project, session.name, done.text)


def test_the_newest_session_with_a_plan_is_taken_where_none_is_named(
    ended: tuple[Path, Path], copied: Callable[[], Path], command: Any
) -> None:
    _, session = ended
    project = copied()
    _forget_the_end(session)
    later = session.with_name("99991231-235959-ffff")
    later.mkdir()
    done = command(project, "--resume")
    assert done.code in CODES, done.text
    judge(project, session.name, done.text)
