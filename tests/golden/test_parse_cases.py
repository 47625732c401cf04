"""Every acceptance case of the language, as one test each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import coolrun

CASES = yaml.safe_load((Path(__file__).parent / "parse_cases.yaml").read_text(encoding="utf-8"))


def normal(value: Any) -> Any:
    """Tuples compare as lists; 2 and 2.0 are different."""
    if isinstance(value, dict):
        return {key: normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [normal(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return (type(value).__name__, value)


@pytest.fixture
def plan(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiment.yaml").write_text(request.param["yaml"], encoding="utf-8")
    return lambda: coolrun.plan("experiment.yaml", request.param.get("args", ()))


def cases(kind: str) -> Any:
    chosen = [case for case in CASES if kind in case]
    return pytest.mark.parametrize(
        ("plan", "case"), [(c, c) for c in chosen], ids=[c["id"] for c in chosen], indirect=["plan"]
    )


@cases("expect")
def test_a_definition_means_what_the_case_says(plan: Any, case: dict[str, Any]) -> None:
    made = plan()
    experiments = made.experiments
    assert len(experiments) == len(case["expect"])
    for experiment, expected in zip(experiments, case["expect"], strict=True):
        for key, value in expected.items():
            assert normal(experiment[key]) == normal(value), key
        for key in case.get("absent", ()):
            assert key not in experiment
    if "runs" in case:
        assert [e.position for e in made.chosen] == case["runs"]
    if "check" in case:
        assert eval(case["check"], {"exps": experiments, "glob": made.settings})


@cases("error")
def test_a_wrong_definition_is_refused_in_words(plan: Any, case: dict[str, Any]) -> None:
    with pytest.raises(coolrun.CoolrunError) as caught:
        plan()
    assert caught.value.exit_code == coolrun.ExitCode.USAGE
    for word in case.get("mentions", ()):
        assert str(word) in str(caught.value)
    assert "experiment.yaml" in str(caught.value)


def test_every_case_is_run() -> None:
    assert all(("expect" in case) != ("error" in case) for case in CASES)
    assert len(CASES) > 100
