"""How many threads runs start that share a machine and its GPUs."""

from __future__ import annotations

import os
from typing import Any

import pytest

from coolrun import cgroups
from coolrun.cli import configure
from coolrun.config import Config
from coolrun.experiment import Source
from coolrun.testing import Project
from coolrun_plugins import threads

VARIABLE = "OMP_NUM_THREADS"
LIBRARY = """
    import os
    THREADS, PROCESS = os.environ.get("OMP_NUM_THREADS"), os.getpid()
    """
WORK = """
    import os

    def main(exp):
        import library
        exp.SEEN = [library.THREADS, library.PROCESS == os.getpid()]
    """
SHARED = str(max(1, cgroups.usable_cpus() // 2))


@pytest.fixture(autouse=True)
def _nothing_of_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


def seen(project: Project, nvml: Any, settings: str, *args: str, **env: str) -> list[list[Any]]:
    """Of two runs, the second with a value of its own: the threads, and whether it was loaded
    by the process of the run itself."""
    nvml.write(nvml.gpu(), nvml.gpu())
    text = f"Module: work\nGlobal: {{{settings}}}\n---\n{{}}\n---\nEnv: {{{VARIABLE}: 7}}\n"
    project({"library.py": LIBRARY, "work.py": WORK, "experiment.yaml": text})
    done = project.run(*args, env={**nvml.environment, **env})
    assert done.code == 0, done
    records = sorted(done.records, key=lambda record: record["RUN_ID"])
    return [record["SEEN"] for record in records]


@pytest.mark.parametrize(
    ("settings", "args"),
    [
        ("gpus: auto", []),
        ("gpus: [0, 1]", []),
        ("resources: [0, 0]", []),
        ("per_gpu: 2, gpus: 0", []),
        ("", ["--gpus", "0,1"]),
        ("", ["--gpus", "auto", "-j", "2"]),
    ],
)
def test_runs_that_share_a_machine_share_its_cpus(
    project: Project, nvml: Any, settings: str, args: list[str]
) -> None:
    assert seen(project, nvml, settings, *args) == [[SHARED, True], ["7", True]]


@pytest.mark.parametrize(
    "settings", ["", "jobs: 2", "gpus: none, jobs: 2", "gpus: 0", "gpus: auto, jobs: 1"]
)
def test_without_gpus_or_with_one_run_at_a_time_nothing_is_set(
    project: Project, nvml: Any, settings: str
) -> None:
    assert seen(project, nvml, settings) == [[None, True], ["7", True]]


def test_a_value_of_the_users_own_stays(project: Project, nvml: Any) -> None:
    for preload in ("[]", "[library]"):
        first, second = seen(
            project, nvml, f"gpus: [0, 1], preload: {preload}", OMP_NUM_THREADS="5"
        )
        assert first[0] == "5"
        assert second == ["7", True]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("gpus: [0, 1]", SHARED),
        ("resources: [0, 1]", SHARED),
        ("gpus: auto, jobs: 2", SHARED),
        ("gpus: auto", None),
    ],
)
def test_what_is_preloaded_finds_it_and_runs_are_forked_all_the_same(
    project: Project, nvml: Any, settings: str, expected: str | None
) -> None:
    first, second = seen(project, nvml, f"{settings}, preload: [library], isolate: fork")
    assert first == [expected, False]
    assert second == ["7", True]


def test_a_program_finds_it_too(project: Project, nvml: Any) -> None:
    nvml.write(nvml.gpu(), nvml.gpu())
    text = f"""
        Command: python -c "import os; print(os.environ['{VARIABLE}'])"
        Global: {{gpus: auto}}
        ---
        {{}}
        """
    done = project({"experiment.yaml": text}).run(env=nvml.environment)
    assert done.code == 0, done
    (output,) = project.path.glob(".coolrun/sessions/*/runs/*/output.log")
    assert output.read_text().strip() == SHARED


def config_with(*args: str, **settings: object) -> Config:
    config = configure(list(args))
    config.take_settings(settings, Source("experiment.yaml", b""))
    return config


@pytest.mark.parametrize(
    ("settings", "cpus", "expected"),
    [
        ({"gpus": [0, 1, 2]}, 16, "5"),
        ({"gpus": [0, 1], "per_gpu": 2}, 16, "4"),
        ({"gpus": [0, 1, 2], "jobs": 2}, 16, "8"),
        ({"resources": [0, 1, "2,3"]}, 2, "1"),
        ({"gpus": "auto", "jobs": "auto"}, 4, "1"),
        ({"gpus": "auto", "per_gpu": 2}, 4, None),
        ({"gpus": [0]}, 4, None),
        ({"gpus": "none", "jobs": 2}, 4, None),
        ({"jobs": 2}, 4, None),
        ({"gpus": [0, 1], "isolate": "spawn"}, 4, None),
        ({"gpus": [0, 1], "preload": []}, 4, None),
    ],
)
def test_the_settings_tell_how_many_before_anything_is_preloaded(
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, object],
    cpus: int,
    expected: str | None,
) -> None:
    monkeypatch.setattr(cgroups, "usable_cpus", lambda: cpus)
    config = config_with(**{"isolate": "fork", "preload": ["json"], **settings})
    threads.coolrun_launch(config)
    assert os.environ.get(VARIABLE) == expected
    config.close()
    assert VARIABLE not in os.environ


def test_nothing_is_set_where_sessions_are_only_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_with(gpus=[0, 1], preload=["json"], isolate="fork")
    config.ending = True
    threads.coolrun_launch(config)
    assert VARIABLE not in os.environ
    config.close()
