"""`%FILE`: one argument per line, nothing split, nothing guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from coolrun.argument_files import LARGEST, expanded
from coolrun.errors import UsageError


def test_a_line_is_one_argument(tmp_path: Path) -> None:
    (tmp_path / "args").write_text("--test=lambda exp: 'a b' in exp\n--reverse\n\nACC\n  Name  \n")
    assert expanded(["x", "%args", "y"], tmp_path) == [
        "x",
        "--test=lambda exp: 'a b' in exp",
        "--reverse",
        "ACC",
        "Name",
        "y",
    ]


def test_windows_line_ends_and_marks_are_understood(tmp_path: Path) -> None:
    (tmp_path / "args").write_bytes(b"\xef\xbb\xbf--a\r\nb c\r\n")
    assert expanded(["%args"], tmp_path) == ["--a", "b c"]


def test_a_file_names_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "args").write_text("%args\n")
    assert expanded(["%args"], tmp_path) == ["%args"]


def test_a_lone_sign_and_what_follows_two_dashes_are_left(tmp_path: Path) -> None:
    assert expanded(["%", "--", "%x"], tmp_path) == ["%", "--", "%x"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no file of arguments 'args'"),
        (b"\xff", "the file of arguments 'args' cannot be read: it is no UTF-8 text"),
        (b"x" * (LARGEST + 1), "larger than"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "args").write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        expanded(["%args"], tmp_path)


def test_a_folder_is_no_file_of_arguments(tmp_path: Path) -> None:
    (tmp_path / "args").mkdir()
    with pytest.raises(UsageError, match="is no regular file"):
        expanded(["%args"], tmp_path)
