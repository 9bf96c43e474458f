"""The catalogue on the device: SQLite in WAL mode."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event

from cratehand.catalogue.creation import prepare
from cratehand.catalogue.driver import Driver, choose_driver, load_vec
from cratehand.catalogue.failures import translated
from cratehand.catalogue.stores import SqlStores
from cratehand.catalogue.vector_memory import VectorMemory
from cratehand.domain.errors import InternalError, UnavailableError

_log = logging.getLogger(__name__)

_LOCK_WAIT_S: Final = 10.0
_READERS: Final = 4
_READERS_AT_MOST: Final = 64
_READER_CACHE_KIB: Final = 2048
_WRITER_CACHE_KIB: Final = 16384
_MMAP_BYTES: Final = 96 * 1024 * 1024
"""As much of the file as the tables of 50,000 tracks take. It counts as memory of this process, once a connection,
and a file that vectors make large fills whatever is allowed; what lies behind is read a fifth more slowly."""
_WAL_KEPT_BYTES: Final = 16 * 1024 * 1024


class SqliteCatalogue:
    """`Catalogue` in one SQLite file. Threads read in parallel, one writes; several processes may have it open.

    Made by `open_device`.
    """

    def __init__(self, path: Path, *, driver: Driver, lock_wait_s: float, ignore_case: bool) -> None:
        self.path = path
        self.driver = driver
        self._ignore_case = ignore_case
        self._lock_wait_s = lock_wait_s
        self._turn = threading.Lock()
        self._writing_thread: int | None = None
        self._readers = _engine(path, driver, lock_wait_s=lock_wait_s, writes=False)
        self._writer = _engine(path, driver, lock_wait_s=lock_wait_s, writes=True)
        self._vector_memory: VectorMemory | None = None

    def keep_vectors_in_memory(self) -> VectorMemory:
        """Let searches use a copy of the vectors in memory, made when it is first needed: for who asks many times."""
        if self._vector_memory is None:
            self._vector_memory = VectorMemory(self._reading_long)
        return self._vector_memory

    @contextmanager
    def reading(self) -> Iterator[SqlStores]:
        """Open a consistent view; nothing can be written through it, and it waits for no writer."""
        with translated(self.path), self._readers.connect() as connection:
            pool = self._readers.pool
            with connection.begin():
                yield self._stores(connection, vector_memory=self._vector_memory)
            if self._readers.pool is not pool:
                # `release_memory` came meanwhile: back in its old pool this connection would linger.
                connection.detach()

    @contextmanager
    def writing(self) -> Iterator[SqlStores]:
        """Open a write transaction: committed at the end of the block, rolled back when it raises.

        Raises:
            UnavailableError: Somebody else held the write lock for too long, or the disk is full.
            InternalError: This thread is already inside such a block.
        """
        with self._in_turn(), translated(self.path), self._writer.connect() as connection, connection.begin():
            yield self._stores(connection)

    def release_memory(self) -> None:
        """Close idle connections, and with them their caches and what they mapped of the file."""
        if self._vector_memory is not None:
            self._vector_memory.release_if_idle()
        self._readers.dispose()
        if self._turn.acquire(blocking=False):
            try:
                self._writer.dispose()
            finally:
                self._turn.release()

    def close(self) -> None:
        """Close all connections; the catalogue opens them again if it is used afterwards."""
        if self._vector_memory is not None:
            self._vector_memory.close()
            self._vector_memory = None
        self._readers.dispose()
        self._writer.dispose()

    @contextmanager
    def _reading_long(self) -> Iterator[Connection]:
        """Open a view for a look at millions of rows; what it needed of memory is gone at its end."""
        with translated(self.path), self._readers.connect() as connection:
            raw: Any = connection.connection.driver_connection
            connection.detach()
            # What is mapped would count as memory of this process.
            raw.execute("PRAGMA mmap_size = 0").close()
            with connection.begin():
                yield connection

    def _stores(self, connection: Connection, *, vector_memory: VectorMemory | None = None) -> SqlStores:
        return SqlStores(
            connection, ignore_case=self._ignore_case, has_vec=self.driver.has_vec, vector_memory=vector_memory
        )

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        # SQLite's own waiting polls and is unfair; inside one process a lock hands the turn over at once.
        me = threading.get_ident()
        if self._writing_thread == me:
            raise InternalError("a write transaction was opened inside another one of the same thread")
        if not self._turn.acquire(timeout=self._lock_wait_s + 50.0):
            raise UnavailableError(f"{self.path}: another change takes very long; try again later", retry_after_s=5.0)
        self._writing_thread = me
        try:
            yield
        finally:
            self._writing_thread = None
            self._turn.release()


def open_device(
    path: Path,
    *,
    driver: Driver | None = None,
    lock_wait_s: float = _LOCK_WAIT_S,
    ignore_case: bool = sys.platform in {"darwin", "win32"},
) -> SqliteCatalogue:
    """Open the catalogue, make it where there is none, and bring an older one up to date after a backup.

    Args:
        path: The file; missing folders above it are made.
        driver: Which SQLite to use; `choose_driver()` where None.
        lock_wait_s: How long to wait for a writer in another process.
        ignore_case: For a new catalogue, whether paths that differ in case only are one file, as they are on macOS and
            Windows. An existing one keeps what it was made with.

    Raises:
        UnavailableError: It can not be opened or written now.
        CorruptFileError: The file is no catalogue, or damaged.
        UnsupportedError: A newer version of cratehand made it.
    """
    driver = driver or choose_driver()
    ignores_case = prepare(path, driver=driver, ignore_case=ignore_case, lock_wait_s=lock_wait_s)
    _log.debug("opened %s with %s", path, driver.reason)
    return SqliteCatalogue(path, driver=driver, lock_wait_s=lock_wait_s, ignore_case=ignores_case)


def _engine(path: Path, driver: Driver, *, lock_wait_s: float, writes: bool) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        module=driver.module,
        poolclass=QueuePool,
        pool_size=1 if writes else _READERS,
        max_overflow=0 if writes else _READERS_AT_MOST - _READERS,
        pool_timeout=lock_wait_s,
        # isolation_level None: transactions begin and end where we say so, not where the driver guesses.
        connect_args={"timeout": lock_wait_s, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        if driver.has_vec:
            load_vec(connection)
        for pragma in _pragmas(writes=writes):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _pragmas(*, writes: bool) -> list[str]:
    common = [
        # References are declared, and `check` looks at each; asking SQLite to look at them row by row took a third of
        # an import. Nothing slips between: who writes holds the only write lock and has looked up what it refers to.
        "foreign_keys = OFF",
        "temp_store = MEMORY",
        f"mmap_size = {_MMAP_BYTES}",
        f"cache_size = -{_WRITER_CACHE_KIB if writes else _READER_CACHE_KIB}",
    ]
    if not writes:
        return [*common, "query_only = ON"]
    # FULL: a correction that was acknowledged is on the disk even if the power goes the next moment. With NORMAL a
    # kill -9 would lose nothing either, a flat battery would. Price: one fsync a commit, see BENCHMARKS.md.
    return [*common, "synchronous = FULL", f"journal_size_limit = {_WAL_KEPT_BYTES}"]
