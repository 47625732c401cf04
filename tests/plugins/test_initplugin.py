"""`coolrun init-plugin` writes a package that installs, is listed and passes its own test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coolrun.testing import Project

HELLO = Path(__file__).parents[2] / "plugins" / "coolrun-hello"
FILES = [
    "pyproject.toml",
    "coolrun_hello.py",
    "tests/test_coolrun_hello.py",
    "README.md",
    ".gitignore",
]


def python(*args: str, cwd: Path, site: Path | None = None) -> str:
    """Run Python with arguments, see it end well, and return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(site)} if site else {**os.environ}
    done = subprocess.run(
        [sys.executable, *args],
        cwd=cwd,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(package: Path, site: Path) -> None:
    """As a user does it, but for dependencies, which are here, and into a folder of its own."""
    options = ["--quiet", "--disable-pip-version-check", "--no-build-isolation", "--no-deps"]
    python("-m", "pip", "install", *options, "--target", str(site), str(package), cwd=site.parent)


def test_it_writes_the_package_that_is_kept_as_the_example(project: Project) -> None:
    outcome = project.run("init-plugin", "hello")
    assert outcome.out.splitlines() == [
        *(f"wrote coolrun-hello/{name}" for name in FILES),
        "next: cd coolrun-hello",
        "      pip install -e '.[testing]'    (then `coolrun plugins` lists it)",
        "      pytest",
    ]
    written = project.path / "coolrun-hello"
    assert {str(f.relative_to(written)) for f in written.rglob("*") if f.is_file()} == set(FILES)
    for name in FILES:
        assert (written / name).read_text() == (HELLO / name).read_text(), name


def test_the_package_installs_is_listed_and_passes_its_own_test(
    project: Project, tmp_path: Path
) -> None:
    site, package = tmp_path / "site", project.path / "coolrun-our-cluster"
    assert project.run("init-plugin", "our-cluster").code == 0
    install(package, site)
    (row,) = (
        row
        for row in json.loads(project.run("plugins", "--json", env={"PYTHONPATH": str(site)}).out)
        if row["name"] == "our-cluster"
    )
    assert (row["origin"], row["version"]) == ("coolrun-our-cluster", "0.1.0")
    assert (row["state"], row["keys"]) == ("loaded", ["OurCluster"])
    assert row["hooks"] == ["coolrun_addoption", "coolrun_post_run"]
    assert "2 passed" in python("-m", "pytest", "-p", "no:cacheprovider", cwd=package, site=site)
    again = project.run("init-plugin", "our-cluster", env={"PYTHONPATH": str(site)})
    assert "there is a plugin 'our-cluster' already (coolrun-our-cluster)" in again.err


def test_the_prefix_of_the_package_may_be_written(project: Project) -> None:
    assert "wrote coolrun-hello/README.md" in project.run("init-plugin", "coolrun-hello").out


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("Our_Cluster", "coolrun init-plugin our-cluster"),
        ("2nd", "coolrun init-plugin nd"),
        ("a--b", "coolrun init-plugin a-b"),
        ("../up", "coolrun init-plugin up"),
        ("no:solve", "coolrun init-plugin no-solve"),
        ("a" * 39 + "-b", "coolrun init-plugin " + "a" * 39),
        ("ф", "coolrun init-plugin our-cluster"),
        ("", "coolrun init-plugin our-cluster"),
    ],
)
def test_what_is_no_name_is_refused_with_one_that_is(
    project: Project, name: str, cure: str
) -> None:
    outcome = project.run("init-plugin", name)
    assert outcome.code == 4
    assert outcome.err == (
        f"error: {name!r} is no name for a plugin (expected lower-case letters, digits and single "
        f"hyphens, a letter first, at most 40 characters)\n  {cure}\n"
    )
    assert list(project.path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("retry", "there is a plugin 'retry' already (built-in)"),
        ("timeout", "the plugin would have the key 'Timeout', which 'limits' has already"),
        ("plugins", "there is a module 'coolrun_plugins' already"),
    ],
)
def test_a_name_that_is_taken_is_refused(project: Project, name: str, why: str) -> None:
    outcome = project.run("init-plugin", name)
    assert outcome.code == 4
    assert outcome.err == f"error: {why}; nothing was written\n  choose another name\n"
    assert list(project.path.iterdir()) == []


def test_nothing_is_ever_overwritten(project: Project) -> None:
    project({"coolrun-hello/mine.txt": "mine\n"})
    outcome = project.run("init-plugin", "hello")
    assert outcome.code == 4
    assert "'coolrun-hello' is there already; nothing was written" in outcome.err
    assert [file.name for file in (project.path / "coolrun-hello").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled_and_a_link_is_not_followed(project: Project) -> None:
    (project.path / "coolrun-hello").mkdir()
    assert project.run("init-plugin", "hello").code == 0
    (project.path / "elsewhere").mkdir()
    (project.path / "coolrun-other").symlink_to("elsewhere")
    assert "is there already" in project.run("init-plugin", "other").err
    assert list((project.path / "elsewhere").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(project: Project) -> None:
    project({"coolrun-hello": "a file\n"})
    assert "'coolrun-hello' is there already" in project.run("init-plugin", "hello").err


def test_without_a_name_the_help_is_named(project: Project) -> None:
    outcome = project.run("init-plugin")
    assert outcome.code == 4
    assert "see `coolrun init-plugin --help`" in outcome.err
