"""The playlists that follow the DJ's collection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.keys import chunks
from cratehand.catalogue.playlist_tree import Node, load_nodes
from cratehand.catalogue.playlists import insert_playlist, load_entries, replace_entries
from cratehand.catalogue.removal import delete_playlists
from cratehand.domain.collection import CollectionPlaylist
from cratehand.domain.ids import ForeignId
from cratehand.domain.stores import IdSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Which collection playlists follow, and what `Playlist.origin` says of it."""

    collection: str
    origin: str


def follow_playlists(
    connection: Connection,
    playlists: Sequence[CollectionPlaylist],
    *,
    owner: Owner,
    tracks: Mapping[ForeignId, int],
    new_id: IdSource,
) -> int:
    """Make the playlists of a collection those that it has now; each keeps its id as long as the collection does.

    Args:
        connection: Inside a write transaction.
        playlists: All of them.
        owner: Whose they are.
        tracks: Which track each row of the collection is; entries that name no row are left out.
        new_id: Gives ids for new ones.

    Returns:
        How many are new, changed or gone.
    """
    mine = {node.foreign_id: node for node in load_nodes(connection) if node.collection == owner.collection}
    stated = {str(playlist.id): playlist for playlist in playlists}
    ids = {row_id: mine[row_id].id if row_id in mine else new_id() for row_id in stated}
    entries = load_entries(connection)
    gone = [node.playlist for row_id, node in mine.items() if row_id not in stated]
    delete_playlists(connection, gone)
    changed = len(gone)
    for row_id, playlist in stated.items():
        values = _values(playlist, owner, ids)
        node = mine.get(row_id)
        key = _write(connection, node, values)
        wanted = [tracks[entry] for entry in playlist.entries if entry in tracks]
        differs = wanted != entries.get(key, []) if node is not None else bool(wanted)
        if differs:
            replace_entries(connection, key, wanted)
        changed += differs or node is None or _differs(node, values)
    return changed


def drop_entries(connection: Connection, tracks: Sequence[int], *, collection: str) -> None:
    """Take tracks off all playlists of a collection."""
    lists = select(schema.playlists.c.playlist).where(schema.playlists.c.collection == collection)
    entries = schema.playlist_entries
    for piece in chunks(tracks):
        connection.execute(delete(entries).where(entries.c.track.in_(piece), entries.c.playlist.in_(lists)))


def _values(playlist: CollectionPlaylist, owner: Owner, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": ids[str(playlist.id)],
        "name": playlist.name,
        "kind": playlist.kind.value,
        "parent_id": None if playlist.parent_id is None else ids.get(str(playlist.parent_id)),
        "position": playlist.position,
        "origin": owner.origin,
        "collection": owner.collection,
        "foreign_id": str(playlist.id),
        "rule": playlist.rule,
    }


def _write(connection: Connection, node: Node | None, values: dict[str, Any]) -> int:
    if node is None:
        return insert_playlist(connection, values)
    if _differs(node, values):
        table = schema.playlists
        connection.execute(update(table).where(table.c.playlist == node.playlist).values(values))
    return node.playlist


def _differs(node: Node, values: dict[str, Any]) -> bool:
    return any(getattr(node, name) != value for name, value in values.items())
