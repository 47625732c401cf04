"""One lock per GPU, so that no two sessions take the same one, whoever they belong to.

A lock is a file named by the GPU and locked with flock: it belongs to the open file, which runs
inherit, and so lasts until the last process that has it open is gone, whatever dies first.

Source of facts: flock(2), open(2), and fs.protected_regular in proc_sys_fs(5): in a folder that
everybody may write to, one does not open another person's file with O_CREAT.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat

from coolrun import SessionError

VARIABLE = "COOLRUN_GPU_LOCKS"
# Both are the same for all people on a machine, unlike what TMPDIR says.
_FOLDERS = ("/run/lock", "/tmp")  # noqa: S108 - no name in it is believed: see `_opened`
_SHARED = stat.S_ISVTX | stat.S_IWOTH
_ATTEMPTS = 20
_LONGEST = 200


class Locks:
    """The locks of GPUs on this machine."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, uuid: str) -> str:
        """The file of a GPU's lock."""
        return os.path.join(self.folder, f"coolrun-gpu-{uuid}.lock")

    def take(self, uuid: str, holder: str) -> int | None:
        """Lock a GPU; the open file that holds the lock, or None if somebody else does.

        Args:
            holder: who takes it, in a few words for people.

        Raises:
            SessionError: the file cannot be opened, or is no plain file.
        """
        for _ in range(_ATTEMPTS):
            descriptor = self._opened(uuid)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                locked = True
            except BlockingIOError:
                locked = False
            except OSError as error:
                os.close(descriptor)
                raise self._unusable(uuid, error.strerror or str(error)) from error
            if locked and self._is_current(uuid, descriptor):
                _sign(descriptor, holder)
                return descriptor
            os.close(descriptor)
            if not locked:
                return None
        raise SessionError(f"the lock {self.path(uuid)!r} is removed again and again")

    def check(self, uuid: str) -> None:
        """Find out whether a lock can be taken at all.

        Raises:
            SessionError: it cannot.
        """
        os.close(self._opened(uuid))

    def holder(self, uuid: str) -> str | None:
        """Who holds a lock, in the words with which it was taken; None if nobody does.

        Raises:
            SessionError: the file is there and cannot be opened.
        """
        try:
            descriptor = _open(self.path(uuid))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(uuid, error.strerror or str(error)) from error
        try:
            self._refuse_other_than_files(uuid, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            text = os.pread(descriptor, _LONGEST, 0).decode("utf-8", "replace").strip()
            # Anybody may write to it.
            return "".join(c if c.isprintable() else "?" for c in text) or "somebody"
        finally:
            os.close(descriptor)

    def _opened(self, uuid: str) -> int:
        path = self.path(uuid)
        try:
            try:
                descriptor = _open(path)
            except FileNotFoundError:
                _make(path)
                descriptor = _open(path)
        except OSError as error:
            raise self._unusable(uuid, error.strerror or str(error)) from error
        try:
            self._refuse_other_than_files(uuid, descriptor)
        except SessionError:
            os.close(descriptor)
            raise
        return descriptor

    def _refuse_other_than_files(self, uuid: str, descriptor: int) -> None:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise self._unusable(uuid, "it is no plain file")

    def _unusable(self, uuid: str, reason: str) -> SessionError:
        return SessionError(
            f"cannot use {self.path(uuid)!r}, which keeps sessions from taking the same GPU: "
            f"{reason}",
            cure=f"remove it, or name a folder that everybody may write to in {VARIABLE}",
        )

    def _is_current(self, uuid: str, descriptor: int) -> bool:
        """Whether the file still has its name: whoever cleans up may have removed it meanwhile."""
        try:
            return os.path.samestat(os.lstat(self.path(uuid)), os.fstat(descriptor))
        except FileNotFoundError:
            return False


def locks_of_this_machine() -> Locks:
    """The locks that all people on this machine share; COOLRUN_GPU_LOCKS names another folder.

    Raises:
        SessionError: the folder that it names cannot be made.
    """
    named = os.environ.get(VARIABLE)
    if named:
        try:
            if not os.path.isdir(named):
                os.makedirs(named)
                os.chmod(named, 0o1777)  # noqa: S103 - sticky, as /tmp is
        except OSError as error:
            message = f"cannot make {named!r}, which {VARIABLE} names: {error.strerror}"
            raise SessionError(message, cure="name a folder that you may write to") from error
        return Locks(os.path.abspath(named))
    shared = (folder for folder in _FOLDERS if _is_shared(folder))
    return Locks(next(shared, _FOLDERS[-1]))


def _is_shared(folder: str) -> bool:
    """Whether everybody may write to a folder in which nobody can remove another's files."""
    try:
        state = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == 0 and state.st_mode & _SHARED == _SHARED


def _open(path: str) -> int:
    # What waits there instead of a file, such as a link or a pipe, is not followed or waited for.
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, os.O_RDWR | flags)
    except PermissionError:
        return os.open(path, os.O_RDONLY | flags)  # enough for a lock


def _make(path: str) -> None:
    """Make the file, unless somebody else does at this moment: it appears with its final mode."""
    fresh = f"{path}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o666)  # whatever the umask is, for others to open it
        os.link(fresh, path)
    except FileExistsError:
        return
    finally:
        os.close(descriptor)
        os.unlink(fresh)


def _sign(descriptor: int, holder: str) -> None:
    if os.fstat(descriptor).st_nlink > 1:
        return  # it may be somebody's own file by another name
    line = f"{holder:<{_LONGEST - 1}.{_LONGEST - 1}}\n".encode()[:_LONGEST]
    try:
        if os.pread(descriptor, _LONGEST, 0) != line:  # what is written takes its time
            os.pwrite(descriptor, line, 0)
    except OSError:
        return  # another person's file that only they may write to: it is only for people to read
