"""Facts as they lie in the catalogue: statements, some of which their own source took back.

Where a source no longer holds a value, a statement without value, the JSON text ``null``, stands in `facts` behind the
old one: both stay, and `cratehand.domain.belief` weighs them.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from cratehand.catalogue import schema
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.fact_text import TAKEN_BACK, parse_fact
from cratehand.catalogue.provenance_keys import next_provenance
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.provenance import AnyFact, Fact, Source, SourceKind

FACT_COLUMNS: Final = ("track", "field", "provenance", "value", "confidence")
FIELD_TEXT: Final = {field: field.value for field in Field}
"""Plain text of each field: drivers are slow with subclasses of str."""

_FIELDS: Final = {field.value: field for field in Field}
_KINDS: Final = {kind.value: kind for kind in SourceKind}


_ALIKE: Final = 4
"""From so many tracks on a statement of their own pays."""

Shape = tuple[tuple[str, int], ...]
"""Fields and the provenance of each."""


class FactsOfTrack(NamedTuple):
    """All facts of one new track: the texts in the order of the shape."""

    track: int
    shape: Shape
    texts: Sequence[str]

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Yield them as rows of `FACT_COLUMNS`."""
        for (field, provenance), text in zip(self.shape, self.texts, strict=True):
            yield self.track, field, provenance, text, 1.0


class Statement(NamedTuple):
    """One row of `facts` with its provenance."""

    track: int
    field: str
    value: str
    confidence: float
    kind: str
    name: str
    version: str
    at_s: float
    provenance: int


_ABOUT: Final = (
    select(
        schema.facts.c.track, schema.facts.c.field, schema.facts.c.value, schema.facts.c.confidence,
        schema.provenances.c.kind, schema.provenances.c.name, schema.provenances.c.version, schema.provenances.c.at_s,
        schema.facts.c.provenance,
    )
    .join_from(schema.facts, schema.provenances)
    .where(schema.facts.c.track.in_(bindparam("tracks", expanding=True)))
)  # fmt: skip
_ABOUT_FIELDS: Final = _ABOUT.where(schema.facts.c.field.in_(bindparam("fields", expanding=True)))
# Made once: making a statement takes longer than answering it.


def fact_of(statement: Statement) -> AnyFact:
    """Return the statement as a fact; raises `InvalidInputError` where it does not read."""
    field, kind = _FIELDS.get(statement.field), _KINDS.get(statement.kind)
    if field is None or kind is None:
        raise InvalidInputError(f"{statement.field} from {statement.kind}: not of this version of cratehand")
    return Fact(
        field=field,
        value=None if statement.value == TAKEN_BACK else parse_fact(field, statement.value),
        source=Source(kind=kind, name=statement.name, version=statement.version),
        at_s=statement.at_s,
        confidence=statement.confidence,
    )


def load_statements(
    connection: Connection, keys: Sequence[int], *, fields: Collection[Field] | None = None
) -> dict[int, list[Statement]]:
    """Load the statements about tracks, by track, each list in the order they were made."""
    wanted: dict[str, object] = {"tracks": list(keys)}
    if fields is not None:
        wanted["fields"] = [field.value for field in sorted(fields)]
    found: dict[int, list[Statement]] = {}
    for row in connection.execute(_ABOUT if fields is None else _ABOUT_FIELDS, wanted):
        found.setdefault(row[0], []).append(Statement._make(row))
    for statements in found.values():
        # Sorting here costs a third of what an ORDER BY over the join does.
        statements.sort(key=_when)
    return found


def add_provenance(connection: Connection, source: Source, *, at_s: float) -> int:
    """Add a provenance row and return its key, the same on every device."""
    key = next_provenance()
    connection.execute(
        schema.provenances.insert().values(
            provenance=key, kind=source.kind.value, name=source.name, version=source.version, at_s=at_s
        )
    )
    return key


def insert_facts(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows of `FACT_COLUMNS`; their values come from `fact_text`."""
    insert_rows(connection, schema.facts, FACT_COLUMNS, rows)


def insert_facts_of_tracks(connection: Connection, tracks: Sequence[FactsOfTrack]) -> None:
    """Insert all facts of tracks that have none yet, sure ones, of one provenance each per field.

    Tracks of which the same fields are known go through one statement that names the fields and takes the values of a
    whole track at once, which is twice as fast as a row at a time.
    """
    if connection.dialect.name != "sqlite":
        insert_facts(connection, [row for facts in tracks for row in facts.rows()])
        return
    shapes: dict[Shape, list[FactsOfTrack]] = {}
    for facts in tracks:
        if facts.shape:
            shapes.setdefault(facts.shape, []).append(facts)
    for shape, alike in shapes.items():
        if len(alike) < _ALIKE:
            insert_facts(connection, [row for facts in alike for row in facts.rows()])
            continue
        # Names of fields and keys of provenances are ours; SQLite numbers the values, the track's key is the first.
        rows = ", ".join(f"(?1, '{field}', {source}, ?{at}, 1.0)" for at, (field, source) in enumerate(shape, start=2))
        statement = f"INSERT INTO facts ({', '.join(FACT_COLUMNS)}) VALUES {rows}"  # noqa: S608
        connection.exec_driver_sql(statement, [(facts.track, *facts.texts) for facts in alike])


def _when(statement: Statement) -> tuple[float, int]:
    return statement.at_s, statement.provenance
