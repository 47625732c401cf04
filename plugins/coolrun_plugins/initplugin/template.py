"""The files of a small plugin package, with $-names where its own name stands."""

from __future__ import annotations

FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "A plugin for coolrun."
readme = "README.md"
requires-python = ">=3.10"
dependencies = ["coolrun"]

[project.optional-dependencies]
testing = ["coolrun[testing]"]

# This is how coolrun finds the plugin: its name, and the module that holds its hooks.
[project.entry-points.coolrun]
$name = "$module"

[tool.hatch.build.targets.wheel]
only-include = ["$module.py"]

[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = ["-p", "coolrun.testing"]    # has the `project` fixture
""",
    "$module.py": '''\
"""`$key: TEXT`: what is said when a run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coolrun import hookimpl

if TYPE_CHECKING:
    from coolrun import Parser, Record, Run, Session


@hookimpl
def coolrun_addoption(parser: Parser) -> None:
    parser.add_key(
        "$key",
        type="text",
        help="what is said when the run has ended",
        schema={"type": "string"},
    )


@hookimpl
def coolrun_post_run(run: Run, record: Record, session: Session) -> None:
    text = run.experiment.get("$key")
    if text is not None:
        session.config.warn(f"$name: {text} ({record.status})")
''',
    "tests/test_$module.py": '''\
"""What the plugin does, seen from outside: the real command is run in a folder of its own."""

from __future__ import annotations

from coolrun.testing import Project


def test_it_says_the_text_of_an_experiment_that_has_ended(project: Project) -> None:
    project({"experiment.yaml": "Command: 'true'\\n---\\n$key: it is over\\n---\\nName: silent\\n"})
    outcome = project.run()
    assert outcome.code == 0
    assert outcome.err.count("$name: ") == 1
    assert "$name: it is over (done)" in outcome.err


def test_it_is_listed(project: Project) -> None:
    assert "$name" in project.run("plugins").out
''',
    "README.md": """\
# $distribution

A plugin for coolrun. `$key: TEXT` in an experiment says the text when its run has ended.

```yaml
Command: python train.py
---
$key: it is over
```

To change it, install what is here and run its tests:

```sh
pip install -e '.[testing]'
pytest
```
""",
    ".gitignore": """\
.pytest_cache/
__pycache__/
dist/
""",
}
