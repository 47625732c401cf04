"""Files that survive crashes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from coolrun.files import Appender, atomic_write


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "a"
    atomic_write(file, b"one")
    atomic_write(file, b"two")
    assert file.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


def test_a_failed_replacement_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a"
    atomic_write(file, b"one")

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="disk full"):
        atomic_write(file, b"two")
    assert file.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_a_replaced_file_has_the_rights_that_a_new_file_would_have(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    atomic_write(tmp_path / "a", b"")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


def test_pieces_are_appended_and_folders_made(tmp_path: Path) -> None:
    log = Appender(tmp_path / "deep" / "log")
    log.append(b"---\na: 1\n")
    log.append(b"---\na: 2\n")
    log.close()
    assert (tmp_path / "deep" / "log").read_bytes() == b"---\na: 1\n---\na: 2\n"


def test_two_appenders_of_one_file_do_not_overwrite_each_other(tmp_path: Path) -> None:
    one, two = Appender(tmp_path / "log"), Appender(tmp_path / "log")
    for number in range(10):
        one.append(f"one {number}\n".encode())
        two.append(f"two {number}\n".encode())
    one.close()
    two.close()
    assert len((tmp_path / "log").read_text().splitlines()) == 20


@pytest.mark.parametrize("cut", range(1, 9))
def test_an_append_after_a_torn_piece_begins_on_a_line_of_its_own(tmp_path: Path, cut: int) -> None:
    (tmp_path / "log").write_bytes(b"---\na: 1\n"[:cut])
    log = Appender(tmp_path / "log")
    log.append(b"---\nb: 2\n")
    log.close()
    assert (tmp_path / "log").read_text().splitlines()[-2:] == ["---", "b: 2"]
