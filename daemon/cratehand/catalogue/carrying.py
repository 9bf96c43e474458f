"""A track goes over to another file, and back: every row that follows from the file, before and after.

What `carry_over` returns is JSON-able and holds all that `carry_back` needs. What changed since by other hands stays:
a cue that was set in the new file moves back by the same offset, a word of a person stands.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.believed import rebuild
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.cues import CUE_COLUMNS, insert_cues
from cratehand.catalogue.fact_text import TAKEN_BACK, fact_text, parse_fact
from cratehand.catalogue.paths import path_key, text_of
from cratehand.catalogue.removal import delete_tracks
from cratehand.catalogue.restatements import Restatements
from cratehand.catalogue.stamps import stamp_text
from cratehand.catalogue.statements import insert_facts, load_statements
from cratehand.catalogue.tracks import require_track
from cratehand.domain.errors import ConflictError
from cratehand.domain.fields import AUDIO_FEATURE_FIELDS, Field
from cratehand.domain.ids import ContentDigest, TrackId
from cratehand.domain.provenance import SourceKind
from cratehand.domain.time_shift import SHIFTED_FIELDS, shifted_time_s, shifted_value
from cratehand.domain.track import FileStamp, Presence

_OF_FILE: Final = frozenset({SourceKind.ANALYSIS.value, SourceKind.TAGS.value, SourceKind.FILE_NAME.value})
"""Who speaks in a reading of a file."""
_OLD_SOUND: Final = frozenset(
    field.value
    for field in {
        Field.LOUDNESS, Field.WAVEFORM, Field.FINGERPRINT, Field.QUALITY, Field.DURATION_S, Field.SAMPLE_RATE_HZ,
        Field.BIT_RATE_KBPS, Field.BIT_DEPTH, Field.CHANNELS, Field.FILE_SIZE_BYTES, Field.CODEC,
        *AUDIO_FEATURE_FIELDS,
    }
)  # fmt: skip
"""Fields that are true of the old file only, whoever measured them."""
_SHIFTED: Final = frozenset(field.value for field in SHIFTED_FIELDS)
_PLACE: Final = ("path", "path_key", "presence", "stamp", "digest", "analysed_at_s", "error")
_START, _END, _PAD, _KIND, _ORIGIN = (CUE_COLUMNS.index(name) for name in ("start_s", "end_s", "pad", "kind", "origin"))

Record = dict[str, Any]


class SqlCarryStore:
    """`CarryStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection, *, ignore_case: bool) -> None:
        self._connection = connection
        self._ignore_case = ignore_case

    def carry_over(
        self, track_id: TrackId, *, path: Path, stamp: FileStamp, digest: ContentDigest, offset_s: float | None
    ) -> Record:
        """Point a track at another file; None as offset means the same sound with other tags.

        Raises:
            NotFoundError: No such track.
            ConflictError: Another present track has the path.
        """
        key = require_track(self._connection, track_id)
        record: Record = {"offset_s": offset_s, "place": self._place(key), "cues": [], "changed": []}
        record["of_file"] = [
            [said.field, said.provenance, said.value, said.confidence]
            for said in load_statements(self._connection, [key]).get(key, ())
            if said.kind in _OF_FILE
        ]
        moved = {"path": text_of(path), "path_key": self._key(path), "presence": Presence.PRESENT.value, "error": None}
        self._free(key, str(moved["path_key"]))
        if offset_s is None:
            # Unread, so that the tags are read anew; the digest says that the sound is known.
            self._set_place(key, {**moved, "stamp": None})
        else:
            restated = Restatements(self._connection, key)
            record["restatements"] = restated.rows()
            record["vectors"] = self._take_vectors(key)
            record["cues"] = self._shift_cues(key, offset_s, restated)
            record["changed"] = self._shift_facts(key, offset_s, restated)
            restated.write()
            values = {"stamp": stamp_text(stamp), "digest": digest, "analysed_at_s": None}
            self._set_place(key, {**moved, **values})
        rebuild(self._connection, [key])
        return record

    def carry_back(self, track_id: TrackId, record: Mapping[str, Any], *, stamp: FileStamp) -> None:
        """Bring everything back as it was before `carry_over`; the stamp is that of the file as it lies there now.

        Raises:
            NotFoundError: The track is gone.
            ConflictError: Another present track has the old path.
        """
        key = require_track(self._connection, track_id)
        place = dict(record["place"])
        self._free(key, place["path_key"])
        if place["stamp"] is not None:
            place["stamp"] = stamp_text(stamp)
        self._set_place(key, place)
        self._put_back_reading(key, record["of_file"])
        if (offset_s := record["offset_s"]) is not None:
            self._put_back_vectors(key, record["vectors"])
            self._put_back_cues(key, record["cues"], offset_s)
            self._put_back_facts(key, record["changed"], offset_s)
            Restatements(self._connection, key).replace(record["restatements"])
        rebuild(self._connection, [key])

    def take_out(self, track_id: TrackId) -> Record:
        """Remove a track and return all its rows."""
        key = require_track(self._connection, track_id)
        record: Record = {}
        for table in _ALL_OF_A_TRACK:
            rows = self._connection.execute(select(table).where(table.c.track == key)).all()
            record[table.name] = [{name: _plain(value) for name, value in row._mapping.items()} for row in rows]
        delete_tracks(self._connection, [key])
        return record

    def put_back(self, record: Mapping[str, Any]) -> None:
        """Add a track again with all its rows; raises `ConflictError` where its path is taken."""
        (track,) = record["tracks"]
        if track["path_key"] is not None:
            self._free(track["track"], track["path_key"])
        for table in _ALL_OF_A_TRACK:
            rows = [{name: _unplain(value) for name, value in row.items()} for row in record[table.name]]
            if table is schema.playlist_entries:
                rows = self._still_free_entries(rows)
            if rows:
                self._connection.execute(table.insert(), rows)
        rebuild(self._connection, [track["track"]])

    # --- place --------------------------------------------------------------------------------------------------

    def _key(self, path: Path) -> str:
        return path_key(text_of(path), ignore_case=self._ignore_case)

    def _place(self, key: int) -> Record:
        columns = [schema.tracks.c[name] for name in _PLACE]
        row = self._connection.execute(select(*columns).where(schema.tracks.c.track == key)).one()
        return dict(row._mapping)

    def _set_place(self, key: int, values: Mapping[str, object]) -> None:
        self._connection.execute(update(schema.tracks).where(schema.tracks.c.track == key).values(dict(values)))

    def _free(self, key: int, place: str | None) -> None:
        tracks = schema.tracks.c
        query = select(tracks.track, tracks.presence, tracks.path).where(tracks.path_key == place, tracks.track != key)
        for holder in self._connection.execute(query).all():
            if holder.presence == Presence.PRESENT.value:
                raise ConflictError(f"{holder.path} belongs to another track by now")
            self._set_place(holder.track, {"path": None, "path_key": None, "stamp": None})
            rebuild(self._connection, [holder.track])

    # --- cues ---------------------------------------------------------------------------------------------------

    def _cue_rows(self, key: int) -> list[tuple[Any, ...]]:
        table = schema.cues
        query = select(*(table.c[name] for name in CUE_COLUMNS)).where(table.c.track == key)
        return [_plain_cue(row) for row in self._connection.execute(query.order_by(table.c.origin, table.c.position))]

    def _shift_cues(self, key: int, offset_s: float, restated: Restatements) -> list[list[Any]]:
        before = self._cue_rows(key)
        after = [_moved_cue(row, offset_s) for row in before]
        for old, new in zip(before, after, strict=True):
            restated.cue(old[_KIND], old[_PAD], (old[_START], old[_END]), (new[_START], new[_END]))
        self._replace_cues(key, after)
        return [[list(old), list(new)] for old, new in zip(before, after, strict=True)]

    def _put_back_cues(self, key: int, moved: Sequence[Sequence[Any]], offset_s: float) -> None:
        waiting: dict[tuple[Any, ...], list[Sequence[Any]]] = {}
        for old, new in moved:
            waiting.setdefault(_cue_place(new), []).append(old)
        rows = []
        for row in self._cue_rows(key):
            if known := waiting.get(_cue_place(row)):
                old = known.pop(0)
                times = {_START: old[_START], _END: old[_END]}
                rows.append(tuple(times.get(index, value) for index, value in enumerate(row)))
            else:
                rows.append(_moved_cue(row, -offset_s))
        self._replace_cues(key, rows)

    def _replace_cues(self, key: int, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection.execute(delete(schema.cues).where(schema.cues.c.track == key))
        insert_cues(self._connection, rows)

    # --- facts --------------------------------------------------------------------------------------------------

    def _shift_facts(self, key: int, offset_s: float, restated: Restatements) -> list[list[Any]]:
        """Move or drop statements; return field, provenance, value, confidence and the new value of the others'."""
        changed: list[list[Any]] = []
        for said in load_statements(self._connection, [key]).get(key, ()):
            if said.value == TAKEN_BACK:
                continue
            if said.field in _OLD_SOUND and said.kind in {*_OF_FILE, SourceKind.REKORDBOX.value}:
                new = None
            elif said.field in _SHIFTED:
                new = _moved_value(said.field, said.value, offset_s)
            else:
                continue
            self._set_fact(key, said.field, said.provenance, new)
            if said.kind not in _OF_FILE:
                changed.append([said.field, said.provenance, said.value, said.confidence, new])
            if said.kind == SourceKind.REKORDBOX.value:
                restated.fact(said.field, said.value, new)
        return changed

    def _set_fact(self, key: int, field: str, provenance: int, value: str | None) -> None:
        facts = schema.facts.c
        mine = (facts.track == key) & (facts.field == field) & (facts.provenance == provenance)
        if value is None:
            self._connection.execute(delete(schema.facts).where(mine))
        else:
            self._connection.execute(update(schema.facts).where(mine).values(value=value))

    def _put_back_reading(self, key: int, rows: Sequence[Sequence[Any]]) -> None:
        for said in load_statements(self._connection, [key]).get(key, ()):
            if said.kind in _OF_FILE:
                self._set_fact(key, said.field, said.provenance, None)
        insert_facts(self._connection, [(key, *row) for row in rows])

    def _put_back_facts(self, key: int, changed: Sequence[Sequence[Any]], offset_s: float) -> None:
        known = {(field, provenance) for field, provenance, *_ in changed}
        for said in load_statements(self._connection, [key]).get(key, ()):
            is_later = (said.field, said.provenance) not in known and said.kind not in _OF_FILE
            if is_later and said.field in _SHIFTED and said.value != TAKEN_BACK:
                value = _moved_value(said.field, said.value, -offset_s)
                self._set_fact(key, said.field, said.provenance, value)
        for field, provenance, value, confidence, _ in changed:
            self._set_fact(key, field, provenance, None)
            insert_facts(self._connection, [(key, field, provenance, value, confidence)])

    # --- vectors ------------------------------------------------------------------------------------------------

    def _take_vectors(self, key: int) -> list[list[Any]]:
        table = schema.embeddings
        rows = self._connection.execute(select(table.c.space, table.c.vector).where(table.c.track == key)).all()
        self._connection.execute(delete(table).where(table.c.track == key))
        return [[row.space, base64.b64encode(row.vector).decode("ascii")] for row in rows]

    def _put_back_vectors(self, key: int, rows: Sequence[Sequence[Any]]) -> None:
        self._connection.execute(delete(schema.embeddings).where(schema.embeddings.c.track == key))
        packed = [(space, key, base64.b64decode(vector)) for space, vector in rows]
        insert_rows(self._connection, schema.embeddings, ("space", "track", "vector"), packed)

    def _still_free_entries(self, rows: Sequence[Record]) -> list[Record]:
        """Leave out entries whose playlist is gone or whose place is taken by now."""
        lists = set(self._connection.scalars(select(schema.playlists.c.playlist)))
        entries = schema.playlist_entries.c
        taken = {tuple(row) for row in self._connection.execute(select(entries.playlist, entries.position))}
        return [row for row in rows if row["playlist"] in lists and (row["playlist"], row["position"]) not in taken]


_ALL_OF_A_TRACK: Final = (
    schema.tracks, schema.believed, schema.facts, schema.cues, schema.playlist_entries, schema.embeddings,
    schema.attributes, schema.restatements,
)  # fmt: skip


def _plain(value: object) -> object:
    return {"base64": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def _unplain(value: Any) -> object:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def _plain_cue(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(int(value) if isinstance(value, bool) else value for value in row)


def _moved_cue(row: tuple[Any, ...], offset_s: float) -> tuple[Any, ...]:
    end_s = None if row[_END] is None else shifted_time_s(row[_END], offset_s)
    times = {_START: shifted_time_s(row[_START], offset_s), _END: end_s}
    return tuple(times.get(index, value) for index, value in enumerate(row))


def _cue_place(row: Sequence[Any]) -> tuple[Any, ...]:
    return row[_ORIGIN], row[_KIND], row[_PAD], row[_START], row[_END]


def _moved_value(name: str, text: str, offset_s: float) -> str:
    field = Field(name)
    return fact_text(field, shifted_value(parse_fact(field, text), offset_s))
