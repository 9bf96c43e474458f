"""``djmdPlaylist`` and ``djmdHistory`` rows → playlists and folders of the domain."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from typing import Final

from cratehand.domain.collection import CollectionPlaylist, PlaylistKind
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox.rows import (
    HISTORY,
    ID,
    OWNER,
    PLAYLIST,
    SONG_HISTORY,
    SONG_PLAYLIST,
    VALUES,
    Row,
    Table,
    live,
)

HISTORY_PREFIX: Final = "history:"
"""Before the ID of a history, since histories and playlists are numbered apart from each other."""

_FOLDER, _SMART = 1, 4
"""``Attribute`` of a folder and of a rule-based list; 0 is a plain list."""


def parse_playlists(rows: Mapping[Table, Iterable[Row]], tracks: Container[str]) -> list[CollectionPlaylist]:
    """Return all playlists, folders and play histories, parents before children, each level in its order.

    Args:
        rows: All rows of each table in `cratehand_bridges.rekordbox.rows.LISTS`.
        tracks: IDs of the tracks there are; entries that lead to none are left out.
    """
    entries = _entries(rows[SONG_PLAYLIST], tracks)
    played = _entries(rows[SONG_HISTORY], tracks)
    return [
        *_tree(_list(row, entries) for row in live(rows[PLAYLIST])),
        *_tree(_history(row, played) for row in live(rows[HISTORY])),
    ]


def _entries(rows: Iterable[Row], tracks: Container[str]) -> Mapping[str, tuple[ForeignId, ...]]:
    found: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for row in live(rows):
        if row[OWNER] in tracks:
            place = row[VALUES + 1]
            found[row[VALUES]].append((place if isinstance(place, int) else 0, row[ID], row[OWNER]))
    return {key: tuple(ForeignId(track) for _, _, track in sorted(places)) for key, places in found.items()}


def _list(row: Row, entries: Mapping[str, tuple[ForeignId, ...]]) -> CollectionPlaylist:
    name, position, attribute, parent, rule = row[VALUES:]
    if attribute == _FOLDER:
        kind = PlaylistKind.FOLDER
    else:
        kind = PlaylistKind.SMART if attribute == _SMART or rule else PlaylistKind.PLAYLIST
    return CollectionPlaylist(
        id=ForeignId(row[ID]),
        name=str(name or ""),
        kind=kind,
        parent_id=ForeignId(str(parent)) if parent else None,
        position=position if isinstance(position, int) else 0,
        entries=entries.get(row[ID], ()),
        rule=rule or None,
    )


def _history(row: Row, played: Mapping[str, tuple[ForeignId, ...]]) -> CollectionPlaylist:
    name, position, attribute, parent = row[VALUES:]
    return CollectionPlaylist(
        id=ForeignId(HISTORY_PREFIX + row[ID]),
        name=str(name or ""),
        kind=PlaylistKind.FOLDER if attribute == _FOLDER else PlaylistKind.HISTORY,
        parent_id=ForeignId(f"{HISTORY_PREFIX}{parent}") if parent else None,
        position=position if isinstance(position, int) else 0,
        entries=played.get(row[ID], ()),
    )


def _tree(lists: Iterable[CollectionPlaylist]) -> list[CollectionPlaylist]:
    """Order from the root down. A list whose parent is not there, or that is its own ancestor, hangs on the root."""
    known = {each.id: each for each in lists}
    children: defaultdict[ForeignId | None, list[CollectionPlaylist]] = defaultdict(list)
    for each in known.values():
        children[each.parent_id if each.parent_id in known else None].append(each)
    ordered: list[CollectionPlaylist] = []
    seen: set[ForeignId] = set()

    def descend(level: list[CollectionPlaylist], parent: ForeignId | None) -> None:
        waiting = [(each, parent) for each in sorted(level, key=_place)]
        while waiting:
            each, above = waiting.pop(0)
            if each.id in seen:
                continue
            seen.add(each.id)
            ordered.append(each if each.parent_id == above else _moved(each, above))
            waiting.extend((child, each.id) for child in sorted(children[each.id], key=_place))

    descend(children[None], None)
    for each in known.values():
        # What is left hangs in a circle; it is cut where we meet it.
        descend([each], None)
    return ordered


def _place(each: CollectionPlaylist) -> tuple[int, str]:
    return each.position, each.id


def _moved(each: CollectionPlaylist, parent: ForeignId | None) -> CollectionPlaylist:
    return CollectionPlaylist(
        id=each.id,
        name=each.name,
        kind=each.kind,
        parent_id=parent,
        position=each.position,
        entries=each.entries,
        rule=each.rule,
    )
