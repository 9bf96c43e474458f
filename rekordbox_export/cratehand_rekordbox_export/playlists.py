"""The PLAYLISTS tree: folders and playlists as NODE elements, from and to the flat list of the domain."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cratehand.domain.collection import CollectionPlaylist, PlaylistKind
from cratehand.domain.ids import ForeignId
from cratehand_rekordbox_export.elements import ElementWriter


@dataclass(slots=True, kw_only=True)
class PlaylistCounts:
    """What the tree of one file holds, and what of it could not be written."""

    playlists: int = 0
    entries: int = 0
    unknown_entries: int = 0
    """Entries that name no track of the file."""
    moved_to_root: int = 0
    """Playlists whose folder is not there, or that contain themselves."""
    rules: int = 0
    """Smart lists: written with the entries they had, without their rule."""


@dataclass(slots=True, kw_only=True)
class _Node:
    playlist: CollectionPlaylist
    children: list["_Node"] = field(default_factory=list)


def write_playlists(
    xml: ElementWriter, playlists: Sequence[CollectionPlaylist], numbers: Mapping[ForeignId, int]
) -> PlaylistCounts:
    """Write the PLAYLISTS element.

    Args:
        xml: Where to; stands inside DJ_PLAYLISTS.
        playlists: Any order; the tree follows from `parent_id`, the order of siblings from `position`.
        numbers: TrackID of every track of the file; entries that are not in it are left out and counted.
    """
    counts = PlaylistCounts()
    roots = _tree(playlists, counts)
    xml.start("PLAYLISTS")
    root = [("Type", "0"), ("Name", "ROOT"), ("Count", str(len(roots)))]
    if not roots:
        xml.empty("NODE", root)
    else:
        xml.start("NODE", root)
        _write_nodes(xml, roots, numbers, counts)
        xml.end()
    xml.end()
    return counts


def _tree(playlists: Sequence[CollectionPlaylist], counts: PlaylistCounts) -> list[_Node]:
    nodes = {playlist.id: _Node(playlist=playlist) for playlist in playlists}
    roots: list[_Node] = []
    for node in sorted(nodes.values(), key=lambda each: each.playlist.position):
        parent_id = node.playlist.parent_id
        parent = nodes.get(parent_id) if parent_id is not None else None
        if parent is not None and parent.playlist.kind is PlaylistKind.FOLDER and not _contains(node, parent, nodes):
            parent.children.append(node)
        else:
            counts.moved_to_root += parent_id is not None
            roots.append(node)
    return roots


def _contains(node: _Node, folder: _Node, nodes: Mapping[ForeignId, _Node]) -> bool:
    seen: set[ForeignId] = set()
    current: _Node | None = folder
    while current is not None and current.playlist.id not in seen:
        if current is node:
            return True
        seen.add(current.playlist.id)
        parent_id = current.playlist.parent_id
        current = nodes.get(parent_id) if parent_id is not None else None
    return False


def _write_nodes(
    xml: ElementWriter, roots: list[_Node], numbers: Mapping[ForeignId, int], counts: PlaylistCounts
) -> None:
    # A stack of iterators, not recursion: the depth of a tree is the user's affair.
    levels: list[Iterator[_Node]] = [iter(roots)]
    while levels:
        node = next(levels[-1], None)
        if node is None:
            levels.pop()
            if levels:
                xml.end()
        elif node.playlist.kind is PlaylistKind.FOLDER:
            attributes = [("Name", node.playlist.name), ("Type", "0"), ("Count", str(len(node.children)))]
            if node.children:
                xml.start("NODE", attributes)
                levels.append(iter(node.children))
            else:
                xml.empty("NODE", attributes)
        else:
            _write_playlist(xml, node.playlist, numbers, counts)


def _write_playlist(
    xml: ElementWriter, playlist: CollectionPlaylist, numbers: Mapping[ForeignId, int], counts: PlaylistCounts
) -> None:
    keys = [numbers[entry] for entry in playlist.entries if entry in numbers]
    counts.playlists += 1
    counts.entries += len(keys)
    counts.unknown_entries += len(playlist.entries) - len(keys)
    counts.rules += playlist.rule is not None
    attributes = [("Name", playlist.name), ("Type", "1"), ("KeyType", "0"), ("Entries", str(len(keys)))]
    if not keys:
        xml.empty("NODE", attributes)
        return
    xml.start("NODE", attributes)
    for key in keys:
        xml.empty("TRACK", [("Key", str(key))])
    xml.end()


class PlaylistIds:
    r"""Gives the nodes of a file, which have no ids of their own, ids that stay the same from export to export.

    An id is the path of names: ``Peak/2024/Techno``. A slash or backslash in a name has a backslash before it, and the
    second of two siblings with one name ends in ``\2``.
    """

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, name: str, *, parent_id: ForeignId | None) -> ForeignId:
        """Return the id of the next node of this name in its folder."""
        own = name.replace("\\", "\\\\").replace("/", "\\/")
        path = own if parent_id is None else f"{parent_id}/{own}"
        count = self._given[path] = self._given.get(path, 0) + 1
        return ForeignId(path if count == 1 else f"{path}\\{count}")


def folder_path(playlist: CollectionPlaylist, playlists: Iterable[CollectionPlaylist]) -> tuple[str, ...]:
    """Return the names of the folders around a playlist, the outermost first."""
    by_id = {each.id: each for each in playlists}
    names: list[str] = []
    seen = {playlist.id}
    parent_id = playlist.parent_id
    while parent_id is not None and parent_id in by_id and parent_id not in seen:
        seen.add(parent_id)
        names.append(by_id[parent_id].name)
        parent_id = by_id[parent_id].parent_id
    return tuple(reversed(names))
