"""Taking rows away with everything that refers to them.

The references say ON DELETE CASCADE, and PostgreSQL keeps to it; on SQLite we do it ourselves, see `device`.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Column, Connection, delete

from cratehand.catalogue import schema
from cratehand.catalogue.keys import chunks


def _referring(target: Column[int]) -> list[Column[int]]:
    return [key.parent for table in schema.metadata.sorted_tables for key in table.foreign_keys if key.column is target]


_TRACKS: Final = _referring(schema.tracks.c.track)
_PLAYLISTS: Final = _referring(schema.playlists.c.playlist)


def delete_tracks(connection: Connection, keys: Iterable[int]) -> None:
    """Delete tracks and all that is known of them; provenances stay, others may rest on them."""
    _delete(connection, schema.tracks.c.track, _TRACKS, keys)


def delete_playlists(connection: Connection, keys: Iterable[int]) -> None:
    """Delete playlists with their entries."""
    _delete(connection, schema.playlists.c.playlist, _PLAYLISTS, keys)


def _delete(connection: Connection, target: Column[int], referring: list[Column[int]], keys: Iterable[int]) -> None:
    for piece in chunks(keys):
        for column in [*referring, target]:
            connection.execute(delete(column.table).where(column.in_(piece)))
