"""One lock per GPU, for all people of a machine, that lasts as long as its last holder."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from coolrun import SessionError
from coolrun_plugins.gpu import locks as module
from coolrun_plugins.gpu.holding import Holdings, Refused
from coolrun_plugins.gpu.locks import VARIABLE, Locks, locks_of_this_machine

UUID = "GPU-1"
NOBODY = 65534


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "locks"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.fixture
def locks(shared: Path) -> Locks:
    return Locks(str(shared))


@pytest.fixture
def held(locks: Locks) -> Iterator[int]:
    descriptor = locks.take(UUID, "session a of me")
    assert descriptor is not None
    yield descriptor
    os.close(descriptor)


def test_only_one_has_a_lock_and_others_are_told_who(locks: Locks, held: int) -> None:
    assert locks.take(UUID, "session b") is None
    assert locks.holder(UUID) == "session a of me"
    other = locks.take("GPU-2", "session b")
    assert other is not None
    os.close(other)


def test_a_lock_ends_with_its_last_holder(locks: Locks) -> None:
    descriptor = locks.take(UUID, "session a")
    assert descriptor is not None
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[descriptor]
    ) as process:
        os.close(descriptor)
        assert locks.take(UUID, "session b") is None
        process.kill()
    again = locks.take(UUID, "session b")
    assert again is not None
    assert locks.holder(UUID) == "session b"
    os.close(again)


def test_nobody_holds_what_was_never_or_is_no_longer_locked(locks: Locks) -> None:
    assert locks.holder(UUID) is None
    locks.check(UUID)
    assert locks.holder(UUID) is None


def test_the_file_is_for_everybody_whatever_the_umask_is(locks: Locks, shared: Path) -> None:
    before = os.umask(0o077)
    try:
        locks.check(UUID)
    finally:
        os.umask(before)
    (file,) = shared.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o666


def test_the_lock_of_a_file_that_was_removed_counts_for_nothing(locks: Locks, held: int) -> None:
    os.unlink(locks.path(UUID))
    descriptor = locks.take(UUID, "session b")
    assert descriptor is not None
    assert locks.take(UUID, "session c") is None
    os.close(descriptor)


def test_a_file_that_is_removed_while_it_is_locked_is_made_again(
    locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def flock(descriptor: int, operation: int) -> None:
        if not calls:
            os.unlink(locks.path(UUID))
        calls.append(descriptor)
        original(descriptor, operation)

    original = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock)
    descriptor = locks.take(UUID, "session a")
    assert descriptor is not None
    assert os.path.samestat(os.fstat(descriptor), os.stat(locks.path(UUID)))
    os.close(descriptor)


def _link(path: str) -> None:
    os.symlink("/etc/hostname", path)


def _dangle(path: str) -> None:
    os.symlink(f"{path}.nowhere", path)


@pytest.mark.parametrize("plant", [_link, _dangle, os.mkfifo, os.mkdir])
def test_what_somebody_planted_in_the_place_of_a_lock_is_not_touched(
    locks: Locks, shared: Path, plant: Callable[[str], None]
) -> None:
    plant(locks.path(UUID))
    with pytest.raises(SessionError, match="keeps sessions from taking the same GPU") as error:
        locks.take(UUID, "session a")
    assert VARIABLE in str(error.value)
    assert os.listdir(shared) == [os.path.basename(locks.path(UUID))]


def test_another_name_of_somebodys_own_file_is_not_written_to(locks: Locks, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear reader")
    os.link(tmp_path / "letter", locks.path(UUID))
    descriptor = locks.take(UUID, "session a")
    assert descriptor is not None
    os.close(descriptor)
    assert (tmp_path / "letter").read_text() == "dear reader"


def test_a_folder_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="No such file"):
        Locks(str(tmp_path / "none")).check(UUID)


def test_what_is_written_there_cannot_play_tricks_on_the_terminal(locks: Locks, held: int) -> None:
    Path(locks.path(UUID)).write_bytes(b"\x1b[2Jnobody\xff\n" + b"x" * 1000)
    holder = locks.holder(UUID)
    assert holder is not None
    assert holder.isprintable()
    assert len(holder) <= 200


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two people")
@pytest.mark.parametrize("mode", [0o666, 0o644])
def test_two_people_share_the_locks(mode: int) -> None:
    with TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o1777)
        locks = Locks(folder)
        held = locks.take(UUID, "session a of me")
        assert held is not None
        os.chmod(locks.path(UUID), mode)
        code = f"""if True:
            import os
            from coolrun_plugins.gpu.locks import Locks
            os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY}); os.umask(0o077)
            locks = Locks({folder!r})
            print(locks.take({UUID!r}, ""), locks.holder({UUID!r}), locks.take("GPU-2", "b"))
            """
        told = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
        assert told.startswith("None session a of me ")
        assert not told.endswith("None")
        own = locks.take("GPU-2", "session a")  # the other one's file, whose holder has gone
        assert own is not None
        os.close(held)
        os.close(own)


# What a session has locked


def test_the_runs_of_a_session_share_a_lock_and_all_or_nothing_is_locked(locks: Locks) -> None:
    ours, theirs = Holdings(locks), Holdings(locks)
    ours.owner, theirs.owner = "session a", "session b"
    assert ours.take(["GPU-1", "GPU-2"]) is None
    assert ours.take(["GPU-2"]) is None
    assert theirs.take(["GPU-3", "GPU-2"]) == Refused("GPU-2", "session a has it")
    assert locks.holder("GPU-3") is None
    assert len(ours.descriptors(["GPU-1", "GPU-2"])) == 2
    ours.give_back(["GPU-1", "GPU-2", "GPU-4"])
    assert theirs.take(["GPU-1", "GPU-2"]) is None
    theirs.give_back(["GPU-1", "GPU-2"])


def test_what_a_run_has_left_keeps_the_lock_of_its_gpu(locks: Locks) -> None:
    ours = Holdings(locks)
    ours.owner = "session a"
    ours.take(["GPU-1"])
    left = os.dup(ours.descriptors(["GPU-1"])[0])
    ours.give_back(["GPU-1"])
    told = "a process that a run of this session has left has it"
    assert ours.take(["GPU-1"]) == Refused("GPU-1", told)
    os.close(left)
    assert ours.take(["GPU-1"]) is None
    ours.give_back(["GPU-1"])


def test_locks_that_are_held_for_long_are_not_taken_for_forgotten_files(locks: Locks) -> None:
    ours = Holdings(locks)
    ours.take(["GPU-1"])
    os.utime(locks.path("GPU-1"), (0, 0))
    ours.renew()
    state = os.stat(locks.path("GPU-1"))
    assert min(state.st_mtime, state.st_atime) > 1e9
    ours.give_back(["GPU-1"])
    ours.renew()


def test_a_lock_that_is_spoilt_is_refused_with_the_reason_and_the_others_are_given_back(
    locks: Locks,
) -> None:
    ours = Holdings(locks)
    os.symlink("/etc/hostname", locks.path("GPU-2"))
    refused = ours.take(["GPU-1", "GPU-2"])
    assert refused is not None
    assert refused.is_unusable
    assert (refused.uuid, "symbolic link" in refused.reason) == ("GPU-2", True)
    assert locks.holder("GPU-1") is None
    os.unlink(locks.path("GPU-2"))
    assert ours.take(["GPU-1", "GPU-2"]) is None
    ours.give_back(["GPU-1", "GPU-2"])


def test_a_pipe_in_place_of_a_lock_is_told_whoever_holds_it(locks: Locks) -> None:
    os.mkfifo(locks.path(UUID))
    held = os.open(locks.path(UUID), os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(SessionError, match="it is no plain file"):
        locks.holder(UUID)
    os.close(held)


# Where the locks are


def test_a_variable_names_the_folder_which_is_made_for_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "a" / "b"
    monkeypatch.setenv(VARIABLE, str(named))
    assert locks_of_this_machine().folder == str(named)
    assert stat.S_IMODE(named.stat().st_mode) == 0o1777


def test_a_folder_that_cannot_be_made_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "locks"))
    with pytest.raises(SessionError, match=f"which {VARIABLE} names: Not a directory"):
        locks_of_this_machine()


def test_everybody_uses_the_first_folder_that_is_safe_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    private, link = tmp_path / "private", tmp_path / "link"
    private.mkdir()
    link.symlink_to("/tmp")
    folders = (str(tmp_path / "none"), str(private), str(link), "/tmp")
    monkeypatch.setattr(module, "_FOLDERS", folders)
    monkeypatch.setenv("TMPDIR", str(private))
    assert locks_of_this_machine().folder == "/tmp"
