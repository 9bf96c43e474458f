"""A lock between processes that ends with its owner, however that ends."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from cratehand.domain.errors import UnavailableError

_PID_BYTES = 32
_FAR = 1 << 30
"""Windows refuses reads of locked bytes, so the locked one lies where nothing is written."""


class ProcessLock:
    """An exclusive lock on a file, held by this process.

    POSIX record locks are not inherited by forked workers, so a worker that outlives a killed daemon does not keep
    the folder locked. They do end when the process closes the file anywhere, and do not exclude the process itself;
    therefore each process keeps a list of what it holds.
    """

    _held: ClassVar[set[Path]] = set()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock and write our process id into the file; False where somebody has it. Raises OSError."""
        if self.path in ProcessLock._held:
            return False
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _try_lock(handle):
            os.close(handle)
            return False
        try:
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode("ascii"))
        except OSError:
            os.close(handle)
            raise
        ProcessLock._held.add(self.path)
        self._handle = handle
        return True

    def release(self) -> None:
        """Give the lock back; fine where it is not held."""
        if self._handle is not None:
            handle, self._handle = self._handle, None
            ProcessLock._held.discard(self.path)
            os.close(handle)

    def holder(self) -> int | None:
        """Return the process id that the holder wrote, None where it can't be read."""
        if self.path in ProcessLock._held:
            return os.getpid()
        try:
            return int(self.path.read_bytes()[:_PID_BYTES].decode("ascii", "replace"))
        except (OSError, ValueError):
            return None


@contextlib.contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Hold the lock while the context is open.

    Raises:
        UnavailableError: Somebody has it, or the file can't be made.
    """
    lock = ProcessLock(path)
    try:
        mine = lock.acquire()
    except OSError as error:
        raise UnavailableError(f"{path} can not be locked: {error.strerror or error}") from error
    if not mine:
        raise UnavailableError(
            f"another cratehand (process {lock.holder()}) works in {path.parent} now: wait for its end",
            retry_after_s=60.0,
        )
    try:
        yield
    finally:
        lock.release()


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(handle, 0, os.SEEK_SET)
        return True
else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except PermissionError:  # what some systems say of a lock that is held
            return False
        return True
