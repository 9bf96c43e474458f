"""From a path to a catalogue of today's schema: made, recognised, or migrated."""

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from cratehand.catalogue import schema
from cratehand.catalogue.driver import Driver
from cratehand.catalogue.failures import translated
from cratehand.catalogue.opening import connect, read_version
from cratehand.catalogue.touched import TRIGGERS
from cratehand.domain.errors import UnavailableError

_log = logging.getLogger(__name__)

IGNORE_CASE: Final = "catalogue.ignore_case"
"""Name in `state` of the choice that a catalogue was made with."""


def prepare(path: Path, *, driver: Driver, ignore_case: bool, lock_wait_s: float) -> bool:
    """Bring the file at `path` to the newest schema.

    Returns:
        Whether this catalogue takes paths that differ in case only for one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"the folder of {path} can not be made: {error.strerror}") from error
    with translated(path), closing(connect(path, driver, lock_wait_s=lock_wait_s)) as connection:
        _use_wal(connection)
        version = read_version(connection, path)
        if version is None:
            version = _create(connection, path, ignore_case=ignore_case)
        if version != schema.HEAD:
            # Alembic costs half a second to import; most starts do without it.
            from cratehand.catalogue.migrate import migrate

            triggers = _triggers(connection)
            migrate(path, driver=driver, lock_wait_s=lock_wait_s)
            # A migration that builds a table anew takes its triggers away, see `cratehand.catalogue.master.capture`.
            for name in triggers.keys() - _triggers(connection).keys():
                connection.execute(triggers[name])
        return _read_ignore_case(connection)


def _triggers(connection: Any) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    return {str(name): str(sql) for name, sql in rows}


def _create(connection: Any, path: Path, *, ignore_case: bool) -> str:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been quicker while this one waited for the lock.
        version = read_version(connection, path)
        if version is None:
            for statement in _statements():
                connection.execute(statement)
            connection.execute("INSERT INTO alembic_version VALUES (?)", (schema.HEAD,))
            connection.execute("INSERT INTO state (name, value) VALUES (?, ?)", (IGNORE_CASE, str(int(ignore_case))))
            version = schema.HEAD
            _log.info("made a new catalogue at %s", path)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return version


def _statements() -> Iterator[str]:
    """Yield what makes all that Alembic would make, with the table in which it keeps the version, as it makes it."""
    yield (
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    dialect = sqlite.dialect()
    for table in schema.metadata.sorted_tables:
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
    yield from TRIGGERS


def _use_wal(connection: Any) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL").fetchone()


def _read_ignore_case(connection: Any) -> bool:
    row = connection.execute("SELECT value FROM state WHERE name = ?", (IGNORE_CASE,)).fetchone()
    return row is not None and row[0] == "1"
