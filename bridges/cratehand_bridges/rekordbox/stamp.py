"""What the files of a master.db look like from outside: enough to see that somebody wrote, without opening it.

No connection is kept between two reads. An idle reader would hold SQLite's shared lock, and Rekordbox, as the last to
close, could then neither check its write-ahead log into master.db nor remove it: a DJ who copies master.db after
quitting Rekordbox would copy old data. So the change counter is read where SQLite keeps it for all processes, in the
first bytes of the ``-shm`` file (https://www.sqlite.org/walformat.html, "WAL-Index Header").
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cratehand.domain.errors import NotFoundError, UnavailableError

_COUNTER = slice(8, 12)
"""Where ``iChange``, which each transaction raises, stands in the header of the wal-index."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Identity, size and time of one file."""

    inode: int
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class DatabaseStamp:
    """master.db, its write-ahead log and the change counter at one moment.

    Attributes:
        main: The database file.
        wal: The write-ahead log; None where there is none, which means that nobody has the database open.
        shared: Inode of the ``-shm`` file and the four bytes of its change counter; None where there is no such file.
        journal: Whether a rollback journal lies beside it: a writer that does not use a write-ahead log.
    """

    main: FileStamp
    wal: FileStamp | None
    shared: tuple[int, bytes] | None
    journal: bool

    def same_content(self, other: "DatabaseStamp") -> bool:
        """Whether no transaction can lie between the two; a checkpoint alone may."""
        if self.main.inode != other.main.inode or self.shared != other.shared:
            return False
        return self.shared is not None or (self.main == other.main and self.wal == other.wal)


def wal_path(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of a database."""
    return path.with_name(path.name + "-wal")


def take_stamp(path: Path) -> DatabaseStamp:
    """Look at the files of a database; tens of microseconds, nothing is opened but the ``-shm`` file, for 12 bytes.

    Never call this while this process has the database open: closing a file drops all POSIX locks that the process
    holds on it.

    Raises:
        NotFoundError: There is no database at `path`.
        UnavailableError: It is there but may not be looked at.
    """
    try:
        main = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            f"no Rekordbox database at {path}; check the path, or whether its drive is there"
        ) from error
    except OSError as error:
        raise UnavailableError(f"can not look at {path} ({error.strerror}); check its permissions") from error
    if not stat.S_ISREG(main.st_mode):
        raise NotFoundError(f"{path} is not a file; point to master.db itself")
    return DatabaseStamp(
        main=_file_stamp(main),
        wal=_stamp_if_there(wal_path(path)),
        shared=_change_counter(path.with_name(path.name + "-shm")),
        journal=path.with_name(path.name + "-journal").exists(),
    )


def _file_stamp(status: os.stat_result) -> FileStamp:
    return FileStamp(status.st_ino, status.st_size, status.st_mtime_ns)


def _stamp_if_there(path: Path) -> FileStamp | None:
    try:
        return _file_stamp(path.stat())
    except OSError:
        return None


def _change_counter(path: Path) -> tuple[int, bytes] | None:
    try:
        with path.open("rb", buffering=0) as file:
            return os.fstat(file.fileno()).st_ino, file.read(12)[_COUNTER]
    except OSError:
        return None
