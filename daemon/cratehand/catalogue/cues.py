"""The DJ's cues."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, Row, bindparam, delete, select

from cratehand.catalogue import schema
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.keys import chunks, find_key, id_of, keys_of
from cratehand.catalogue.schema import storable
from cratehand.catalogue.tracks import require_track
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.ids import TrackId

CUE_COLUMNS: Final = (
    "track", "origin", "position", "kind", "start_s", "end_s", "pad", "label", "colour", "active_loop", "foreign_id",
)  # fmt: skip

_OF_TRACK: Final = (
    select(schema.cues)
    .where(schema.cues.c.track == bindparam("key"))
    .order_by(schema.cues.c.origin, schema.cues.c.position)
)
"""Made once: making a statement takes longer than answering it."""

_PAD: Final = CUE_COLUMNS.index("pad")

CueRow = tuple[object, ...]

_KINDS: Final = {kind: kind.value for kind in CueKind}


class SqlCueStore:
    """`CueStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cues(self, track_id: TrackId) -> Sequence[Cue]:
        key = find_key(track_id)
        if key is None:
            return []
        rows = self._connection.execute(_OF_TRACK, {"key": key})
        return sorted((_cue(row) for row in rows), key=_on_pads_first)

    def of(self, track_ids: Sequence[TrackId]) -> Mapping[TrackId, Sequence[Cue]]:
        table = schema.cues
        found: dict[int, list[Cue]] = {}
        for piece in chunks(keys_of(track_ids)):
            query = select(table).where(table.c.track.in_(piece)).order_by(table.c.origin, table.c.position)
            for row in self._connection.execute(query):
                found.setdefault(row.track, []).append(_cue(row))
        return {id_of(key): sorted(cues, key=_on_pads_first) for key, cues in found.items()}

    def replace(self, track_id: TrackId, cues: Sequence[Cue], *, origin: str) -> None:
        """Set all cues of a track that come from one origin; raises `NotFoundError` for an unknown track."""
        key = require_track(self._connection, track_id)
        replace_cues(self._connection, {key: cue_rows(key, cues, origin=storable(origin))}, origin=storable(origin))


def cue_rows(key: int, cues: Iterable[Cue], *, origin: str) -> list[CueRow]:
    """Return rows of `CUE_COLUMNS`; a cue at no time at all is left out."""
    return [
        (
            key, origin, position, _KINDS[cue.kind], cue.start_s, cue.end_s, cue.pad, storable(cue.label),
            None if cue.colour is None else str(cue.colour), int(cue.active_loop),
            None if cue.foreign_id is None else storable(cue.foreign_id),
        )
        for position, cue in enumerate(cues)
        if math.isfinite(cue.start_s)
    ]  # fmt: skip


def insert_cues(connection: Connection, rows: Sequence[CueRow]) -> None:
    """Insert rows of tracks that have no cues of this origin yet."""
    # Cues on pads and others leave different columns empty, see `insert_rows`.
    on_pads = [row for row in rows if row[_PAD] is not None]
    insert_rows(connection, schema.cues, CUE_COLUMNS, on_pads)
    insert_rows(connection, schema.cues, CUE_COLUMNS, [row for row in rows if row[_PAD] is None])


def load_cue_rows(connection: Connection, keys: Sequence[int], *, origin: str) -> dict[int, list[CueRow]]:
    """Load the rows of one origin by track, each list in its order."""
    table = schema.cues
    found: dict[int, list[CueRow]] = {}
    for piece in chunks(keys):
        rows = connection.execute(
            select(*(table.c[name] for name in CUE_COLUMNS))
            .where(table.c.track.in_(piece), table.c.origin == origin)
            .order_by(table.c.track, table.c.position)
        )
        for row in rows:
            found.setdefault(row[0], []).append(tuple(row))
    return found


def replace_cues(connection: Connection, rows_by_track: dict[int, list[CueRow]], *, origin: str) -> None:
    """Set the rows of one origin for these tracks."""
    for piece in chunks(rows_by_track):
        connection.execute(delete(schema.cues).where(schema.cues.c.track.in_(piece), schema.cues.c.origin == origin))
    insert_cues(connection, [row for rows in rows_by_track.values() for row in rows])


def _cue(row: Row[tuple[object, ...]]) -> Cue:
    colour: str | None = row.colour
    return Cue(
        kind=CueKind(row.kind),
        start_s=row.start_s,
        end_s=row.end_s,
        pad=row.pad,
        label=row.label,
        colour=None if colour is None else Colour.of(colour),
        active_loop=bool(row.active_loop),
        foreign_id=row.foreign_id,
    )


def _on_pads_first(cue: Cue) -> tuple[bool, int, float]:
    if cue.kind is CueKind.HOT and cue.pad is not None:
        return False, cue.pad, cue.start_s
    return True, 0, cue.start_s
