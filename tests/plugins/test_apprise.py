"""plugins/coolrun-apprise, really installed by pip, passes its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "plugins" / "coolrun-apprise"


def python(*args: str, cwd: Path, **environment: str) -> str:
    """Run Python with arguments, see it end well, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_package_installs_and_passes_its_own_tests(tmp_path: Path) -> None:
    site = tmp_path / "site"
    # Its dependencies are here already.
    options = ["--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps"]
    python("-m", "pip", "install", *options, "--target", str(site), str(PACKAGE), cwd=tmp_path)
    assert {file.name for file in site.iterdir()} - {"__pycache__"} == {
        "coolrun_apprise.py",
        "coolrun_apprise-0.1.0.dist-info",
    }
    tests = ["-m", "pytest", "-p", "no:cacheprovider", "-q", f"--basetemp={tmp_path / 'runs'}"]
    printed = python(*tests, cwd=PACKAGE, PYTHONPATH=str(site))
    assert " passed" in printed
    assert " skipped" not in printed
