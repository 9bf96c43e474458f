"""Two tracks that turned out to be one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, delete, exists, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.believed import rebuild
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.removal import delete_tracks
from cratehand.catalogue.statements import add_provenance, insert_facts, load_statements
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.job import JobState
from cratehand.domain.provenance import Source, SourceKind
from cratehand.domain.track import Presence

_OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)


def absorb_track(connection: Connection, keeper: int, other: int) -> None:
    """Move all that is known of `other` to `keeper` and remove `other`; both are keys of tracks that exist."""
    if keeper == other:
        raise InvalidInputError("a track can not be merged into itself")
    _absorb_facts(connection, keeper, other)
    _absorb_cues(connection, keeper, other)
    _absorb_jobs(connection, keeper, other)
    for table in (schema.playlist_entries, schema.embeddings, schema.attributes, schema.places):
        _absorb_rows(connection, table, keeper, other)
    old = {row.track: row for row in connection.execute(_rows(schema.tracks, (keeper, other)))}
    delete_tracks(connection, [other])
    _note_merge(connection, keeper, other)
    _absorb_place(connection, old[keeper], old[other])
    rebuild(connection, [keeper])


def _note_merge(connection: Connection, keeper: int, other: int) -> None:
    """Remember what became of `other`: another device may still speak of it."""
    merges = schema.merges
    connection.execute(delete(merges).where(merges.c.track.in_([keeper, other])))
    connection.execute(merges.insert().values(track=other, into_track=keeper))


def _rows(table: Table, keys: Sequence[int]) -> Any:
    return select(table).where(table.c.track.in_(keys))


def _absorb_facts(connection: Connection, keeper: int, other: int) -> None:
    found = load_statements(connection, [keeper, other])
    mine = {(said.field, said.provenance): said for said in found.get(keeper, ())}
    moved: list[tuple[object, ...]] = []
    fresh: dict[int, int] = {}
    for said in found.get(other, ()):
        provenance, same = said.provenance, mine.get((said.field, said.provenance))
        if same is not None and (same.value, same.confidence) == (said.value, said.confidence):
            continue
        if same is not None:
            # One import spoke about both tracks in one breath; the second voice needs a provenance of its own.
            if provenance not in fresh:
                source = Source(kind=SourceKind(said.kind), name=said.name, version=said.version)
                fresh[provenance] = add_provenance(connection, source, at_s=said.at_s)
            provenance = fresh[provenance]
        moved.append((keeper, said.field, provenance, said.value, said.confidence))
    insert_facts(connection, moved)


def _absorb_cues(connection: Connection, keeper: int, other: int) -> None:
    table = schema.cues
    kept: dict[str, list[tuple[object, ...]]] = {}
    moved: list[tuple[object, ...]] = []
    names = [column.name for column in table.columns]
    rows = connection.execute(_rows(table, (keeper, other)).order_by(table.c.origin, table.c.position)).all()
    for row in sorted(rows, key=lambda row: bool(row.track != keeper)):
        cue = (row.kind, row.start_s, row.end_s, row.pad, row.label)
        of_origin = kept.setdefault(row.origin, [])
        if row.track == other and cue not in of_origin:
            position = max((old.position for old in rows if old.origin == row.origin), default=-1) + 1 + len(moved)
            values = {**row._mapping, "track": keeper, "position": position}
            moved.append(tuple(values[name] for name in names))
        of_origin.append(cue)
    insert_rows(connection, table, names, moved)


def _absorb_jobs(connection: Connection, keeper: int, other: int) -> None:
    jobs = schema.jobs
    both = connection.execute(_rows(jobs, (keeper, other)).where(jobs.c.state.in_(_OPEN))).all()
    for kind in {job.kind for job in both}:
        rivals = sorted((job for job in both if job.kind == kind), key=lambda job: job.state == JobState.QUEUED.value)
        # A job that runs goes on; the other one would do the same work again.
        for surplus in rivals[1:]:
            connection.execute(
                update(jobs)
                .where(jobs.c.number == surplus.number)
                .values(state=JobState.CANCELLED.value, finished_at_s=surplus.created_at_s, error="merged tracks")
            )
    connection.execute(update(jobs).where(jobs.c.track == other).values(track=keeper))


def _absorb_rows(connection: Connection, table: Table, keeper: int, other: int) -> None:
    moving = update(table).where(table.c.track == other).values(track=keeper)
    if table is schema.embeddings:
        has = select(table.c.space).where(table.c.track == keeper).scalar_subquery()
        moving = moving.where(table.c.space.not_in(has))
    if table is schema.places:
        there = select(table.c.device).where(table.c.track == keeper).scalar_subquery()
        moving = moving.where(table.c.device.not_in(there))
    if table is schema.attributes:
        moving = moving.where(~exists(select(table.c.track).where(table.c.track == keeper).correlate(None)))
    connection.execute(moving)


def _absorb_place(connection: Connection, keeper: Row[Any], other: Row[Any]) -> None:
    names: list[str] = []
    is_there = Presence.PRESENT.value
    if other.path is not None and (keeper.path is None or (other.presence == is_there != keeper.presence)):
        names += ["path", "path_key", "stamp", "presence", "error"]
        names += ["digest"] if other.digest is not None else []
        names += ["analysed_at_s"] if other.analysed_at_s is not None else []
    if keeper.collection_id is None:
        names += ["collection", "collection_id", "location"]
    values = {name: other._mapping[name] for name in names}
    values["added_at_s"] = min(keeper.added_at_s, other.added_at_s)
    connection.execute(update(schema.tracks).where(schema.tracks.c.track == keeper.track).values(values))
