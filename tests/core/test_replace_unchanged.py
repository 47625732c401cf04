"""A file that others write as well is replaced only while it is as it was known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coolrun.files import aside_of, replace_unchanged


def mark(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def test_a_file_as_it_was_known_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    assert replace_unchanged(path, b"new", mark(path))
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a"]


def test_a_new_name_is_taken_only_while_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert replace_unchanged(path, [b"n", b"ew"], None)
    assert not replace_unchanged(path, b"newer", None)
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("in_place", [True, False])
def test_what_was_saved_since_stays(tmp_path: Path, in_place: bool) -> None:
    path = tmp_path / "a"
    assert replace_unchanged(path, b"old", None)
    known = mark(path)
    if in_place:
        path.write_bytes(b"own")
    else:
        (tmp_path / "b").write_bytes(b"own")
        os.replace(tmp_path / "b", path)
    assert not replace_unchanged(path, b"new", known)
    assert path.read_bytes() == b"own"
    assert os.listdir(tmp_path) == ["a"]


def test_what_was_removed_since_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    known = mark(path)
    path.unlink()
    assert not replace_unchanged(path, b"new", known)
    assert os.listdir(tmp_path) == []


def test_what_is_saved_while_the_old_file_is_aside_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    known, rename = mark(path), os.rename

    def slow_rename(source: Path, target: Path) -> None:
        rename(source, target)
        path.write_bytes(b"own")

    monkeypatch.setattr(os, "rename", slow_rename)
    assert not replace_unchanged(path, b"new", known)
    assert path.read_bytes() == b"own"
    assert os.listdir(tmp_path) == ["a"]


def test_a_crash_at_the_worst_moment_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(name: str, path: Path) -> None:
        raise OSError("no room")

    monkeypatch.setattr("coolrun.files._take_name", fail)
    with pytest.raises(OSError, match="no room"):
        replace_unchanged(path, b"new", mark(path))
    assert aside_of(path).read_bytes() == b"old"
