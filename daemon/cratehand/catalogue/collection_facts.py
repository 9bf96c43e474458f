"""What the DJ's collection says of its tracks, as facts."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, select

from cratehand.catalogue import schema
from cratehand.catalogue.believed import COLUMNS, SHOWN_FIELDS, believed_row, rebuild
from cratehand.catalogue.bulk import indexes_later, insert_rows
from cratehand.catalogue.collection_match import NewTrack
from cratehand.catalogue.fact_text import TAKEN_BACK, fact_text
from cratehand.catalogue.keys import chunks
from cratehand.catalogue.statements import (
    FIELD_TEXT,
    FactsOfTrack,
    add_provenance,
    insert_facts,
    insert_facts_of_tracks,
)
from cratehand.domain.collection import CollectionTrack
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import MEASURED_FIELDS, Field
from cratehand.domain.provenance import Source
from cratehand.domain.track import Presence

_log = logging.getLogger(__name__)

_LOCKED: Final = "locked"
_TICK_S: Final = 0.001
_TRACK_COLUMNS: Final = (
    "track", "path", "path_key", "presence", "added_at_s", "collection", "collection_id", "location",
)  # fmt: skip
_SURE: Final[Mapping[Field, float]] = {}
_MEASURED: Final = frozenset(field.value for field in MEASURED_FIELDS)
_SHOWN: Final = frozenset(field.value for field in SHOWN_FIELDS)

FactRow = tuple[object, ...]


class CollectionFacts:
    """Writes the facts of one change; all of them share one provenance, or one for what the DJ locked.

    Args:
        connection: Inside a write transaction.
        source: Who speaks.
        at_s: When. Moved behind the source's last statement where the clock went back, since the later one counts.
    """

    def __init__(self, connection: Connection, *, source: Source, at_s: float) -> None:
        self._connection = connection
        self._source = source
        self._locked = Source(kind=source.kind, name=f"{source.name} {_LOCKED}".strip(), version=source.version)
        self._at_s = self._after_the_last(at_s)
        self._provenances: dict[Source, int] = {}

    def add(self, tracks: Sequence[NewTrack], *, collection: str, at_s: float) -> None:
        """Add new tracks with all that is said of them."""
        with indexes_later(self._connection, schema.believed, coming=len(tracks)):
            # In the order of the keys each table grows at its end, which is several times faster.
            for piece in chunks(sorted(tracks, key=lambda new: new.track), 1000):
                self._add_piece(piece, collection=collection, at_s=at_s)

    def _add_piece(self, tracks: Sequence[NewTrack], *, collection: str, at_s: float) -> None:
        facts: list[FactsOfTrack] = []
        believed: list[FactRow] = []
        places: list[FactRow] = []
        offline = Presence.OFFLINE.value
        for new in tracks:
            values: dict[Field, object] = {}
            facts.append(self._facts(new.track, new.row, values))
            believed.append(believed_row(new.track, values, _SURE, path_text=new.path))
            places.append((new.track, new.path, new.path_key, offline, at_s, collection, str(new.row.id), new.location))
        insert_rows(self._connection, schema.tracks, _TRACK_COLUMNS, places)
        insert_facts_of_tracks(self._connection, facts)
        insert_rows(self._connection, schema.believed, COLUMNS, believed)

    def update(self, known: Sequence[tuple[CollectionTrack, int]]) -> set[int]:
        """Record what differs from what this source said last; return the tracks of which something does."""
        changed: set[int] = set()
        for piece in chunks(known):
            latest = self._latest([key for _, key in piece])
            rows = [row for track, key in piece for row in self._differences(key, track, latest.get(key, {}))]
            insert_facts(self._connection, rows)
            changed |= {int(str(row[0])) for row in rows}
            rebuild(self._connection, sorted({int(str(row[0])) for row in rows if row[1] in _SHOWN}))
        return changed

    def _facts(self, key: int, track: CollectionTrack, taken: dict[Field, object]) -> FactsOfTrack:
        """Return what is said of a track, and keep the values that were fit for a fact in `taken`."""
        free = self._provenance(self._source)
        locked = self._provenance(self._locked) if track.grid_locked else free
        shape: list[tuple[str, int]] = []
        texts: list[str] = []
        for field, value in track.values.items():
            if not value and (value is None or value == ""):
                continue
            try:
                texts.append(fact_text(field, value))
            except InvalidInputError as error:
                _log.warning("left out of track %s in the collection: %s", track.id, error)
                continue
            taken[field] = value
            shape.append((FIELD_TEXT[field], locked if field in MEASURED_FIELDS else free))
        return FactsOfTrack(key, tuple(shape), texts)

    def _differences(self, key: int, track: CollectionTrack, latest: dict[tuple[str, str], str]) -> Iterator[FactRow]:
        said: set[tuple[str, str]] = set()
        for row in self._facts(key, track, {}).rows():
            field = str(row[1])
            speaker = (self._locked if track.grid_locked and field in _MEASURED else self._source).name
            said.add((field, speaker))
            if latest.get((field, speaker)) != row[3]:
                yield row
        for (field, speaker), text in latest.items():
            if text != TAKEN_BACK and (field, speaker) not in said and not self._is_echo(field, speaker, said):
                source = self._source if speaker == self._source.name else self._locked
                yield key, field, self._provenance(source), TAKEN_BACK, 1.0

    def _is_echo(self, field: str, speaker: str, said: set[tuple[str, str]]) -> bool:
        """Whether this is what the program said before the DJ locked it; that stays, the locked word outweighs it."""
        return speaker == self._source.name and (field, self._locked.name) in said

    def _latest(self, keys: Sequence[int]) -> dict[int, dict[tuple[str, str], str]]:
        """Load the latest statement of this source on each field, whatever its version, by track, field and name."""
        facts, provenances = schema.facts.c, schema.provenances.c
        rows = self._connection.execute(
            select(facts.track, facts.field, provenances.name, facts.value, provenances.at_s, facts.provenance)
            .join_from(schema.facts, schema.provenances)
            .where(
                facts.track.in_(keys),
                provenances.kind == self._source.kind.value,
                provenances.name.in_([self._source.name, self._locked.name]),
            )
        ).all()
        latest: dict[int, dict[tuple[str, str], str]] = {}
        for track, field, name, value, _, _ in sorted(rows, key=lambda row: (row[4], row[5])):
            latest.setdefault(track, {})[field, name] = value
        return latest

    def _provenance(self, source: Source) -> int:
        if source not in self._provenances:
            self._provenances[source] = add_provenance(self._connection, source, at_s=self._at_s)
        return self._provenances[source]

    def _after_the_last(self, at_s: float) -> float:
        provenances = schema.provenances.c
        last = self._connection.execute(
            select(func.max(provenances.at_s)).where(
                provenances.kind == self._source.kind.value,
                provenances.name.in_([self._source.name, self._locked.name]),
            )
        ).scalar()
        return at_s if last is None or last < at_s else last + _TICK_S
