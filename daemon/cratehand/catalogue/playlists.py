"""Playlists and folders."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.keys import chunks, find_key, id_of, keys_of
from cratehand.catalogue.playlist_tree import Node, full_names, inside, load_branches, load_nodes
from cratehand.catalogue.removal import delete_playlists
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.ids import ForeignId, PlaylistId, TrackId

_ENTRY_COLUMNS = ("playlist", "position", "track")
_entries = schema.playlist_entries.c
_PLACE = select(schema.playlists.c.playlist, schema.playlists.c.parent_id).where(
    schema.playlists.c.id == bindparam("sought")
)
_LISTS_OF_TRACK = select(_entries.playlist).where(_entries.track == bindparam("track"))


class SqlPlaylistStore:
    """`PlaylistStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[Playlist]:
        return _playlists(load_nodes(self._connection), load_entries(self._connection))

    def some(self, ids: Collection[PlaylistId]) -> Sequence[Playlist]:
        nodes = [node for node in load_nodes(self._connection) if node.id in ids]
        return self._with_entries(nodes)

    def within(self, playlist_id: PlaylistId) -> Sequence[Playlist]:
        nodes = load_nodes(self._connection)
        keys = set(inside(nodes, playlist_id))
        return self._with_entries([node for node in nodes if node.playlist in keys])

    def _with_entries(self, nodes: Sequence[Node]) -> Sequence[Playlist]:
        return _playlists(nodes, load_entries(self._connection, [node.playlist for node in nodes]))

    def save(self, playlist: Playlist) -> None:
        """Add it, or replace the one with its id; entries that name no track are left out.

        Raises:
            InvalidInputError: It would lie inside itself.
        """
        old = self._connection.execute(_PLACE, {"sought": playlist.id}).first()
        if old is not None and playlist.parent_id not in (None, old.parent_id):
            nodes = load_nodes(self._connection)
            within = set(inside(nodes, playlist.id))
            if any(node.id == playlist.parent_id and node.playlist in within for node in nodes):
                raise InvalidInputError(f"the folder {playlist.name!r} can not lie inside itself")
        values = {
            "id": playlist.id,
            "name": playlist.name,
            "kind": playlist.kind.value,
            "parent_id": playlist.parent_id,
            "position": playlist.position,
            "origin": playlist.origin,
            "foreign_id": playlist.foreign_id,
            "rule": playlist.rule,
        }
        key = old.playlist if old is not None else insert_playlist(self._connection, values)
        if old is not None:
            self._connection.execute(update(schema.playlists).where(schema.playlists.c.playlist == key).values(values))
        replace_entries(self._connection, key, existing_keys(self._connection, keys_of(playlist.entries)))

    def remove(self, playlist_id: PlaylistId) -> None:
        """Forget a playlist, or a folder with everything in it; nothing happens where there is none."""
        keys = inside(load_nodes(self._connection), playlist_id)
        delete_playlists(self._connection, keys)

    def names_of(self, track_id: TrackId) -> Sequence[str]:
        key = find_key(track_id)
        if key is None:
            return []
        mine = set(self._connection.scalars(_LISTS_OF_TRACK, {"track": key}))
        if not mine:
            return []
        nodes = load_branches(self._connection, key)
        names = full_names(nodes)
        return [names[node.playlist] for node in nodes if node.playlist in mine]


def insert_playlist(connection: Connection, values: dict[str, Any]) -> int:
    """Insert a row of `playlists` and return its key."""
    row = connection.execute(schema.playlists.insert().values(values).returning(schema.playlists.c.playlist))
    return int(row.scalar_one())


def load_entries(connection: Connection, playlists: Sequence[int] | None = None) -> dict[int, list[int]]:
    """Load the tracks of these playlists, or of all, in their order."""
    query = select(_entries.playlist, _entries.track).order_by(_entries.playlist, _entries.position)
    pieces = [query]
    if playlists is not None:
        pieces = [query.where(_entries.playlist.in_(piece)) for piece in chunks(playlists)]
    found: dict[int, list[int]] = {}
    for piece in pieces:
        for playlist, track in connection.execute(piece):
            found.setdefault(playlist, []).append(track)
    return found


def replace_entries(connection: Connection, playlist: int, keys: Sequence[int]) -> None:
    """Set the tracks of one playlist; all have to exist."""
    connection.execute(delete(schema.playlist_entries).where(_entries.playlist == playlist))
    rows = [(playlist, position, key) for position, key in enumerate(keys)]
    insert_rows(connection, schema.playlist_entries, _ENTRY_COLUMNS, rows)


def existing_keys(connection: Connection, keys: Sequence[int]) -> list[int]:
    """Return those keys that name a track, in the same order."""
    known: set[int] = set()
    for piece in chunks(sorted(set(keys))):
        known.update(connection.scalars(select(schema.tracks.c.track).where(schema.tracks.c.track.in_(piece))))
    return [key for key in keys if key in known]


def _playlists(nodes: Sequence[Node], entries: Mapping[int, Sequence[int]]) -> list[Playlist]:
    return [
        Playlist(
            id=PlaylistId(node.id),
            name=node.name,
            kind=PlaylistKind(node.kind),
            parent_id=None if node.parent_id is None else PlaylistId(node.parent_id),
            position=node.position,
            entries=tuple(id_of(key) for key in entries.get(node.playlist, ())),
            origin=node.origin,
            foreign_id=None if node.foreign_id is None else ForeignId(node.foreign_id),
            rule=node.rule,
        )
        for node in nodes
    ]
