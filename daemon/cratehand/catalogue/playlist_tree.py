"""Playlists in their folders: full names, and which lists a name means."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from cratehand.catalogue import schema


class Node(NamedTuple):
    """One playlist or folder without its entries."""

    playlist: int
    id: str
    name: str
    kind: str
    parent_id: str | None
    position: int
    origin: str
    collection: str | None
    foreign_id: str | None
    rule: str | None


_playlists = schema.playlists.c
_above = select(_playlists.playlist, _playlists.parent_id).where(
    _playlists.playlist.in_(
        select(schema.playlist_entries.c.playlist).where(schema.playlist_entries.c.track == bindparam("track"))
    )
)
_branches = _above.cte("branches", recursive=True)
# UNION, not UNION ALL: folders that lie in a circle are met once.
_branches = _branches.union(
    select(_playlists.playlist, _playlists.parent_id).where(_playlists.id == _branches.c.parent_id)
)
_ALL: Final = select(*(_playlists[name] for name in Node._fields)).order_by(
    _playlists.position, _playlists.name, _playlists.playlist
)
# Statements that are asked for with every track are made once: making them takes longer than answering them.
_AROUND_TRACK: Final = _ALL.where(_playlists.playlist.in_(select(_branches.c.playlist)))


def load_nodes(connection: Connection) -> list[Node]:
    """Load all playlists and folders, parents before children, siblings in their order.

    A node whose parent does not exist, or lies inside itself, stands at the top.
    """
    return _in_order([Node._make(row) for row in connection.execute(_ALL)])


def load_branches(connection: Connection, track: int) -> list[Node]:
    """Load the playlists that a track is on, and the folders above them; in the order of `load_nodes`."""
    return _in_order([Node._make(row) for row in connection.execute(_AROUND_TRACK, {"track": track})])


def _in_order(nodes: Sequence[Node]) -> list[Node]:
    known = {node.id for node in nodes}
    children: dict[str | None, list[Node]] = {}
    for node in nodes:
        children.setdefault(node.parent_id if node.parent_id in known else None, []).append(node)
    ordered = [node._replace(parent_id=None) for node in children.pop(None, [])]
    for node in ordered:
        ordered += children.pop(node.id, [])
    # What is left hangs in circles.
    for circle in list(children):
        for node in children.pop(circle, []):
            branch = [node._replace(parent_id=None)]
            for inner in branch:
                branch += children.pop(inner.id, [])
            ordered += branch
    return _depth_first(ordered)


def full_names(nodes: Sequence[Node]) -> dict[int, str]:
    """Return the name of each node with its folders, ``Folder/List``; parents stand before children."""
    names: dict[str, str] = {}
    for node in nodes:
        parent = names.get(node.parent_id or "")
        names[node.id] = node.name if parent is None else f"{parent}/{node.name}"
    return {node.playlist: names[node.id] for node in nodes}


def find_playlists(connection: Connection, name: str) -> list[int]:
    """Return the playlists of this name or full name; a folder's name means all lists in it."""
    nodes = load_nodes(connection)
    names = full_names(nodes)
    wanted: set[str] = set()
    found: list[int] = []
    for node in nodes:
        if node.parent_id in wanted or name in (node.name, names[node.playlist]):
            wanted.add(node.id)
            found.append(node.playlist)
    return found


def inside(nodes: Sequence[Node], playlist_id: str) -> list[int]:
    """Return the keys of a node and everything in it; parents stand before children."""
    ids = {playlist_id}
    found: list[int] = []
    for node in nodes:
        if node.id in ids or node.parent_id in ids:
            ids.add(node.id)
            found.append(node.playlist)
    return found


def _depth_first(nodes: Sequence[Node]) -> list[Node]:
    children: dict[str | None, list[Node]] = {}
    for node in nodes:
        children.setdefault(node.parent_id, []).append(node)
    return list(_walk(children))


def _walk(children: Mapping[str | None, Sequence[Node]]) -> Iterator[Node]:
    waiting = list(reversed(children.get(None, ())))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(children.get(node.id, ()))
