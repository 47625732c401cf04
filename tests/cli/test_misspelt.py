"""A slip in a definition is told with its place, and with what was probably meant."""

from __future__ import annotations

import pytest

import coolrun.__main__ as entry
from coolrun.testing import Project

HEAD = "Command: 'true'\nlr: 0.1\nepochs: 2\noptimizer: {name: sgd, momentum: 0.9}\n---\n"
BASE = f"{HEAD}Name: base\n---\n"


@pytest.mark.parametrize(
    ("text", "message", "cure"),
    [
        (f"{HEAD}x: parse lrr * 2\n", "6:4: experiment 0", "did you mean 'lr'?"),
        (f"{HEAD}x: parse epoch\n", "'epoch' is unknown", "did you mean 'epochs'?"),
        (f"{HEAD}x: parse mx(1, 2)\n", "the function 'mx' is unknown", "did you mean 'max'?"),
        (f"{BASE}x: parse E['bas'].lr\n", "has the name 'bas'", "did you mean 'base'?"),
        (f"{BASE}x: parse E[-1].epoch\n", "E[-1] has no key 'epoch'", "did you mean 'epochs'?"),
        (
            f"{BASE}x: parse E[-1].optimizer.momentom\n",
            "E[-1].optimizer has no key 'momentom'",
            "did you mean 'momentum'?",
        ),
        (f"{HEAD}x: parse (1 + 2\n", "'(' was never closed", "close it; in [...] and {...} a"),
        (f"{HEAD}x: [1,, 2]\n", "6:7: a value is missing", "close it with ] or }"),
        (f"{HEAD}x: [\n", "a value is missing: a bracket is not closed", "close it with ]"),
        (f"{HEAD}o:\n  name: a\n\tlr: 1\n", "8:1: a tab cannot indent", "indent with spaces"),
        (
            "Command: echo 'a\n---\n{}\n",
            "1:10: experiment 0 'misspelt', key 'Command': the sign ' is opened and never closed",
            "close it, or write \\' if the program is to have it",
        ),
    ],
)
def test_a_slip_is_told_with_its_place_and_what_was_meant(
    project: Project, text: str, message: str, cure: str
) -> None:
    outcome = project({"misspelt.yaml": text}).run("--exp", "misspelt.yaml", "--dry")
    assert outcome.code == 4
    first, second = outcome.err.splitlines()
    assert first.startswith("error: misspelt.yaml:")
    assert message in first
    assert second.startswith(f"  {cure}")


def test_nobody_is_told_to_read_the_key_that_is_being_computed(project: Project) -> None:
    text = f"{HEAD}width1: parse width2\n"
    outcome = project({"experiment.yaml": text}).run("--dry")
    assert "'width2' is unknown" in outcome.err
    assert "width1'?" not in outcome.err


def test_one_experiment_is_counted_as_one(project: Project) -> None:
    outcome = project({"experiment.yaml": f"{BASE}x: parse E[-2].lr\n"}).run("--dry")
    assert "index out of range: E holds 1 experiment in" in outcome.err


def test_ctrl_c_while_everything_is_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(argv: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("coolrun.cli.main", interrupted)
    monkeypatch.setattr("sys.argv", ["coolrun"])
    with pytest.raises(SystemExit) as left:
        entry.main()
    assert left.value.code == 2
