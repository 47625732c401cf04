"""What tests of coolrun's own parts and of strangers' plugins are written with.

Put `pytest_plugins = ["coolrun.testing"]` into the `conftest.py` at the root of the tests to have
the `project` fixture.
"""

from __future__ import annotations

from coolrun.testing.project import Outcome, Project, project

__all__ = ["Outcome", "Project", "project"]
