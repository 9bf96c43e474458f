"""How vectors lie in the column: float32 bytes, but on a master with pgvector as vectors that the server knows."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection

_LITTLE: Final = np.dtype("<f4")
_KNOWN: Final = "cratehand.has_pgvector"

Stored = tuple[int, int, bytes]
"""Number of the space, key of the track, float32 little endian."""


def has_pgvector(connection: Connection) -> bool:
    """Whether the column holds vectors of pgvector; asked once a connection."""
    if connection.dialect.name != "postgresql":
        return False
    if _KNOWN not in connection.info:
        row = connection.exec_driver_sql(
            "SELECT format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = 'embeddings'::regclass AND attname = 'vector'"
        ).first()
        found = row is not None and str(row[0]).rpartition(".")[2] == "vector"
        if found:
            from pgvector.psycopg import register_vector

            raw: Any = connection.connection.driver_connection
            register_vector(raw)
        connection.info[_KNOWN] = found
    return bool(connection.info[_KNOWN])


def packed_of(value: Any) -> bytes:
    """Return the float32 bytes of what the column gave."""
    if isinstance(value, bytes | memoryview | bytearray):
        return bytes(value)
    return np.asarray(getattr(value, "to_numpy", lambda: value)(), dtype=np.float32).astype(_LITTLE).tobytes()


def array_of(packed: bytes) -> Any:
    """Return the array that pgvector takes for float32 bytes."""
    return np.frombuffer(packed, dtype=_LITTLE).astype(np.float32)


def use_pgvector(connection: Connection) -> None:
    """Make the column one of pgvector, with all that is in it; the extension has to be there."""
    rows: Sequence[Any] = connection.exec_driver_sql("SELECT embedding, vector FROM embeddings").fetchall()
    connection.exec_driver_sql("ALTER TABLE embeddings DROP COLUMN vector")
    connection.exec_driver_sql("ALTER TABLE embeddings ADD COLUMN vector public.vector")
    connection.info.pop(_KNOWN, None)
    has_pgvector(connection)
    for embedding, packed in rows:
        connection.exec_driver_sql(
            "UPDATE embeddings SET vector = %s WHERE embedding = %s", (array_of(bytes(packed)), embedding)
        )
    connection.exec_driver_sql("ALTER TABLE embeddings ALTER COLUMN vector SET NOT NULL")


def write_vectors(connection: Connection, rows: Sequence[Stored]) -> None:
    """Insert or replace many on a master with pgvector."""
    raw: Any = connection.connection.driver_connection
    connection.exec_driver_sql(
        "CREATE TEMP TABLE stage_vectors ON COMMIT DROP AS SELECT space, track, vector FROM embeddings LIMIT 0"
    )
    with raw.cursor().copy("COPY stage_vectors (space, track, vector) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "int8", "vector"])
        for space, track, packed in rows:
            copy.write_row((space, track, array_of(packed)))
    connection.exec_driver_sql(
        "INSERT INTO embeddings (space, track, vector) SELECT space, track, vector FROM stage_vectors "
        "ON CONFLICT (space, track) DO UPDATE SET vector = excluded.vector"
    )
    connection.exec_driver_sql("DROP TABLE stage_vectors")
