"""Making a collection on the master, bringing its schema up to date, and looking whether all is as it should be."""

import logging
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, exc

from cratehand.catalogue import schema
from cratehand.catalogue.master.address import MasterAddress
from cratehand.catalogue.master.bound import fresh_name
from cratehand.catalogue.master.talking import open_engine, talking
from cratehand.catalogue.vector_column import has_pgvector, use_pgvector
from cratehand.domain.errors import NotFoundError, UnsupportedError

_log = logging.getLogger(__name__)

OLDEST_SERVER: Final = 140_000
MASTER_ID: Final = "master.id"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What `set_up` did."""

    server: str
    before: str | None
    """Schema version that was there; None where the collection is new."""
    after: str
    has_pgvector: bool
    """Whether neighbours can be asked of the server itself."""


def set_up(address: MasterAddress, *, dry_run: bool = False, share_with: tuple[str, ...] = ()) -> SetUp:
    """Make the collection where it is not there, else migrate it.

    Args:
        address: Which.
        dry_run: Only look.
        share_with: Database users who may use the collection from now on.

    Raises:
        UnauthorizedError: Wrong password, or no right to make a schema.
        UnsupportedError: The server is too old, or a newer cratehand made the collection.
        UnavailableError: It does not answer.
        NotFoundError: No such database, or no such user to share with.
    """
    engine = open_engine(address)
    try:
        with talking(address), engine.connect() as connection:
            server = require_server(connection, address)
            before = read_version(connection)
            uses_vectors = before is not None and has_pgvector(connection)
            connection.rollback()
            if not dry_run:
                with connection.begin():
                    connection.exec_driver_sql(
                        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (address.schema,)
                    )
                    if before is None:
                        connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{address.schema}"')
                    if read_version(connection) != schema.HEAD:
                        _migrate(connection, address)
                    _name(connection)
                    for user in share_with:
                        _share(connection, address, user)
                uses_vectors = _use_pgvector(connection)
    finally:
        engine.dispose()
    return SetUp(server=server, before=before, after=schema.HEAD, has_pgvector=uses_vectors)


def require_server(connection: Connection, address: MasterAddress) -> str:
    """Return the version of the server; raises `UnsupportedError` where it is too old."""
    number, text = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version')"
    ).one()
    if number < OLDEST_SERVER:
        raise UnsupportedError(
            f"the master {address.spoken} is PostgreSQL {text}; at least {OLDEST_SERVER // 10_000} is needed"
        )
    return str(text)


def read_version(connection: Connection) -> str | None:
    """Return the schema version of the collection, None where it is not there."""
    there = connection.exec_driver_sql(
        "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'alembic_version'"
    ).first()
    if there is None:
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


def require_version(connection: Connection, address: MasterAddress) -> None:
    """See that the collection has the schema of this cratehand.

    Raises:
        NotFoundError: It is not there.
        UnsupportedError: It is another one.
    """
    version = read_version(connection)
    if version is None:
        raise NotFoundError(
            f"the master {address.spoken} has no collection {address.collection}: `cratehand master init` makes it"
        )
    if version == schema.HEAD:
        return
    if version in known_versions():
        raise UnsupportedError(
            f"the collection {address.collection} on {address.spoken} has the older schema {version}: "
            "`cratehand master init` brings it up to date; older devices have to be updated then, too"
        )
    raise UnsupportedError(
        f"the collection {address.collection} on {address.spoken} has the schema {version} of a newer cratehand, this "
        f"one knows {schema.HEAD}: update cratehand on this device. Until then it works on by itself and changes "
        "nothing there"
    )


def known_versions() -> frozenset[str]:
    """Return the schema versions that this cratehand knows."""
    from cratehand.catalogue.migrate import MIGRATIONS

    return frozenset(script.stem.partition("_")[0] for script in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def read_master_id(connection: Connection) -> str:
    """Return the id of the collection."""
    row = connection.exec_driver_sql("SELECT value FROM state WHERE name = %s", (MASTER_ID,)).one()
    return str(row[0])


def _migrate(connection: Connection, address: MasterAddress) -> None:
    from alembic import command

    from cratehand.catalogue.migrate import MIGRATIONS, alembic_config

    version = read_version(connection)
    if version is not None and version not in known_versions():
        require_version(connection, address)
    config = alembic_config(MIGRATIONS)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _log.info("migrated the collection %s from %s to %s", address.collection, version or "nothing", schema.HEAD)


def _name(connection: Connection) -> None:
    connection.exec_driver_sql(
        "INSERT INTO state (name, value) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", (MASTER_ID, fresh_name())
    )


def _share(connection: Connection, address: MasterAddress, user: str) -> None:
    quoted = '"' + user.replace('"', '""') + '"'
    if connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (user,)).first() is None:
        raise NotFoundError(f"there is no database user {user}: CREATE ROLE {quoted} LOGIN PASSWORD '...' makes one")
    connection.exec_driver_sql(f'GRANT USAGE ON SCHEMA "{address.schema}" TO {quoted}')
    for kind in ("TABLES", "SEQUENCES"):
        rights = "SELECT, INSERT, UPDATE, DELETE" if kind == "TABLES" else "USAGE, SELECT"
        connection.exec_driver_sql(f'GRANT {rights} ON ALL {kind} IN SCHEMA "{address.schema}" TO {quoted}')


def _has_pgvector(connection: Connection) -> bool:
    return connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'vector'").first() is not None


def _use_pgvector(connection: Connection) -> bool:
    """Let vectors be vectors where the server has the extension and lets us have it; plain bytes do elsewhere."""
    available = connection.exec_driver_sql("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").first()
    connection.rollback()
    if available is None:
        return False
    try:
        with connection.begin():
            if not _has_pgvector(connection):
                connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
            if not has_pgvector(connection):
                use_pgvector(connection)
    except exc.DBAPIError as error:
        _log.warning("pgvector is there and can not be used (%s); vectors are kept as bytes", type(error.orig).__name__)
        return False
    return True


def look(address: MasterAddress) -> str:
    """Return one line on a master that is as it should be; raises as a meeting with it would."""
    engine = open_engine(address)
    try:
        with talking(address), engine.connect() as connection:
            server = require_server(connection, address)
            require_version(connection, address)
            vectors = "with pgvector" if has_pgvector(connection) else "without pgvector"
            return f"PostgreSQL {server} {vectors}, schema {schema.HEAD}"
    finally:
        engine.dispose()
