"""What the DJ's collection says of its tracks, as facts."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from cratehand.catalogue import schema
from cratehand.catalogue.believed import COLUMNS, FOLLOWED_FIELDS, believed_row, rebuild
from cratehand.catalogue.bulk import indexes_later, insert_rows
from cratehand.catalogue.collection_match import NewTrack
from cratehand.catalogue.fact_text import ENCODERS, TAKEN_BACK, UNFIT, fact_text
from cratehand.catalogue.keys import chunks
from cratehand.catalogue.statements import (
    FIELD_TEXT,
    FactsOfTrack,
    Shape,
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
_FOLLOWED: Final = frozenset(field.value for field in FOLLOWED_FIELDS)

_EMPTY: Final = '""'

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
        self._said_something = False
        self._shapes: dict[tuple[tuple[Field, ...], bool], tuple[list[Callable[[Any], str]], Shape]] = {}

    def add(self, tracks: Sequence[NewTrack], *, collection: str, at_s: float) -> None:
        """Add new tracks with all that is said of them."""
        with indexes_later(self._connection, schema.believed, coming=len(tracks)):
            # In the order of the keys each table grows at its end, which is several times faster.
            for piece in chunks(sorted(tracks, key=lambda new: new.track), 5000):
                self._add_piece(piece, collection=collection, at_s=at_s)

    def _add_piece(self, tracks: Sequence[NewTrack], *, collection: str, at_s: float) -> None:
        facts: list[FactsOfTrack] = []
        believed: list[FactRow] = []
        places: list[FactRow] = []
        offline = Presence.OFFLINE.value
        for new in tracks:
            said, values = self._facts(new.track, new.row)
            facts.append(said)
            believed.append(believed_row(new.track, values, _SURE, path_text=new.path))
            places.append((new.track, new.path, new.path_key, offline, at_s, collection, str(new.row.id), new.location))
        insert_rows(self._connection, schema.tracks, _TRACK_COLUMNS, places)
        insert_facts_of_tracks(self._connection, facts)
        self._said_something = True
        insert_rows(self._connection, schema.believed, COLUMNS, believed)

    def update(self, known: Sequence[tuple[CollectionTrack, int]]) -> set[int]:
        """Record what differs from what this source said last; return the tracks of which something does."""
        changed: set[int] = set()
        for piece in chunks(known):
            latest = self._latest([key for _, key in piece])
            rows = [row for track, key in piece for row in self._differences(key, track, latest.get(key, {}))]
            insert_facts(self._connection, rows)
            self._said_something |= bool(rows)
            changed |= {int(str(row[0])) for row in rows}
            rebuild(self._connection, sorted({int(str(row[0])) for row in rows if row[1] in _FOLLOWED}))
        return changed

    def finish(self) -> None:
        """Forget the provenance again where it turned out that nothing is said that was not known."""
        if not self._said_something and self._provenances:
            table = schema.provenances
            mine = table.c.provenance.in_(list(self._provenances.values()))
            self._connection.execute(delete(table).where(mine))

    def _facts(self, key: int, track: CollectionTrack) -> tuple[FactsOfTrack, Mapping[Field, object]]:
        """Return what is said of a track, and the values that were fit for a fact."""
        values = track.values
        encoders, shape = self._shape(tuple(values), is_locked=track.grid_locked)
        try:
            texts = [encode(value) for encode, value in zip(encoders, values.values(), strict=True)]
        except UNFIT:
            texts = []
        if len(texts) < len(values) or _EMPTY in texts:
            values = _fit(track)
            _, shape = self._shape(tuple(values), is_locked=track.grid_locked)
            texts = [fact_text(field, value) for field, value in values.items()]
        return FactsOfTrack(key, shape, texts), values

    def _shape(self, fields: tuple[Field, ...], *, is_locked: bool) -> tuple[list[Callable[[Any], str]], Shape]:
        """Return how to write values of these fields, and where; most tracks of a collection have the same ones."""
        known = self._shapes.get((fields, is_locked))
        if known is None:
            free = self._provenance(self._source) if fields else 0
            locked = self._provenance(self._locked) if is_locked and fields else free
            shape = tuple((FIELD_TEXT[field], locked if field in MEASURED_FIELDS else free) for field in fields)
            known = self._shapes[fields, is_locked] = [ENCODERS[field] for field in fields], shape
        return known

    def _differences(self, key: int, track: CollectionTrack, latest: dict[tuple[str, str], str]) -> Iterator[FactRow]:
        said: set[tuple[str, str]] = set()
        for row in self._facts(key, track)[0].rows():
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


def _fit(track: CollectionTrack) -> dict[Field, object]:
    """Leave out what says nothing and, with a word in the log, what is no value of its field."""
    fit: dict[Field, object] = {}
    for field, value in track.values.items():
        if value is None or value == "":
            continue
        try:
            fact_text(field, value)
        except InvalidInputError as error:
            _log.warning("left out of track %s in the collection: %s", track.id, error)
            continue
        fit[field] = value
    return fit
