"""Which track of the catalogue a row of the DJ's collection is.

By the row's own id first; else by the path it states, where no other living row holds that track; else it is new. Two
rows with one location stay two tracks, and only the first of them has the path.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, or_, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.bulk import update_rows
from cratehand.catalogue.keys import chunks, key_of
from cratehand.catalogue.merging import absorb_track
from cratehand.catalogue.paths import location_text, path_key
from cratehand.domain.collection import CollectionChange, CollectionTrack
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.stores import IdSource
from cratehand.domain.track import Presence

_tracks = schema.tracks.c
_MANY: Final = 2000
"""From so many rows on the whole table is read at once."""


@dataclass(slots=True)
class Holder:
    """What the catalogue knows of a track that a row may be."""

    track: int
    collection: str | None
    collection_id: str | None
    path_key: str | None
    location: str | None


@dataclass(slots=True)
class NewTrack:
    """A row that became a track of its own."""

    row: CollectionTrack
    track: int
    path: str | None
    path_key: str | None
    location: str | None


@dataclass(slots=True)
class Matches:
    """How the rows of one change were matched."""

    new: list[NewTrack] = field(default_factory=list)
    known: list[tuple[CollectionTrack, int]] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)
    """Known tracks whose path or row changed."""
    keys: dict[str, int] = field(default_factory=dict)
    """Track of every row in this change, by the row's id."""
    absorbed: set[int] = field(default_factory=set)


class CollectionMatcher:
    """Matches the rows of one change; writes the place of known tracks, leaves new ones to the caller."""

    def __init__(self, connection: Connection, change: CollectionChange, *, collection: str, ignore_case: bool) -> None:
        self._connection = connection
        self._change = change
        self._collection = collection
        self._ignore_case = ignore_case
        self._rows = {str(row.id): row for row in change.tracks}
        self._gone = {str(row_id) for row_id in change.deleted_tracks}
        self._by_row: dict[str, Holder] = {}
        self._by_path: dict[str, Holder] = {}
        self._matched: set[int] = set()
        self._places: dict[int, tuple[object, ...]] = {}
        self._matches = Matches()

    def match(self, new_id: IdSource) -> Matches:
        """Match every row; of two rows with one id the last one counts."""
        locations = {row_id: location_text(row.location) for row_id, row in self._rows.items()}
        paths = {
            row_id: None if text is None else path_key(text, ignore_case=self._ignore_case)
            for row_id, text in locations.items()
        }
        self._load(paths)
        self._leave_old_paths(locations, paths)
        for row_id, row in self._rows.items():
            key = self._known(row_id, locations[row_id], paths[row_id])
            if key is None:
                key = self._add(row, locations[row_id], paths[row_id], TrackId(new_id()))
            else:
                self._matches.known.append((row, key))
            self._matched.add(key)
            self._matches.keys[row_id] = key
        self._write_places()
        return self._matches

    def _leave_old_paths(self, locations: Mapping[str, str | None], paths: Mapping[str, str | None]) -> None:
        # All leave before anyone arrives, so that two rows may swap their files.
        for row_id, mine in self._by_row.items():
            if locations.get(row_id) not in (None, mine.location) and paths[row_id] != mine.path_key:
                self._by_path.pop(mine.path_key or "", None)

    def _known(self, row_id: str, location: str | None, path: str | None) -> int | None:
        held = None if path is None else self._by_path.get(path)
        mine = self._by_row.get(row_id)
        if mine is not None:
            if mine.collection is None:
                self._link(mine, row_id, mine.location)
            if location is not None and path is not None and (location != mine.location or mine.path_key is None):
                self._follow(mine, location, path, held)
            return mine.track
        if held is None or held.track in self._matched or self._lives(held):
            return None
        if held.collection_id is None or held.collection == self._collection:
            self._link(held, row_id, location)
        return held.track

    def _lives(self, held: Holder) -> bool:
        """Whether another row of this collection holds the track and is still there."""
        if held.collection_id is None or held.collection != self._collection:
            return False
        if held.collection_id in self._gone:
            return False
        return held.collection_id in self._rows or not self._change.full

    def _follow(self, mine: Holder, location: str, path: str, held: Holder | None) -> None:
        """Bring a known track to the location that its row states now."""
        if held is not None and held is not mine and not self._lives(held) and held.track not in self._matched:
            self._absorb(mine, held, location)
            return
        if held is None:
            mine.path_key = path
            self._by_path[path] = mine
            self._places[mine.track] = (mine.track, location, path, None, Presence.OFFLINE.value, location)
        elif location == mine.location:
            # Another row has this file, as it had before: nothing is new.
            return
        else:
            self._by_path.setdefault(mine.path_key or "", mine)
            self._state(mine, location)
        mine.location = location
        self._matches.moved.add(mine.track)

    def _state(self, mine: Holder, location: str) -> None:
        self._connection.execute(update(schema.tracks).where(_tracks.track == mine.track).values(location=location))

    def _absorb(self, mine: Holder, held: Holder, location: str) -> None:
        """The DJ's row now means a file that we keep as a track of its own: the two are one."""
        self._write_places()
        # Without a place of its own the keeper takes over that of the other.
        self._connection.execute(
            update(schema.tracks)
            .where(_tracks.track == mine.track)
            .values(path=None, path_key=None, stamp=None, presence=Presence.OFFLINE.value)
        )
        absorb_track(self._connection, mine.track, held.track)
        self._state(mine, location)
        mine.path_key, mine.location = held.path_key, location
        self._by_path[held.path_key or ""] = mine
        self._matches.absorbed.add(held.track)
        self._matches.moved.add(mine.track)

    def _link(self, held: Holder, row_id: str, location: str | None) -> None:
        self._connection.execute(
            update(schema.tracks)
            .where(_tracks.track == held.track)
            .values(collection=self._collection, collection_id=row_id, location=location)
        )
        held.collection, held.collection_id, held.location = self._collection, row_id, location
        self._by_row[row_id] = held
        self._matches.moved.add(held.track)

    def _add(self, row: CollectionTrack, location: str | None, path: str | None, track_id: TrackId) -> int:
        free = path is not None and path not in self._by_path
        track = NewTrack(
            row=row,
            track=key_of(track_id),
            path=location if free else None,
            path_key=path if free else None,
            location=location,
        )
        if path is not None and free:
            self._by_path[path] = Holder(track.track, self._collection, str(row.id), path, location)
        self._matches.new.append(track)
        return track.track

    def _write_places(self) -> None:
        columns = ("track", "path", "path_key", "stamp", "presence", "location")
        # Two tracks that swap their paths would meet half way.
        leaving = [(track, None) for track in self._places]
        update_rows(self._connection, schema.tracks, ("track", "path_key"), leaving)
        update_rows(self._connection, schema.tracks, columns, list(self._places.values()))
        self._places.clear()

    def _load(self, paths: dict[str, str | None]) -> None:
        wanted = [path for path in paths.values() if path is not None]
        if self._change.full or len(paths) > _MANY:
            self._take(or_(_tracks.collection_id.is_not(None), _tracks.path_key.is_not(None)))
            return
        for piece in chunks(paths):
            self._take(_tracks.collection_id.in_(piece))
        for path_piece in chunks(wanted):
            self._take(_tracks.path_key.in_(path_piece))

    def _take(self, condition: Any) -> None:
        columns = (_tracks.track, _tracks.collection, _tracks.collection_id, _tracks.path_key, _tracks.location)
        for row in self._connection.execute(select(*columns).where(condition)):
            holder = Holder(*row)
            if holder.path_key is not None:
                # A track may come twice, by its row and by its path, and has to be one object.
                holder = self._by_path.setdefault(holder.path_key, holder)
            # A row that somebody tied by hand names no collection; this one may take it over.
            if holder.collection_id is not None and holder.collection in (None, self._collection):
                self._by_row.setdefault(holder.collection_id, holder)


def rows_of_collection(connection: Connection, collection: str) -> dict[ForeignId, int]:
    """Load which track each row of a collection is."""
    query = select(_tracks.collection_id, _tracks.track).where(_tracks.collection == collection)
    return {ForeignId(row_id): track for row_id, track in connection.execute(query) if row_id is not None}


def leave_collection(connection: Connection, tracks: Iterable[int]) -> None:
    """Untie tracks from their rows; all that is known of them stays."""
    for piece in chunks(tracks):
        connection.execute(
            update(schema.tracks)
            .where(_tracks.track.in_(piece))
            .values(collection=None, collection_id=None, location=None)
        )


def find_rows(connection: Connection, collection: str, row_ids: Iterable[str]) -> dict[ForeignId, int]:
    """Find which tracks some rows of a collection are."""
    found: dict[ForeignId, int] = {}
    for piece in chunks(row_ids):
        query = select(_tracks.collection_id, _tracks.track).where(
            _tracks.collection == collection, _tracks.collection_id.in_(piece)
        )
        found |= {ForeignId(row_id): track for row_id, track in connection.execute(query) if row_id is not None}
    return found
