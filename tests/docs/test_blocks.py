"""Every code block of the documentation does what the page says it does.

A page is followed from top to bottom in a folder of its own. Comments before a block say more:

    <!-- file: NAME -->      it is saved under that name
    <!-- error: 4 -->        sh: it ends with that exit code
    <!-- error: WORDS -->    yaml: it is refused, and the message holds the words
    <!-- warning: WORDS -->  yaml: it is read, with a warning that holds the words
    <!-- output -->          text: what the block above prints; of yaml, what `coolrun --dry` shows
    <!-- setup -->           sh: installs something, and is run where the project is judged

sh and python blocks are run, yaml blocks are read by `coolrun.plan`, and other blocks have to be
files or output, so that nothing on a page is unproven. `...` in output stands for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import pytest

import coolrun

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SECONDS = 120
# pip builds with what is installed, and asks no registry whether it is the latest one.
SURROUNDINGS = {
    "COLUMNS": "100",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTEST_ADDOPTS": "-p no:cacheprovider",
}
DIRECTIVE = re.compile(r"<!-- (?P<name>\w+)(?:: (?P<value>.*?))? -->")
ALLOWED = {
    "sh": {"file", "error", "setup"},
    "python": {"file"},
    "yaml": {"file", "error", "warning"},
    "text": {"file", "output"},
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page and the comments before it."""

    line: int
    language: str
    text: str
    marks: dict[str, str | None] = field(default_factory=dict)


class PageError(Exception):
    """A page is not written as the convention says, or a block does not do what it says."""


def blocks(page: str) -> Iterator[Block]:
    lines = iter(enumerate(page.splitlines(), start=1))
    marks: dict[str, str | None] = {}
    for number, line in lines:
        mark = DIRECTIVE.fullmatch(line.strip())
        fence = re.fullmatch(r" *(```+|~~~+)(\w*)", line)
        if fence is None and marks and line.strip() and mark is None:
            raise PageError(f"line {number}: no block follows the comment {sorted(marks)}")
        if mark is not None:
            marks[mark["name"]] = mark["value"]
        if fence is not None:
            inside: list[str] = []
            for _, inner in lines:
                if inner.strip() == fence[1]:
                    break
                inside.append(inner)
            else:
                raise PageError(f"line {number}: the block is never closed")
            text = textwrap.dedent("\n".join(inside) + "\n")
            strange = marks.keys() - ALLOWED.get(fence[2], {"file"})
            if strange:
                raise PageError(f"line {number}: a {fence[2]!r} block cannot have {strange}")
            yield Block(number, fence[2], text, marks)
            marks = {}


class Reader:
    """Somebody who follows a page, block by block, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed: str | None = None

    def follow(self, page: str) -> None:
        found = [block for block in blocks(page) if "setup" not in block.marks]
        for block, following in zip_longest(found, found[1:]):
            wanted = following is not None and "output" in following.marks
            try:
                self.do(block, shows_output=wanted)
            except PageError as error:
                raise PageError(f"line {block.line}: {error}\n{block.text}") from error

    def do(self, block: Block, *, shows_output: bool) -> None:
        printed, self.printed = self.printed, None
        name = block.marks.get("file")
        if name is not None:
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            code = int(block.marks.get("error") or 0)
            self.run(["bash", "-e", "-c", block.text], self.folder, code)
        elif block.language == "python":
            self.run([sys.executable, "-c", block.text], self.folder, 0)
        elif block.language == "yaml":
            self.read(block, shows_output=shows_output)
        elif "output" in block.marks:
            compare(block.text, printed)
        else:
            raise PageError(f"nothing says what a {block.language!r} block is for")

    def run(self, command: list[str], folder: Path, code: int) -> None:
        scripts = sysconfig.get_path("scripts")
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **SURROUNDINGS, "PATH": f"{scripts}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.printed = done.stdout
        if done.returncode != code:
            raise PageError(f"exit code {done.returncode} instead of {code}:\n{done.stdout}")

    def read(self, block: Block, *, shows_output: bool) -> None:
        """Read a definition alone in a folder, and see what is said about it."""
        folder = self.folder / ".reading" / str(block.line)
        folder.mkdir(parents=True)
        (folder / "experiment.yaml").write_text(block.text, encoding="utf-8")
        error, warning = block.marks.get("error"), block.marks.get("warning")
        if shows_output:
            self.run(["coolrun", "--dry"], folder, coolrun.ExitCode.USAGE if error else 0)
            said = self.printed or ""
        else:
            said = planned(folder, refused=error is not None)
        if (error or warning or "") not in said:
            raise PageError(f"{error or warning!r} is not said:\n{said}")
        if said and not (error or warning or shows_output):
            raise PageError(f"it is complained about:\n{said}")


def planned(folder: Path, *, refused: bool) -> str:
    """What is said about a definition that is read in this process."""
    here = Path.cwd()
    said: list[str] = []
    patch = pytest.MonkeyPatch()
    patch.setattr(coolrun.Config, "warn", lambda _, message: said.append(message))
    try:
        os.chdir(folder)
        coolrun.plan("experiment.yaml")
    except coolrun.CoolrunError as error:
        if not refused:
            raise PageError(f"it is refused: {error}") from error
        return str(error)
    finally:
        os.chdir(here)
        patch.undo()
    if refused:
        raise PageError("it is read, and should be refused")
    return "\n".join(said)


def compare(expected: str, printed: str | None) -> None:
    if printed is None:
        raise PageError("nothing above printed anything")
    wanted, got = (
        "\n".join(t.rstrip() for t in text.strip().splitlines()) for text in (expected, printed)
    )
    pattern = ".*?".join(re.escape(part) for part in wanted.split("..."))
    if not re.fullmatch(pattern, got, re.DOTALL):
        raise PageError(f"it printed\n{printed}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_does_what_its_page_says(page: Path, tmp_path: Path) -> None:
    if page.name == "README.md":
        for folder in ("experiments", "modules"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
        # What the setup block would have made.
        activate = tmp_path / ".venv" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text(f'export PATH="{sysconfig.get_path("scripts")}:$PATH"\n')
    Reader(tmp_path).follow(page.read_text(encoding="utf-8"))


SETUP = [
    pytest.param(block, id=f"{page.name}:{block.line}")
    for page in PAGES
    for block in blocks(page.read_text(encoding="utf-8"))
    if "setup" in block.marks
]


@pytest.mark.parametrize("block", SETUP)
def test_a_setup_block_is_run_by_the_judge(block: Block) -> None:
    judge = "".join(file.read_text() for file in (ROOT / ".ci").iterdir() if file.is_file())
    assert "<!-- setup -->" in judge
    pytest.skip(f"run by .ci: {block.text.strip()}")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("```json\n{}\n```", "nothing says what a 'json' block is for"),
        ("```text\nhello\n```", "nothing says what a 'text' block is for"),
        ("```sh\ntrue\n", "never closed"),
        ("```sh\nexit 3\n```", "exit code 3 instead of 0"),
        ("```sh\nfalse\ntrue\n```", "exit code 1 instead of 0"),
        ("<!-- error: 4 -->\n```sh\ntrue\n```", "exit code 0 instead of 4"),
        ("```sh\necho a b\n```\n<!-- output -->\n```text\na c\n```", "it printed\na b"),
        ("<!-- output -->\n```text\na\n```", "nothing above printed"),
        ("<!-- file: a -->\nwords\n```sh\ntrue\n```", "no block follows"),
        ("<!-- setup -->\n```yaml\na: 1\n```", "cannot have"),
        ("```python\nassert False\n```", "AssertionError"),
        ("```yaml\na: 1\n---\nb: parse c\n```", "it is refused"),
        ("```yaml\na: 1\n---\nRepat: 2\n```", "it is complained about"),
        ("<!-- error: c -->\n```yaml\na: 1\n---\nb: 1\n```", "should be refused"),
        ("<!-- error: zzz -->\n```yaml\na: 1\n---\nb: parse c\n```", "is not said"),
    ],
)
def test_a_page_that_is_wrong_is_refused(page: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(PageError) as caught:
        Reader(tmp_path).follow(page)
    assert reason in str(caught.value)


def test_files_output_and_what_it_leaves_out_are_understood(tmp_path: Path) -> None:
    page = """\
    <!-- file: sub/a.txt -->
    ```json
    [1]
    ```

    Then:

    ```sh
    cat sub/a.txt
    echo took 3 s, all well
    ```

    <!-- output -->
    ```text
    [1]
    took ... s, all well
    ```
    """
    Reader(tmp_path).follow(textwrap.dedent(page))
    assert (tmp_path / "sub/a.txt").read_text() == "[1]\n"
