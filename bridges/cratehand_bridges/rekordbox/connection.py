"""Opens a master.db so that not one byte of the user's files changes, and translates what SQLCipher complains about."""

import functools
import logging
import math
from collections import Counter
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.errors import (
    CorruptFileError,
    CratehandError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
)
from cratehand_bridges.rekordbox.stamp import DatabaseStamp

BUSY_TIMEOUT_MS = 250
"""How long one attempt waits for a lock of Rekordbox."""

_PLAIN_HEADER = b"SQLite format 3\x00"
_PAGE_BYTES = 4096
"""Page size of SQLCipher 4, so of every master.db."""


class Access(StrEnum):
    """How a master.db is read."""

    SHARED = "beside its writer"
    """Through the write-ahead log, with the locks of a reader; the ``-shm`` file is mapped read-only."""
    AT_REST = "at rest"
    """Nobody has it open: without locks, since a normal reader would leave new files in the user's folder."""
    COPY = "from a copy"
    """From our own copy in the cache folder."""


def choose_access(stamp: DatabaseStamp) -> Access:
    """Say how a database that looks like this can be read without leaving a trace."""
    if stamp.wal is None:
        # A rollback journal is a writer's too: only a reader with locks may look past it.
        return Access.SHARED if stamp.journal else Access.AT_REST
    if stamp.shared is not None:
        return Access.SHARED
    # A log without its index was left by a crash; reading it in place would write that index.
    return Access.COPY if stamp.wal.size_bytes else Access.AT_REST


def open_database(path: Path, access: Access) -> sqlcipher.Connection:
    """Open `path` for reading and make sure that it can be decrypted. Plain SQLite files are accepted too.

    Raises:
        sqlcipher3.dbapi2.Error: As SQLite says; `translate` makes a domain error of it.
        OSError: The file can not be opened.
    """
    options = {
        # Without `readonly_shm` a reader notes its read mark in the user's -shm file.
        Access.SHARED: "?mode=ro&readonly_shm=1",
        Access.AT_REST: "?mode=ro&immutable=1",
        Access.COPY: "",
    }[access]
    connection = connect(path, options, encrypted=is_encrypted(path))
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA query_only = 1")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def is_encrypted(path: Path) -> bool:
    """Whether a database is anything but a plain SQLite file; it must not be open in this process, see `gate`."""
    with path.open("rb") as file:
        return file.read(len(_PLAIN_HEADER)) != _PLAIN_HEADER


def connect(path: Path, options: str, *, encrypted: bool) -> sqlcipher.Connection:
    """Connect to a database with URI options such as ``?mode=ro``; transactions are begun and ended by hand."""
    address = quote(path.absolute().as_posix())
    uri = f"file:{address if address.startswith('/') else '/' + address}{options}"
    connection = sqlcipher.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    try:
        if encrypted:
            # A foreign key would otherwise be told on the standard error stream as well, in words for developers.
            connection.execute("PRAGMA cipher_log_level = NONE")
            connection.execute(f"PRAGMA key = '{database_key()}'")
    except BaseException:
        connection.close()
        raise
    return connection


@functools.cache
def database_key() -> str:
    """Return the key that every Rekordbox 6 and 7 uses for its database, as pyrekordbox carries it."""
    # On import pyrekordbox looks for an installation and warns on Linux, where there is none to find.
    logging.getLogger("pyrekordbox.config").setLevel(logging.ERROR)
    from pyrekordbox.masterdb.database import BLOB
    from pyrekordbox.utils import deobfuscate

    return str(deobfuscate(BLOB))


def is_locked(error: Exception) -> bool:
    """Whether an error says that somebody else holds the database right now."""
    return isinstance(error, sqlcipher.OperationalError) and "locked" in str(error)


def is_damage(error: Exception) -> bool:
    """Whether an error says that what was read is not a sound database."""
    return isinstance(error, sqlcipher.DatabaseError) and not isinstance(error, sqlcipher.OperationalError)


def translate(error: Exception, path: Path) -> CratehandError:
    """Turn an error of SQLCipher or of the file system into one of the port, in one line."""
    text = str(error)
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"no Rekordbox database at {path}; check the path, or whether its drive is there")
    if isinstance(error, OSError):
        return UnavailableError(f"can not read {path} ({error.strerror}); check its permissions", retry_after_s=10.0)
    if "not a database" in text:
        return _undecipherable(path)
    if "locked" in text or "busy" in text:
        return UnavailableError(f"{path} is locked by another program; will be tried again", retry_after_s=2.0)
    if is_damage(error) or "malformed" in text:
        return CorruptFileError(f"{path} is damaged ({text}); let Rekordbox repair it or restore its own backup")
    return UnavailableError(f"can not read {path} now ({text}); will be tried again", retry_after_s=10.0)


def _undecipherable(path: Path) -> CratehandError:
    """Tell a foreign key from a file that never was an encrypted database: the latter shows in size and randomness."""
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_PAGE_BYTES)
    except OSError as error:
        return translate(error, path)
    if size_bytes == 0:
        return CorruptFileError(
            f"{path} is empty; restore it from Rekordbox's backup (File > Library > Restore Library)"
        )
    if size_bytes % _PAGE_BYTES or _entropy_bits(head) < 7.5:
        return CorruptFileError(f"{path} is not a Rekordbox database; point to the master.db of Rekordbox 6 or 7")
    return UnauthorizedError(
        f"{path} is encrypted with another key, or its first page is damaged; "
        "only databases of Rekordbox 6 and 7 can be read"
    )


def _entropy_bits(data: bytes) -> float:
    """Return the Shannon entropy per byte; 4,096 encrypted bytes have over 7.9 bits."""
    return -sum(n / len(data) * math.log2(n / len(data)) for n in Counter(data).values())
