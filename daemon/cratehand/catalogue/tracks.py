"""Identity and place of tracks."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Update, and_, bindparam, case, exists, func, not_, or_, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.believed import COLUMNS, believed_row, rebuild
from cratehand.catalogue.bulk import insert_rows, no_search_for_circles
from cratehand.catalogue.keys import chunks, find_key, id_of, key_of, keys_of, prefix_range
from cratehand.catalogue.memory import remembered
from cratehand.catalogue.merging import absorb_track
from cratehand.catalogue.paths import ESCAPED_RANGE, is_escaped, key_range, name_of, path_key, path_of, text_of
from cratehand.catalogue.removal import delete_tracks
from cratehand.catalogue.schema import storable
from cratehand.catalogue.search import find_matching, find_page, load_summaries
from cratehand.catalogue.stamps import read_stamp, stamp_text
from cratehand.domain.errors import ConflictError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.folders import KnownFile
from cratehand.domain.ids import ContentDigest, ForeignId, TrackId
from cratehand.domain.job import JobKind, JobState
from cratehand.domain.provenance import SourceKind
from cratehand.domain.search import Page, TrackFilter, TrackQuery
from cratehand.domain.tempo import PERSONS_WEIGHT, GenreTempo
from cratehand.domain.track import FileStamp, Presence, Track, TrackSummary

_COLUMNS = (
    "track", "path", "path_key", "presence", "added_at_s", "stamp", "digest", "collection_id", "analysed_at_s", "error",
)  # fmt: skip
_GENRE_TRACKS: Final = 500
_tracks = schema.tracks.c
_PRESENCES = {presence.value: presence for presence in Presence}
# Statements that are asked for with every track are made once: making them takes longer than answering them.
_BY_KEY = select(schema.tracks).where(_tracks.track == bindparam("key"))
_BY_PATH = select(schema.tracks).where(_tracks.path_key == bindparam("path_key"))


class SqlTrackStore:
    """`TrackStore` on a connection inside a transaction.

    Args:
        connection: Where to read and write.
        ignore_case: Whether paths that differ in case only are one path.
    """

    def __init__(self, connection: Connection, *, ignore_case: bool) -> None:
        self._connection = connection
        self._ignore_case = ignore_case

    def add(self, tracks: Sequence[Track]) -> None:
        """Add tracks; a path that a missing or offline track still claims goes over to the new one.

        Raises:
            ConflictError: A path is taken by another present track, or an id is already known.
        """
        rows = [self._row(track) for track in tracks]
        self._free_paths({key: row[0] for row in rows if isinstance(key := row[2], str)}, among=rows)
        insert_rows(self._connection, schema.tracks, _COLUMNS, rows)
        texts = {key_of(track.id): _text(track.path) for track in tracks}
        insert_rows(
            self._connection,
            schema.believed,
            COLUMNS,
            [believed_row(key, {}, {}, path_text=text) for key, text in texts.items()],
        )

    def get(self, track_id: TrackId) -> Track | None:
        key = find_key(track_id)
        return None if key is None else self._one(_BY_KEY, {"key": key})

    def many(self, track_ids: Sequence[TrackId]) -> Mapping[TrackId, Track]:
        found = [track for piece in chunks(keys_of(track_ids)) for track in self._all(_tracks.track.in_(piece))]
        return {track.id: track for track in found}

    def by_path(self, path: Path) -> Track | None:
        return self._one(_BY_PATH, {"path_key": self._key(path)})

    def by_digest(self, digest: ContentDigest) -> Sequence[Track]:
        return self._all(_tracks.digest == digest)

    def by_collection_id(self, collection_id: ForeignId) -> Track | None:
        return self._first(_tracks.collection_id == collection_id)

    def by_id_prefix(self, prefix: str) -> Sequence[TrackId]:
        limits = prefix_range(prefix)
        if limits is None:
            return []
        query = select(_tracks.track).where(_tracks.track.between(*limits)).order_by(_tracks.track).limit(10)
        return [id_of(key) for key in self._connection.scalars(query)]

    def place(self, track_id: TrackId, *, path: Path, stamp: FileStamp | None, presence: Presence) -> None:
        """Set where the file of a track is and how it looks.

        Raises:
            NotFoundError: No such track.
            ConflictError: Another present track has this path.
        """
        key, text, place = key_of(track_id), text_of(path), self._key(path)
        old = self._first(_tracks.track == key)
        if old is None:
            raise _unknown(track_id)
        self._free_paths({place: key})
        self._update(
            track_id,
            update(schema.tracks).values(path=text, path_key=place, stamp=stamp_text(stamp), presence=presence.value),
        )
        if old.path is None or old.path.name != path.name:
            rebuild(self._connection, [key])

    def set_presence(self, track_ids: Sequence[TrackId], presence: Presence) -> None:
        for piece in chunks(keys_of(track_ids)):
            self._connection.execute(
                update(schema.tracks).where(_tracks.track.in_(piece)).values(presence=presence.value)
            )

    def set_reading(
        self,
        track_id: TrackId,
        *,
        stamp: FileStamp | None,
        digest: ContentDigest | None,
        analysed_at_s: float | None,
        error: str | None,
    ) -> None:
        """Keep what reading the file gave; raises `NotFoundError` for an unknown track."""
        values: dict[str, object] = {"stamp": stamp_text(stamp), "error": error}
        if digest is not None:
            values["digest"] = digest
        if analysed_at_s is not None:
            values["analysed_at_s"] = analysed_at_s
        self._update(track_id, update(schema.tracks).values(values))

    def set_collection_id(self, track_id: TrackId, collection_id: ForeignId | None) -> None:
        """Tie a track to a row of the DJ's collection; raises `NotFoundError`, or `ConflictError` where it is taken."""
        values: dict[str, object] = {"collection_id": collection_id}
        if collection_id is None:
            values |= {"collection": None, "location": None}
        elif (holder := self.by_collection_id(collection_id)) is not None and holder.id != track_id:
            raise ConflictError(f"row {collection_id} of the collection already belongs to track {holder.id}")
        self._update(track_id, update(schema.tracks).values(values))

    def remove(self, track_ids: Sequence[TrackId]) -> None:
        delete_tracks(self._connection, keys_of(track_ids))

    def absorb(self, keeper: TrackId, other: TrackId) -> None:
        """Move all that is known of `other` to `keeper`, then remove `other`.

        A statement, cue, vector or open job that the keeper has already stays the keeper's. The file and the collection
        row of `other` go over where the keeper has none.

        Raises:
            NotFoundError: One of them does not exist.
        """
        absorb_track(self._connection, require_track(self._connection, keeper), require_track(self._connection, other))

    def known_files(self, *, under: Path | None = None) -> Sequence[KnownFile]:
        query = select(_tracks.track, _tracks.path, _tracks.stamp, _tracks.presence).where(_tracks.path.is_not(None))
        if under is not None:
            first, end = key_range(self._key(under))
            inside = and_(_tracks.path_key >= first, _tracks.path_key < end)
            # A range, not LIKE, which would look at every path there is.
            escaped = and_(_tracks.path_key >= ESCAPED_RANGE[0], _tracks.path_key < ESCAPED_RANGE[1])
            query = query.where(or_(inside, escaped))
        rows = self._connection.execute(query).all()
        with no_search_for_circles(len(rows)):
            return [
                file
                for row in rows
                for file in [_known_file(*row)]
                if under is None or not is_escaped(row[1]) or file.path.is_relative_to(under)
            ]

    def known_alike(self, stamps: Collection[FileStamp]) -> Sequence[KnownFile]:
        wanted = {(str(stamp.size_bytes), str(stamp.mtime_ns)) for stamp in stamps}
        if not wanted:
            return []
        stamped = select(_tracks.track, _tracks.stamp).where(_tracks.stamp.is_not(None), _tracks.path.is_not(None))
        keys = [row[0] for row in self._connection.execute(stamped) if tuple(row[1].split(" ", 2)[:2]) in wanted]
        query = select(_tracks.track, _tracks.path, _tracks.stamp, _tracks.presence)
        return [
            _known_file(*row)
            for piece in chunks(keys)
            for row in self._connection.execute(query.where(_tracks.track.in_(piece)))
        ]

    def unread(self) -> Sequence[TrackId]:
        jobs = schema.jobs.c
        never_read = and_(_tracks.analysed_at_s.is_(None), _tracks.error.is_(None))
        waiting = exists().where(
            jobs.track == _tracks.track,
            jobs.kind == JobKind.ANALYSE.value,
            jobs.state.in_([JobState.QUEUED.value, JobState.RUNNING.value]),
        )
        query = select(_tracks.track).where(
            _tracks.presence == Presence.PRESENT.value,
            _tracks.path.is_not(None),
            or_(_tracks.stamp.is_(None), never_read),
            not_(waiting),
        )
        return [id_of(key) for key in self._connection.scalars(query.order_by(_tracks.added_at_s, _tracks.track))]

    def has_missing_with_digest(self) -> bool:
        lost = and_(_tracks.presence == Presence.MISSING.value, _tracks.digest.is_not(None))
        return self._connection.execute(select(_tracks.track).where(lost).limit(1)).first() is not None

    def summary(self, track_id: TrackId) -> TrackSummary | None:
        return next(iter(self.summaries([track_id])), None)

    def summaries(self, track_ids: Sequence[TrackId]) -> Sequence[TrackSummary]:
        return load_summaries(self._connection, keys_of(track_ids))

    def query(self, query: TrackQuery) -> Page[TrackSummary]:
        """Answer a question; raises `InvalidInputError` for a negative limit or offset."""
        return find_page(self._connection, query)

    def genre_tempos(self, track_id: TrackId) -> Mapping[TrackId, GenreTempo]:
        mine, others = schema.believed.alias(), schema.believed.c
        facts, provenances = schema.facts.c, schema.provenances.c
        by_person = (
            select(facts.track)
            .join_from(schema.facts, schema.provenances)
            .where(facts.field == Field.TEMPO_BPM.value, provenances.kind == SourceKind.PERSON.value)
        )
        query = (
            select(others.track, others.tempo_bpm, others.tempo_confidence, others.track.in_(by_person))
            .join(mine, mine.c.genre_folded == others.genre_folded)
            .where(mine.c.track == find_key(track_id), others.track != mine.c.track, others.tempo_bpm > 0.0)
            .limit(_GENRE_TRACKS)
        )
        return {
            id_of(key): GenreTempo(tempo_bpm=tempo_bpm, weight=PERSONS_WEIGHT if is_persons else confidence or 0.0)
            for key, tempo_bpm, confidence, is_persons in self._connection.execute(query)
        }

    def genres(self) -> Sequence[str]:
        return remembered(self._connection, "genres", self._count_genres)

    def _count_genres(self) -> Sequence[str]:
        genre = schema.believed.c.genre
        query = select(genre).where(genre.is_not(None), genre != "").group_by(genre)
        return list(self._connection.scalars(query.order_by(func.count().desc(), genre)))

    def matching_ids(self, track_filter: TrackFilter) -> Sequence[TrackId]:
        return find_matching(self._connection, track_filter)

    def counts(self) -> Mapping[str, int]:
        def count(condition: Any) -> Any:
            return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

        row = self._connection.execute(
            select(
                func.count().label("total"),
                *(count(_tracks.presence == presence.value).label(presence.value) for presence in Presence),
                count(_tracks.analysed_at_s.is_not(None)).label("analysed"),
                count(_tracks.error.is_not(None)).label("failed"),
            ).select_from(schema.tracks)
        ).one()
        return {name: int(number) for name, number in row._mapping.items()}

    def _key(self, path: Path) -> str:
        return path_key(text_of(path), ignore_case=self._ignore_case)

    def _row(self, track: Track) -> tuple[object, ...]:
        return (
            key_of(track.id), _text(track.path), None if track.path is None else self._key(track.path),
            track.presence.value, track.added_at_s, stamp_text(track.stamp), track.digest, track.collection_id,
            track.analysed_at_s, None if track.error is None else storable(track.error),
        )  # fmt: skip

    def _free_paths(self, wanted: Mapping[str, object], *, among: Sequence[tuple[object, ...]] = ()) -> None:
        """Take these paths from tracks that are not there; raise `ConflictError` where one is."""
        if len(wanted) < sum(row[2] is not None for row in among):
            raise ConflictError("two of the new tracks have the same path")
        for piece in chunks(wanted):
            for holder in self._all(_tracks.path_key.in_(piece)):
                key = key_of(holder.id)
                if holder.path is None or wanted[self._key(holder.path)] == key:
                    continue
                if holder.presence is Presence.PRESENT:
                    raise ConflictError(f"{holder.path} already belongs to track {holder.id}")
                self._update(holder.id, update(schema.tracks).values(path=None, path_key=None, stamp=None))
                rebuild(self._connection, [key])

    def _one(self, statement: Select[Any], values: Mapping[str, object]) -> Track | None:
        row = self._connection.execute(statement, dict(values)).first()
        return None if row is None else _track(row)

    def _first(self, condition: Any) -> Track | None:
        return next(self._found(condition), None)

    def _all(self, condition: Any) -> list[Track]:
        return list(self._found(condition))

    def _found(self, condition: Any) -> Iterator[Track]:
        rows = self._connection.execute(select(schema.tracks).where(condition).order_by(_tracks.track)).all()
        return map(_track, rows)

    def _update(self, track_id: TrackId, statement: Update) -> None:
        if self._connection.execute(statement.where(_tracks.track == key_of(track_id))).rowcount == 0:
            raise _unknown(track_id)


def require_track(connection: Connection, track_id: TrackId) -> int:
    """Return the key of a track that exists; raises `NotFoundError`."""
    key = key_of(track_id)
    if connection.execute(select(_tracks.track).where(_tracks.track == key)).first() is None:
        raise _unknown(track_id)
    return key


def _unknown(track_id: TrackId) -> NotFoundError:
    return NotFoundError(f"no track {track_id} in the catalogue; it may have been removed or merged into another")


def _track(row: Row[Any]) -> Track:
    return Track(
        id=id_of(row.track),
        path=None if row.path is None else path_of(row.path),
        presence=Presence(row.presence),
        added_at_s=row.added_at_s,
        stamp=read_stamp(row.stamp),
        digest=row.digest,
        collection_id=row.collection_id,
        analysed_at_s=row.analysed_at_s,
        error=row.error,
    )


def _known_file(key: int, text: str, stamp: str | None, presence: str) -> KnownFile:
    return KnownFile(track_id=id_of(key), name=name_of(text), stamp=read_stamp(stamp), presence=_PRESENCES[presence])


def _text(path: Path | None) -> str | None:
    return None if path is None else text_of(path)
