"""What is not needed is not loaded: `--help` and `--version` are answered at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "asteval",
    "concurrent.futures",
    "importlib.metadata",
    "multiprocessing",
    "numpy",
    "psutil",
    "pynvml",
    "rich",
    "tabulate",
    "yaml",
}
DEFINITION = "Module: mod\nlr: 1\n---\nlr: 2\nx: parse lr + 1\n"


def loaded(folder: Path, *args: str) -> set[str]:
    """The names of the modules that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "coolrun", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rpartition("|")[2].strip() for line in lines}
    # An import that fails is listed as well: a package that is really loaded has parts.
    return names if any(name.startswith("numpy.") for name in names) else names - {"numpy"}


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["init", "--help"]], ids=" ".join)
def test_nothing_heavy_is_loaded_to_answer_a_question(tmp_path: Path, args: list[str]) -> None:
    assert loaded(tmp_path, *args) & HEAVY == set()


def test_the_version_loads_no_plugin(tmp_path: Path) -> None:
    names = loaded(tmp_path, "--version")
    assert not {name for name in names if name.startswith(("coolrun_plugins", "pluggy"))}


def test_a_mistake_on_the_command_line_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(DEFINITION)
    code = (
        "import sys; from coolrun.cli import main; code = main(['--exp', 'nothing.yaml']); "
        f"print(sorted({HEAVY!r} & set(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (4, "[]\n")


def test_expressions_are_evaluated_without_numpy(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(DEFINITION)
    code = (
        "import sys, coolrun; plan = coolrun.plan('experiment.yaml'); "
        "print(plan.experiments[0]['x'], 'numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "3 False\n", done.stderr


def test_a_dry_run_loads_no_numpy_and_nothing_for_the_screen(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text(DEFINITION)
    assert loaded(tmp_path, "--dry") & (HEAVY - {"asteval", "yaml"}) == set()


def test_a_definition_without_expressions_needs_no_evaluator(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text("Module: mod\n---\nx: 1\n")
    assert "asteval" not in loaded(tmp_path, "--dry")


def test_the_help_loads_the_core_that_it_needs_and_of_the_library_little(tmp_path: Path) -> None:
    bare = "import sys, argparse, pluggy; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", bare], capture_output=True, text=True, timeout=60, check=True
    )
    names = loaded(tmp_path, "--help") - set(done.stdout.split())
    first = "arguments calling clock cli config declarations entry_points"
    more = "hookimpls hookspecs"
    core = [*first.split(), "errors", *more.split(), "main", "plugins", "streams"]
    assert {n for n in names if n.startswith("coolrun.")} == {f"coolrun.{n}" for n in core}
    assert names & {"datetime", "json", "pathlib", "signal", "threading"} == set()


def test_a_command_that_a_test_runs_needs_no_pytest(tmp_path: Path) -> None:
    assert "pytest" not in loaded(tmp_path, "-p", "coolrun.testing.works", "--help")
    assert "pytest" in loaded(tmp_path, "-p", "coolrun.testing.projects", "--help")
