"""The bulk way of the DJ's collection into the catalogue."""

import json
import logging
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, delete, not_, select

from cratehand.catalogue import schema
from cratehand.catalogue.believed import rebuild
from cratehand.catalogue.bulk import no_search_for_circles
from cratehand.catalogue.collection_facts import CollectionFacts
from cratehand.catalogue.collection_match import (
    CollectionMatcher,
    Matches,
    find_rows,
    leave_collection,
    rows_of_collection,
)
from cratehand.catalogue.collection_playlists import Owner, drop_entries, follow_playlists
from cratehand.catalogue.cues import cue_rows, insert_cues, load_cue_rows, replace_cues
from cratehand.catalogue.keys import chunks, id_of, keys_of
from cratehand.catalogue.restatements import load_restatements, restated_tracks, restated_value
from cratehand.catalogue.tracks import require_track
from cratehand.domain.collection import CollectionChange, CollectionTrack, ImportReport
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.provenance import Source, SourceKind
from cratehand.domain.stores import IdSource

_log = logging.getLogger(__name__)


class SqlCollectionStore:
    """`CollectionStore` on a connection inside a transaction.

    Args:
        connection: Where to read and write.
        ignore_case: Whether paths that differ in case only are one path.
    """

    def __init__(self, connection: Connection, *, ignore_case: bool) -> None:
        self._connection = connection
        self._ignore_case = ignore_case

    def apply(self, change: CollectionChange, *, source: Source, at_s: float, new_id: IdSource) -> ImportReport:
        """Bring one change into the catalogue.

        A row is matched by its id, else by its path (NFC and NFD are one), else it is a new track, OFFLINE until
        somebody saw its file. What the collection said before and says no longer is believed no longer; what left the
        collection stays in the catalogue with its facts.

        Returns:
            What was done. `cues` and `playlists` count what was written, which is nothing where all was known.
        """
        with no_search_for_circles(len(change.tracks)):
            return self._apply(change, source=source, at_s=at_s, new_id=new_id)

    def lacking(self, field: Field, *, kind: SourceKind) -> Sequence[TrackId]:
        tracks, facts, provenances = schema.tracks.c, schema.facts.c, schema.provenances.c
        stated = (
            select(facts.track)
            .join_from(schema.facts, schema.provenances)
            .where(facts.track == tracks.track, facts.field == field.value, provenances.kind == kind.value)
        )
        query = select(tracks.track).where(tracks.collection_id.is_not(None), not_(stated.exists()))
        return [id_of(key) for key in self._connection.scalars(query.order_by(tracks.track))]

    def attributes(self, track_ids: Sequence[TrackId]) -> Mapping[TrackId, Mapping[str, str]]:
        table = schema.attributes
        found: dict[TrackId, Mapping[str, str]] = {}
        for piece in chunks(keys_of(track_ids)):
            for key, text in self._connection.execute(select(table).where(table.c.track.in_(piece))):
                found[id_of(key)] = json.loads(text)
        return found

    def set_attributes(self, track_id: TrackId, attributes: Mapping[str, str]) -> None:
        """Keep what we do not interpret; raises `NotFoundError` for an unknown track."""
        key = require_track(self._connection, track_id)
        table = schema.attributes
        self._connection.execute(delete(table).where(table.c.track == key))
        if attributes:
            text = json.dumps(dict(attributes), ensure_ascii=True, separators=(",", ":"))
            self._connection.execute(table.insert().values(track=key, attributes=text))

    def restated(self, track_id: TrackId, values: Mapping[Field, object]) -> Mapping[Field, object]:
        found = keys_of([track_id])
        meant = load_restatements(self._connection, found)
        if not meant:
            return values
        told = {field: restated_value(field, value, meant.get(found[0], {})) for field, value in values.items()}
        return {field: value for field, value in told.items() if value is not None}

    def mark(self, source: Source) -> Mapping[str, object] | None:
        query = select(schema.marks.c.mark).where(schema.marks.c.collection == _name(source))
        text = self._connection.execute(query).scalar()
        if text is None:
            return None
        try:
            mark = json.loads(text)
        except ValueError:
            mark = None
        # Without a mark the collection is read anew, which mends whatever happened to it.
        return mark if isinstance(mark, dict) else None

    def _apply(self, change: CollectionChange, *, source: Source, at_s: float, new_id: IdSource) -> ImportReport:
        owner = Owner(collection=_name(source), origin=source.kind.value)
        matcher = CollectionMatcher(
            self._connection, change, collection=owner.collection, ignore_case=self._ignore_case
        )
        matches = matcher.match(new_id)
        matches.known = restated_tracks(self._connection, matches.known)
        facts = CollectionFacts(self._connection, source=source, at_s=at_s)
        facts.add(matches.new, collection=owner.collection, at_s=at_s)
        # The name of a file is searched in, so a new place counts like a new fact.
        rebuild(self._connection, sorted(matches.moved - matches.absorbed))
        changed = facts.update(matches.known) | matches.moved
        facts.finish()
        written, with_cues = self._cues(matches, origin=owner.origin)
        removed = self._gone(change, owner)
        lists = 0
        if change.playlists is not None:
            tracks = rows_of_collection(self._connection, owner.collection)
            tracks |= {ForeignId(row_id): key for row_id, key in matches.keys.items()}
            lists = follow_playlists(self._connection, change.playlists, owner=owner, tracks=tracks, new_id=new_id)
        self._set_mark(owner.collection, change.mark)
        return ImportReport(
            added=tuple(id_of(new.track) for new in matches.new),
            changed=tuple(id_of(key) for key in sorted((changed | with_cues) - matches.absorbed)),
            removed=tuple(id_of(key) for key in removed),
            cues=written,
            playlists=lists,
        )

    def _cues(self, matches: Matches, *, origin: str) -> tuple[int, set[int]]:
        for new in chunks(sorted(matches.new, key=lambda new: new.track), 1000):
            insert_cues(
                self._connection, [row for one in new for row in cue_rows(one.track, one.row.cues, origin=origin)]
            )
        written = sum(len(new.row.cues) for new in matches.new)
        changed: set[int] = set()
        for piece in chunks(matches.known):
            differing = self._differing_cues(piece, origin=origin)
            replace_cues(self._connection, differing, origin=origin)
            written += sum(map(len, differing.values()))
            changed |= differing.keys()
        return written, changed

    def _differing_cues(
        self, known: Sequence[tuple[CollectionTrack, int]], *, origin: str
    ) -> dict[int, list[tuple[object, ...]]]:
        old = load_cue_rows(self._connection, [key for _, key in known], origin=origin)
        stated = {key: cue_rows(key, row.cues, origin=origin) for row, key in known}
        return {key: rows for key, rows in stated.items() if rows != old.get(key, [])}

    def _gone(self, change: CollectionChange, owner: Owner) -> list[int]:
        """Untie the tracks whose rows are gone; return them."""
        if not change.full and not change.deleted_tracks:
            return []
        stated = {str(row.id) for row in change.tracks}
        deleted = {str(row_id) for row_id in change.deleted_tracks}
        if change.full:
            tied = rows_of_collection(self._connection, owner.collection)
        else:
            tied = find_rows(self._connection, owner.collection, deleted)
        gone = sorted(key for row_id, key in tied.items() if row_id not in stated)
        leave_collection(self._connection, gone)
        drop_entries(self._connection, gone, collection=owner.collection)
        return gone

    def _set_mark(self, collection: str, mark: Mapping[str, object]) -> None:
        self._connection.execute(delete(schema.marks).where(schema.marks.c.collection == collection))
        text = json.dumps(dict(mark), separators=(",", ":"))
        self._connection.execute(schema.marks.insert().values(collection=collection, mark=text))


def _name(source: Source) -> str:
    return f"{source.kind.value}/{source.name}"
