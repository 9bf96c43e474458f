"""Gets at a master.db in whatever state it is: beside Rekordbox, at rest, or from a copy."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.errors import UnavailableError
from cratehand_bridges.rekordbox.connection import Access, choose_access, is_locked, open_database, translate
from cratehand_bridges.rekordbox.snapshot import discard_snapshot, take_snapshot
from cratehand_bridges.rekordbox.stamp import DatabaseStamp, take_stamp

_log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS: Final = 3
"""How often the database is read in place before a copy is made of it."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What came of reading a database, how it was read, and how its files looked just before."""

    value: T
    access: Access
    stamp: DatabaseStamp


def with_database(path: Path, copy_dir: Path, work: Callable[[sqlcipher.Connection], T]) -> Outcome[T]:
    """Open the database, do some work that only reads, and close it again.

    Args:
        path: The user's master.db.
        copy_dir: Where a copy goes if one is needed; it is removed again.
        work: May be called more than once.

    Raises:
        CratehandError: As `cratehand.domain.ports.CollectionReader.read`.
    """
    for _ in range(ATTEMPTS):
        before = take_stamp(path)
        if before.main.size_bytes == 0 and before.wal is None:
            # SQLite takes an empty file for an empty database.
            raise translate(sqlcipher.DatabaseError("not a database"), path)
        access = choose_access(before)
        if access is Access.COPY:
            break
        try:
            value = _work_in(path, access, work)
        except (sqlcipher.Error, OSError) as error:
            if "not a database" in str(error) or isinstance(error, FileNotFoundError):
                raise translate(error, path) from error
            _log.info("can not read %s %s: %s", path, access, error)
            if is_locked(error):
                continue
            break
        after = take_stamp(path)
        # Without locks nothing holds a writer back, so what was read counts only if nobody came.
        if after.main.inode == before.main.inode and (access is Access.SHARED or after == before):
            return Outcome(value, access, before)
        _log.info("%s changed while it was read", path)
    return _with_copy(path, copy_dir, work)


def _with_copy(path: Path, copy_dir: Path, work: Callable[[sqlcipher.Connection], T]) -> Outcome[T]:
    stamp = take_stamp(path)
    try:
        return Outcome(_work_in(take_snapshot(path, copy_dir), Access.COPY, work), Access.COPY, stamp)
    except (sqlcipher.Error, OSError) as error:
        raise translate(error, path) from error
    finally:
        discard_snapshot(copy_dir)


def _work_in(path: Path, access: Access, work: Callable[[sqlcipher.Connection], T]) -> T:
    try:
        with closing(open_database(path, access)) as connection:
            return work(connection)
    except MemoryError as error:
        raise UnavailableError(f"not enough memory to read {path}; close other programs and try again") from error
